import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Throttler, type ThrottleSignal } from '../../src/stages/throttler.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

interface Gauge extends ThrottleSignal {
  read: () => Promise<string | null>;
}

function gauge(name: string, read: () => Promise<string | null>): Gauge {
  return { name, intervalMs: 100, read };
}

async function within(
  signals: readonly Gauge[],
  work: (throttler: Throttler, clock: VirtualClock) => Promise<void>,
) {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const throttler = new Throttler(signals, clock);
  const running = throttler.run(controller.signal).catch(() => undefined);
  try {
    await work(throttler, clock);
  } finally {
    controller.abort(new Error('end of test'));
    await clock.runUntil(running);
    assert.equal(clock.sleeperCount, 0, 'a timer was left behind');
  }
}

describe('the gate', () => {
  it('is shut until every signal has been read once', async () => {
    const clock = new VirtualClock();
    const throttler = new Throttler([gauge('lag', async () => null)], clock);
    assert.equal(throttler.reason, 'lag not read yet');
  });

  it('opens and shuts with its signals, and shows the first reason', async () => {
    let lag: string | null = 'replica-lag 3 > 1';
    const signals = [gauge('replica-lag', async () => lag), gauge('max-load', async () => null)];
    await within(signals, async (throttler, clock) => {
      let passed = false;
      const pass = throttler.pass(new AbortController().signal).then(() => {
        passed = true;
      });
      await clock.advance(1);
      assert.equal(throttler.reason, 'replica-lag 3 > 1');
      assert.equal(passed, false);
      lag = null;
      await clock.advance(100);
      await pass;
      assert.equal(throttler.reason, null);
    });
  });

  // HAZARDS 91: a probe that fails must not let the copy run on.
  it('is shut by a signal that cannot be read, and says so', async () => {
    const broken = gauge('replica-lag', async () => {
      throw new Error('connection refused');
    });
    await within([broken], async (throttler, clock) => {
      await clock.advance(1);
      assert.equal(throttler.reason, 'replica-lag unreadable: connection refused');
    });
  });

  // A signal that hangs and does not listen to its deadline would keep the gate open on its last answer for ever.
  it('is shut by a signal that gives no answer any more', async () => {
    let answers = true;
    const deaf = gauge('replica-lag', () => (answers ? Promise.resolve(null) : new Promise(() => undefined)));
    await within([deaf], async (throttler, clock) => {
      await clock.advance(1);
      assert.equal(throttler.reason, null);
      answers = false;
      await clock.advance(5200);
      assert.match(throttler.reason ?? '', /^replica-lag unreadable: .* longer than 5000 ms$/);
    });
  });

  it('obeys the operator before all, until he takes it back', async () => {
    await within([gauge('lag', async () => null)], async (throttler, clock) => {
      await clock.advance(1);
      throttler.command(true);
      assert.equal(throttler.reason, 'commanded by user');
      const pass = throttler.pass(new AbortController().signal);
      throttler.command(false);
      await pass;
    });
  });

  // HAZARDS 92: a wait that was cut short is not a pass.
  it('throws to those who wait when their signal aborts', async () => {
    const controller = new AbortController();
    const throttler = new Throttler([gauge('lag', async () => null)], new VirtualClock());
    const pass = throttler.pass(controller.signal);
    controller.abort(new Error('stop'));
    await assert.rejects(pass, /stop/);
  });
});
