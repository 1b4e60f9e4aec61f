// Simulations are repeatable only if virtual time wakes sleepers in one order, always the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../lab/virtual-clock.ts';

test('sleepers wake in the order of time, then of their call, with time to work between', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const sleeper = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    seen.push(`${name}@${clock.nowMs()}`);
    await clock.sleep(ms);
    seen.push(`${name}@${clock.nowMs()}`);
  };
  void sleeper('a', 20);
  void sleeper('b', 10);
  void sleeper('c', 20);
  await clock.advance(25);
  assert.deepEqual(seen, ['b@10', 'a@20', 'c@20', 'b@20']);
  assert.equal(clock.nowMs(), 25);
  await clock.advance(15);
  assert.deepEqual(seen.slice(4), ['a@40', 'c@40']);
  assert.equal(clock.wallMs(), 1_700_000_000_040);
});

test('runs until a promise is settled, and no further', async () => {
  const clock = new VirtualClock();
  const work = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) await clock.sleep(1000);
    return 7;
  };
  assert.equal(await clock.runUntil(work()), 7);
  assert.equal(clock.nowMs(), 3000);
  await assert.rejects(clock.runUntil(Promise.reject(new Error('no'))), /^Error: no$/);
});

test('says so when nothing can ever happen, or not in time', async () => {
  const clock = new VirtualClock();
  await assert.rejects(clock.runUntil(new Promise(() => {})), /stuck/);
  await assert.rejects(clock.runUntil(clock.sleep(100), 50), /not settled after 50 ms/);
});

test('an aborted sleeper leaves with the reason and is forgotten', async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(100, controller.signal);
  assert.equal(clock.sleeperCount, 1);
  controller.abort(new Error('enough'));
  await assert.rejects(sleeping, /enough/);
  assert.equal(clock.sleeperCount, 0);
  await assert.rejects(clock.sleep(1, controller.signal), /enough/);
});
