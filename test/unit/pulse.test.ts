import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Transient } from '../../src/base/errors.ts';
import { deadline, Pulse } from '../../src/base/pulse.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const forever = new AbortController().signal;

describe('a pulse', () => {
  it('wakes those who wait, and not those who come later', async () => {
    const pulse = new Pulse();
    let woken = 0;
    const count = (): void => {
      woken += 1;
    };
    const first = Promise.all([pulse.next(forever).then(count), pulse.next(forever).then(count)]);
    pulse.beat();
    void pulse.next(forever).then(count);
    await first;
    assert.equal(woken, 2);
  });

  it('rejects with the reason of a signal that aborts, before or while it waits', async () => {
    const pulse = new Pulse();
    const controller = new AbortController();
    const waiting = pulse.next(controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(pulse.next(controller.signal), /enough/);
    await assert.rejects(Pulse.any([pulse], controller.signal), /enough/);
  });

  it('until: looks again at each beat, and does not wait where the condition holds', async () => {
    const pulse = new Pulse();
    let n = 0;
    await pulse.until(() => true, forever);
    const done = pulse.until(() => n >= 2, forever);
    for (; n < 2; n += 1) pulse.beat();
    pulse.beat();
    await done;
  });
});

// A waiter that stays behind in the pulses that did not beat is a leak: one more for each turn of a loop that runs for days.
describe('any of several pulses', () => {
  it('leaves no waiters behind in the others', async () => {
    const [busy, silent] = [new Pulse(), new Pulse()];
    let listening = 0;
    const signal = countingSignal((change) => {
      listening += change;
    });
    for (let i = 0; i < 100; i += 1) {
      const next = Pulse.any([busy, silent], signal);
      assert.equal(silent.waiting, 1);
      busy.beat();
      await next;
    }
    assert.equal(silent.waiting, 0);
    assert.equal(listening, 0, 'and no listener on the signal');
  });

  it('leaves none behind when the signal aborts', async () => {
    const pulses = [new Pulse(), new Pulse()];
    const controller = new AbortController();
    const waiting = Pulse.any(pulses, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    assert.deepEqual(
      pulses.map((pulse) => pulse.waiting),
      [0, 0],
    );
  });
});

describe('a deadline', () => {
  it('aborts with a Transient that says what took so long', async () => {
    const clock = new VirtualClock();
    const limit = deadline(50, 'a test', clock);
    await clock.advance(49);
    assert.equal(limit.signal.aborted, false);
    await clock.advance(1);
    assert.ok(limit.signal.reason instanceof Transient);
    assert.match(String(limit.signal.reason), /a test took longer than 50 ms/);
  });

  // A timer that is not cleared keeps the process alive after everything is done.
  it('leaves no timer and no listener when it is cleared', async () => {
    const clock = new VirtualClock();
    let listening = 0;
    const parent = countingSignal((change) => {
      listening += change;
    });
    const limit = deadline(50, 'a test', clock, parent);
    assert.deepEqual([clock.sleeperCount, listening], [1, 1]);
    limit.clear();
    await clock.advance(100);
    assert.deepEqual([clock.sleeperCount, listening], [0, 0]);
    assert.equal(limit.signal.aborted, false);
  });

  it("aborts with its parent's reason, also where that has aborted before", () => {
    const parent = new AbortController();
    const limit = deadline(50, 'a test', new VirtualClock(), parent.signal);
    parent.abort('stop');
    assert.equal(limit.signal.reason, 'stop');
    assert.equal(deadline(50, 'a test', new VirtualClock(), parent.signal).signal.reason, 'stop');
  });
});

/** A signal that tells how many listen. */
function countingSignal(changed: (change: number) => void): AbortSignal {
  const { signal } = new AbortController();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    changed(1);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    changed(-1);
    remove(...args);
  };
  return signal;
}
