// The cut-over against a server that does not answer, dies, or answers nonsense at a given moment: which no real server can be
// made to do at will. What must come out: an end in bounded time, and never a guess about which table is which.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ambiguous, Failure, Transient } from '../../src/base/errors.ts';
import { Pulse } from '../../src/base/pulse.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import type { ChangeSet } from '../../src/core/changeset.ts';
import type { CutOverStep, SwapOutcome, SwapPort } from '../../src/core/swap-port.ts';
import type { Visibility } from '../../src/core/visibility.ts';
import { CutOver } from '../../src/stages/cutover.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const lost = (): Promise<never> => Promise.reject(new Transient('connection lost'));

/** A server on which everything goes well, except for what a test says. */
class Stage {
  readonly clock = new VirtualClock();
  readonly calls: string[] = [];
  readonly steps: CutOverStep[] = [];
  readonly warnings: string[] = [];
  /** What was done last when rows were compared. */
  readonly compared: string[] = [];
  swapped = false;
  #done: () => void = () => undefined;
  #sentry = false;
  changesEmpty = true;
  idsMissing = false;
  pass: () => Promise<unknown> = () => Promise.resolve();
  outcome: SwapOutcome = 'unchanged';

  port(faults: Partial<SwapPort> = {}): SwapPort {
    const call = (name: string): Promise<void> => {
      this.calls.push(name);
      return Promise.resolve();
    };
    const good: SwapPort = {
      blockers: () => Promise.resolve({ who: [], unsure: false }),
      recheck: () => call('recheck'),
      open: () => call('open').then(() => ({ lock: 1, rename: 2 })),
      carryAutoIncrement: () => call('carry'),
      autoIncrementMissing: () => call('look for ids').then(() => this.idsMissing),
      createSentry: () => {
        this.#sentry = true;
        return call('create sentry');
      },
      lock: () => call('lock'),
      dress: () => call('dress'),
      undress: () => call('undress'),
      rename: () => {
        this.calls.push('rename');
        return new Promise((resolve) => {
          this.#done = resolve;
        });
      },
      renameWait: () => Promise.resolve(this.#sentry ? 'sentry' : 'original'),
      dropSentry: () => {
        this.#sentry = false;
        return call('drop sentry');
      },
      unlock: () => {
        this.#done();
        return call('unlock');
      },
      stepBack: () => call('step back'),
      outcome: () => call('outcome').then(() => this.outcome),
      close: () => call('close'),
    };
    return { ...good, ...faults };
  }

  attempt(faults: Partial<SwapPort> = {}, signal = new AbortController().signal): Promise<unknown> {
    const changes = { empty: this.changesEmpty } as ChangeSet;
    const visibility = { changed: new Pulse(), pass: () => this.pass() } as unknown as Visibility;
    const cutOver = new CutOver(
      {
        ...{ port: this.port(faults), changes, visibility, clock: this.clock, turnstile: new Turnstile() },
        applier: { drain: () => Promise.resolve() },
        compare: async () => void this.compared.push(this.calls.at(-1) ?? ''),
        retire: () => this.calls.push('retire'),
        onSwapped: () => {
          this.swapped = true;
        },
        onStep: (step) => {
          this.steps.push(step);
        },
        warn: (message) => this.warnings.push(message),
      },
      { lockTimeoutMs: 3000, patienceMs: 30_000 },
    );
    return cutOver.attempt(signal);
  }

  /** How an attempt ends, and after how many seconds at the most. */
  async ends(faults: Partial<SwapPort>, withinMs = 10_000): Promise<unknown> {
    const attempt = this.attempt(faults).then(
      () => 'swapped',
      (error: unknown) => error,
    );
    let over = false;
    void attempt.finally(() => {
      over = true;
    });
    for (let ms = 0; ms <= withinMs && !over; ms += 100) await this.clock.advance(100);
    assert.ok(over, `not over after ${withinMs} ms: ${this.calls}`);
    assert.equal(this.clock.sleeperCount, 0, 'a timer was left behind');
    return await attempt;
  }
}

describe('an attempt of the cut-over', () => {
  it('compares nothing once the lock is gone, where what is rechecked beside the drain has ended the attempt', async () => {
    const stage = new Stage();
    let locked = false;
    stage.pass = () => (locked ? stage.clock.sleep(500) : Promise.resolve());
    const recheck = (): Promise<void> => (locked ? lost() : Promise.resolve());
    const lock = async (): Promise<void> => {
      locked = true;
    };
    assert.ok((await stage.attempt({ recheck, lock }).catch((error: unknown) => error)) instanceof Transient);
    assert.equal(stage.calls.at(-1), 'close');
    await stage.clock.advance(1000);
    assert.deepEqual(stage.compared, []);
  });

  it('takes off the ghost what it put on it when the attempt fails; where it cannot, nothing writes to it again', async () => {
    const stage = new Stage();
    assert.ok((await stage.ends({ unlock: lost })) instanceof Transient);
    assert.ok(stage.calls.join().includes('step back,outcome,undress'), stage.calls.join());
    const stuck = new Stage();
    const ending = await stuck.ends({ unlock: lost, undress: () => Promise.reject(new Failure('no')) });
    assert.ok(ending instanceof Failure, String(ending));
    assert.ok(stuck.calls.includes('retire'));
    const done = new Stage();
    done.outcome = 'swapped';
    assert.equal(await done.ends({ unlock: lost }), 'swapped');
    assert.ok(!done.calls.includes('undress'), 'the new table keeps it');
  });

  it('locks, drains, renames, drops the sentry and unlocks, in this order', async () => {
    const stage = new Stage();
    assert.equal(await stage.ends({}), 'swapped');
    const order =
      'recheck,open,carry,create sentry,lock,look for ids,recheck,dress,rename,drop sentry,unlock,close';
    assert.equal(stage.calls.join(), order);
    assert.ok(stage.swapped);
  });

  it('carries ids over that were given out just before the lock, when the ghost is in step', async () => {
    const stage = new Stage();
    stage.idsMissing = true;
    assert.equal(await stage.ends({}), 'swapped');
    assert.ok(stage.calls.join().includes('recheck,carry,dress'), stage.calls.join());
    assert.equal(stage.compared.at(-1), 'recheck', 'nothing is carried before the drain is over');
  });

  for (const call of ['createSentry', 'lock', 'dropSentry', 'unlock', 'renameWait'] as const) {
    it(`is over in bounded time when ${call} is never answered`, async () => {
      const stage = new Stage();
      // Sessions listen to the signal they are given; that is all that the port promises.
      const hang = (...args: unknown[]): Promise<never> => {
        const signal = args.at(-1) as AbortSignal;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      };
      const error = await stage.ends({ [call]: hang });
      assert.ok(error instanceof Transient, String(error));
      assert.ok(stage.calls.includes('step back'));
      assert.equal(stage.calls.at(-1), 'close');
      assert.equal(stage.swapped, false);
    });
  }

  it('does not wait under the lock for a mark that never comes back, nor for one that is never committed', async () => {
    const stage = new Stage();
    stage.pass = () => (stage.calls.includes('lock') ? never() : Promise.resolve());
    assert.ok((await stage.ends({})) instanceof Transient);
    assert.ok(!stage.calls.includes('rename'));
    assert.ok(stage.calls.includes('step back'));
  });

  it('locks nothing as long as a mark does not come back', async () => {
    const stage = new Stage();
    stage.pass = never;
    assert.ok((await stage.ends({})) instanceof Transient);
    assert.ok(!stage.calls.includes('lock'));
  });

  it('does not send the RENAME when a change came in after the drain mark', async () => {
    const stage = new Stage();
    stage.changesEmpty = false;
    assert.ok((await stage.ends({})) instanceof Transient);
    assert.ok(!stage.calls.includes('rename'));
  });

  it('steps back soon when the RENAME waits for others: readers wait behind it', async () => {
    const stage = new Stage();
    const error = await stage.ends({ renameWait: () => stage.clock.sleep(10).then(() => 'others') }, 2000);
    assert.match(String(error), /others hold the original or the ghost/);
    assert.ok(!stage.calls.includes('drop sentry'), 'the sentry is what keeps the RENAME from succeeding');
  });

  it('takes a lost answer for no answer: the outcome decides', async () => {
    for (const outcome of ['swapped', 'unchanged'] as const) {
      const stage = new Stage();
      stage.outcome = outcome;
      const result = await stage.ends({ unlock: () => lost() });
      if (outcome === 'swapped') assert.equal(result, 'swapped');
      else assert.ok(result instanceof Transient && !(result instanceof Ambiguous));
      assert.equal(stage.swapped, outcome === 'swapped');
      assert.equal(stage.calls.filter((call) => call === 'step back').length, 1);
    }
  });

  it('says that nobody can tell when nobody can: unclear tables, or a server that is gone', async () => {
    const stage = new Stage();
    stage.outcome = 'unclear';
    assert.ok((await stage.ends({ unlock: lost })) instanceof Ambiguous);
    const gone = new Stage();
    const error = await gone.ends({ unlock: lost, stepBack: lost, outcome: lost });
    assert.ok(error instanceof Ambiguous);
    assert.equal(gone.swapped, false);
    assert.equal(gone.calls.at(-1), 'close');
  });

  it('asks for the outcome although the run was told to end meanwhile', async () => {
    const stage = new Stage();
    stage.outcome = 'swapped';
    const controller = new AbortController();
    const attempt = stage.attempt(
      {
        unlock: () => {
          controller.abort(new Failure('told to end'));
          return lost();
        },
      },
      controller.signal,
    );
    await attempt;
    assert.ok(stage.swapped);
  });

  it('locks nothing while old transactions hold the table, and names them', async () => {
    const stage = new Stage();
    const who = ['connection 7 (app@host), for 90 s, idle in its transaction'];
    const error = await stage.ends({ blockers: () => Promise.resolve({ who, unsure: false }) }, 40_000);
    assert.match(String(error), /connection 7/);
    assert.deepEqual(stage.calls, []);
    assert.match(stage.warnings.join(), /connection 7/);
  });

  it('tries at last where the server cannot tell whom a transaction holds up', async () => {
    const stage = new Stage();
    const who = ['connection 7 (app@host), for 90 s, idle in its transaction'];
    const unsure = { blockers: () => Promise.resolve({ who, unsure: true }) };
    assert.equal(await stage.ends(unsure, 40_000), 'swapped');
  });
});
