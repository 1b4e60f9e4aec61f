import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Scope } from '../../src/base/scope.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

/** A task that lives until its signal aborts, and then takes its time to leave. */
function patient(clock: VirtualClock, onEnd: () => void, leavesAfterMs = 10) {
  return async (signal: AbortSignal): Promise<void> => {
    await clock.sleep(1e9, signal).catch(() => undefined);
    await clock.sleep(leavesAfterMs);
    onEnd();
  };
}

describe('a scope', () => {
  it('is stopped by the first failure, which wins over the failures that follow from it', async () => {
    const clock = new VirtualClock();
    const scope = new Scope();
    scope.spawn(async () => {
      await clock.sleep(5);
      throw new Error('first');
    });
    scope.spawn(async (signal) => {
      await clock.sleep(100, signal).catch(() => undefined);
      throw new Error('because of the first');
    });
    await clock.advance(5);
    scope.fail(new Error('late'));
    await clock.runUntil(scope.close());
    assert.equal(scope.failure?.message, 'first');
    assert.equal((scope.signal.reason as Error).message, 'first');
  });

  it('runs work in the foreground, which loses against a failure in the background', async () => {
    const clock = new VirtualClock();
    const scope = new Scope();
    assert.equal(await scope.run(async () => 42), 42);
    const work = scope.run((signal) => clock.sleep(1e9, signal));
    scope.spawn(async () => {
      throw new Error('a loop died');
    });
    await assert.rejects(clock.runUntil(work), /a loop died/);
    await assert.rejects(
      scope.run(async () => 1),
      /a loop died/,
    );
  });

  // Cleaning up while a statement of the foreground is still under way would drop tables under it.
  it('closes only when all tasks have ended, and the work that run gave up waiting for', async () => {
    const clock = new VirtualClock();
    const scope = new Scope();
    const ended: string[] = [];
    scope.spawn(patient(clock, () => ended.push('task')));
    const work = scope.run(patient(clock, () => ended.push('work'), 20));
    scope.fail(new Error('stop'));
    await assert.rejects(work, /stop/);
    const closed = scope.close().then(() => ended.push('closed'));
    await clock.runUntil(closed);
    assert.deepEqual(ended, ['task', 'work', 'closed']);
  });

  it('closes when a task spawns another while it ends', async () => {
    const clock = new VirtualClock();
    const scope = new Scope();
    let ended = false;
    const child = patient(clock, () => {
      ended = true;
    });
    scope.spawn(
      patient(clock, () => {
        scope.spawn(child);
      }),
    );
    await clock.runUntil(scope.close());
    assert.ok(ended);
  });

  it('follows its parent, and lets go of it when it is closed', async () => {
    const parent = new AbortController();
    const scope = new Scope(parent.signal);
    const child = new Scope(scope.signal);
    parent.abort(new Error('panic'));
    assert.equal((child.signal.reason as Error).message, 'panic');
    await child.close();
    await scope.close();
    assert.equal(scope.failure, undefined, 'to be stopped is no failure');
    assert.throws(() => new Scope(parent.signal).signal.throwIfAborted(), /panic/);
  });
});
