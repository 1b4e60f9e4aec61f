import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turnstile } from '../../src/base/turnstile.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const forever = new AbortController().signal;

/** Notes who is inside, and fails when somebody who wants to be alone is not. */
class Room {
  readonly #clock: VirtualClock;
  readonly log: string[] = [];
  #shared = 0;
  #alone = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async beside(name: string, ms = 10): Promise<void> {
    assert.equal(this.#alone, 0, `${name} came in beside one who is alone`);
    this.#shared += 1;
    this.log.push(name);
    await this.#clock.sleep(ms);
    this.#shared -= 1;
  }

  async alone(name: string, ms = 10): Promise<void> {
    assert.deepEqual([this.#shared, this.#alone], [0, 0], `${name} is not alone`);
    this.#alone += 1;
    this.log.push(name);
    await this.#clock.sleep(ms);
    this.#alone -= 1;
  }
}

describe('a turnstile', () => {
  // A session of the applier came to the turnstile in the moment in which the swap had ended the applier and gone: it took
  // late writes out of the change set, and who looked for them found nothing (1 of 40,000 runs of the simulation).
  it('lets nobody in whose work has been ended meanwhile, be it free or not', async () => {
    const turnstile = new Turnstile();
    const controller = new AbortController();
    controller.abort(new Error('the tables are swapped'));
    const work = async (): Promise<void> => assert.fail('came in');
    await assert.rejects(turnstile.shared(work, controller.signal), /the tables are swapped/);
    await assert.rejects(turnstile.exclusive(work, controller.signal), /the tables are swapped/);
    assert.equal(await turnstile.exclusive(async () => 1, forever), 1);
  });

  it('lets one alone only when those inside have left, and nobody new meanwhile', async () => {
    const clock = new VirtualClock();
    const [turnstile, room] = [new Turnstile(), new Room(clock)];
    const all = [
      turnstile.shared(() => room.beside('a'), forever),
      turnstile.shared(() => room.beside('b', 20), forever),
      turnstile.exclusive(() => room.alone('X'), forever),
      turnstile.shared(() => room.beside('c'), forever),
    ];
    assert.ok(turnstile.contended);
    await clock.runUntil(Promise.all(all));
    assert.deepEqual(room.log, ['a', 'b', 'X', 'c']);
    assert.equal(turnstile.contended, false);
  });

  // Both wake on the beat of the last one who leaves; only one may find the room empty.
  it('two who want to be alone wake on one beat: they go one after the other, before those who share', async () => {
    const clock = new VirtualClock();
    const [turnstile, room] = [new Turnstile(), new Room(clock)];
    const all = [
      turnstile.shared(() => room.beside('a'), forever),
      turnstile.exclusive(() => room.alone('X'), forever),
      turnstile.exclusive(() => room.alone('Y'), forever),
      turnstile.shared(() => room.beside('b'), forever),
    ];
    await clock.runUntil(Promise.all(all));
    assert.deepEqual(room.log, ['a', 'X', 'Y', 'b']);
  });

  it('goes on after an error inside', async () => {
    const turnstile = new Turnstile();
    const fail = async (): Promise<never> => {
      throw new Error('1062');
    };
    await assert.rejects(turnstile.shared(fail, forever), /1062/);
    await assert.rejects(turnstile.exclusive(fail, forever), /1062/);
    assert.equal(await turnstile.exclusive(async () => 1, forever), 1);
    assert.equal(await turnstile.shared(async () => 2, forever), 2);
  });

  // Whoever gives up waiting to be alone must wake those whom it kept outside.
  it('lets the others in when the one who wanted to be alone gives up', async () => {
    const clock = new VirtualClock();
    const [turnstile, room] = [new Turnstile(), new Room(clock)];
    const controller = new AbortController();
    const slow = turnstile.shared(() => room.beside('slow', 1000), forever);
    const alone = turnstile.exclusive(() => room.alone('X'), controller.signal);
    const next = turnstile.shared(() => room.beside('next'), forever);
    await clock.advance(1);
    controller.abort(new Error('gave up'));
    await assert.rejects(alone, /gave up/);
    await clock.advance(20);
    assert.deepEqual(room.log, ['slow', 'next']);
    await clock.runUntil(Promise.all([slow, next]));
  });

  it('throws the reason of the signal to those who wait outside', async () => {
    const clock = new VirtualClock();
    const turnstile = new Turnstile();
    const controller = new AbortController();
    const alone = turnstile.exclusive(() => clock.sleep(10), forever);
    const outside = turnstile.shared(async () => 1, controller.signal);
    controller.abort(new Error('stop'));
    await assert.rejects(outside, /stop/);
    await clock.runUntil(alone);
  });
});
