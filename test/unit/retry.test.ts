import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import { makeRetry } from '../../src/base/retry.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const forever = new AbortController().signal;

/** Fails `times` times. */
function flaky(times: number): (attempt: number) => Promise<string> {
  return async (attempt) => {
    if (attempt < times) throw new Transient(`deadlock ${attempt}`, { hint: 'wait' });
    return `at attempt ${attempt}`;
  };
}

describe('retry', () => {
  it('tries again after Transient errors, with growing pauses', async () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    const onRetry = (_what: string, attempt: number): void => {
      told.push(attempt);
    };
    const retry = makeRetry(clock, { attempts: 5, delayMs: 10, delayMsMax: 25, onRetry }, () => 1);
    assert.equal(await clock.runUntil(retry('a sync', flaky(4), forever)), 'at attempt 4');
    assert.deepEqual(told, [1, 2, 3, 4]);
    assert.equal(clock.nowMs(), 10 + 20 + 25 + 25);
  });

  it('ends in a Failure with the hint of the last error when the tries are used up', async () => {
    const clock = new VirtualClock();
    const retry = makeRetry(clock, { attempts: 3, delayMs: 10, delayMsMax: 10 });
    await assert.rejects(clock.runUntil(retry('a sync', flaky(9), forever)), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /a sync failed 3 times, the last time with: deadlock 2/);
      assert.equal(error.hint, 'wait');
      return true;
    });
  });

  it('lets every other error through at once', async () => {
    const retry = makeRetry(new VirtualClock(), { attempts: 3, delayMs: 10, delayMsMax: 10 });
    let tries = 0;
    const action = async (): Promise<void> => {
      tries += 1;
      throw new Error('1062');
    };
    await assert.rejects(retry('a sync', action, forever), /^Error: 1062/);
    assert.equal(tries, 1);
  });

  it('stops when the signal aborts, in a pause and after a try', async () => {
    const clock = new VirtualClock();
    const retry = makeRetry(clock, { attempts: 3, delayMs: 10, delayMsMax: 10 });
    const controller = new AbortController();
    const waiting = retry('a sync', flaky(9), controller.signal);
    await clock.advance(1);
    controller.abort(new Error('stop'));
    await assert.rejects(waiting, /stop/);
    await assert.rejects(retry('a sync', flaky(9), controller.signal), /stop/);
  });
});
