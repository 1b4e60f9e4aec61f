import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import type { Key } from '../../src/core/key.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import { Applier } from '../../src/stages/applier.ts';
import { forever, stageParts } from './stage-parts.ts';

type Made = ReturnType<typeof make>;

function make(options: { complete?: boolean; comparable?: boolean } = {}) {
  const parts = stageParts(options);
  const conflicts = { afterSync: async (_keys: readonly Key[]): Promise<void> => undefined };
  const sizing: { batchKeys: number | null } = { batchKeys: 2 };
  const all = { ...parts, conflicts, sizing };
  return { ...all, applier: new Applier(all) };
}

/** Runs an applier beside `work`, and stops it. */
async function beside(made: Made, sessions: number, work: () => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const running = made.applier.run(sessions, controller.signal);
  running.catch(() => undefined);
  try {
    await work();
  } finally {
    controller.abort(new Error('end of test'));
  }
  await made.clock.runUntil(running);
  assert.equal(made.clock.sleeperCount, 0);
}

describe('the applier', () => {
  it('syncs what is visible, in batches, and nothing before its mark', async () => {
    const made = make();
    const { clock, changes, calls, visibility, applier } = made;
    await beside(made, 2, async () => {
      for (const key of [1, 2, 3]) changes.touch(key, false);
      await clock.advance(100);
      assert.deepEqual(calls, []);
      await clock.runUntil(visibility.mark());
      await clock.advance(30);
      assert.deepEqual(calls, ['mark', 'sync 1,2 beside', 'sync 3 beside']);
      assert.deepEqual([applier.applied, changes.size], [3, 0]);
    });
  });

  it('takes as many keys as fit into the target time, where no number is given', async () => {
    const made = make();
    const { clock, changes, visibility, applier, sizing } = made;
    sizing.batchKeys = null;
    const before = applier.batchKeys;
    await beside(made, 1, async () => {
      for (let round = 0; round < 3; round += 1) {
        for (let key = 0; key < 1000; key += 1) changes.touch(key, false);
        await clock.runUntil(visibility.mark());
        await clock.advance(100);
      }
      assert.ok(applier.batchKeys > before, 'a batch takes 10 ms here');
      assert.ok(changes.empty);
    });
  });

  // Syncs that are in each other's way would be for ever, with sessions and keys as many as before.
  it('goes on with fewer sessions and fewer keys after a deadlock', async () => {
    const made = make();
    const { clock, changes, store, visibility, applier, sizing } = made;
    sizing.batchKeys = null;
    const before = applier.batchKeys;
    let [syncing, deadlocks] = [0, 0];
    store.sync = async (keys) => {
      syncing += 1;
      await clock.sleep(10);
      const alone = syncing === 1;
      syncing -= 1;
      if (alone) return keys.length;
      deadlocks += 1;
      throw new Transient('deadlock');
    };
    await beside(made, 2, async () => {
      for (let key = 0; key < 2000; key += 1) changes.touch(key, false);
      await clock.runUntil(visibility.mark());
      await clock.advance(1000);
      assert.deepEqual([deadlocks, changes.size], [1, 0]);
      assert.ok(applier.batchKeys < 2 * before);
    });
  });

  it('tries again after deadlocks, and gives the keys back when it must give up', async () => {
    const made = make();
    const { clock, changes, store, visibility, applier } = made;
    store.sync = async () => {
      throw new Transient('deadlock');
    };
    const running = applier.run(1, forever);
    changes.touch(1, false);
    await clock.runUntil(visibility.mark());
    await assert.rejects(clock.runUntil(running), (error) => error instanceof Failure);
    assert.deepEqual([changes.size, changes.reservedCount], [1, 0]);
  });

  // Who wants to be alone waits for those inside, and keeps all others out meanwhile.
  it('spends the pauses between tries outside the turnstile', async () => {
    const made = make();
    const { clock, changes, store, visibility, turnstile } = made;
    let failures = 1;
    const { sync } = store;
    store.sync = async (...call) => {
      if (failures-- > 0) throw new Transient('lock wait timeout');
      return await sync(...call);
    };
    await beside(made, 1, async () => {
      changes.touch(1, false);
      await clock.runUntil(visibility.mark());
      await clock.advance(1);
      await clock.runUntil(
        turnstile.exclusive(async () => assert.equal(changes.reservedCount, 0), forever),
        0,
      );
      await clock.advance(30);
      assert.ok(changes.empty);
    });
  });

  it('gives the keys back before a conflict is resolved, outside the turnstile', async () => {
    const made = make();
    const { clock, changes, store, visibility, conflicts, turnstile } = made;
    let conflictsMet = 0;
    let failures = 1;
    const { sync } = store;
    store.sync = async (...call) => {
      if (failures-- > 0) throw new DuplicateKey('u', '1');
      return await sync(...call);
    };
    conflicts.afterSync = async (keys) => {
      conflictsMet += 1;
      assert.deepEqual([keys, changes.reservedCount], [[1], 0]);
      await turnstile.exclusive(async () => undefined, forever);
    };
    await beside(made, 1, async () => {
      changes.touch(1, false);
      await clock.runUntil(visibility.mark());
      await clock.advance(30);
      assert.deepEqual([conflictsMet, changes.size], [1, 0]);
    });
  });

  it('asks the server about keys that JS cannot order', async () => {
    const made = make({ complete: false, comparable: false });
    const { clock, changes, watermark, store, visibility } = made;
    watermark.dispatch({ number: 0, range: { after: null, upTo: 'm' }, rowsAimed: 1 });
    const asked: (readonly Key[])[] = [];
    store.place = async (keys) => {
      asked.push(keys);
      return keys.map((key) => ({ key, place: key === 'a' ? watermark.flights[0]! : 'above' }));
    };
    await beside(made, 1, async () => {
      for (const key of ['a', 'z']) changes.touch(key, false);
      await clock.runUntil(visibility.mark());
      await clock.advance(1);
      assert.deepEqual([asked, changes.unplacedCount, changes.lastDrop], [[['a', 'z']], 0, 2]);
    });
  });
});

describe('a drain', () => {
  // Under the cut-over lock the writers wait: neither the gate nor the next heartbeat may be waited for.
  it('waits neither for the gate nor for the heartbeat', async () => {
    const made = make();
    const { clock, changes, gate, applier } = made;
    gate.reason = 'replica-lag 3 > 1';
    await beside(made, 1, async () => {
      for (const key of [1, 2, 3]) changes.touch(key, false);
      await clock.advance(1000);
      assert.equal(changes.size, 3);
      await clock.runUntil(applier.drain(forever), 100);
      assert.ok(changes.empty);
      changes.touch(4, false);
      await clock.advance(1000);
      assert.equal(changes.size, 1, 'and afterwards the gate holds again');
    });
  });

  it('ends at once where nothing waits, and with its signal where something always does', async () => {
    const made = make();
    const { clock, changes, applier } = made;
    await applier.drain(forever);
    changes.touch(1, false);
    const controller = new AbortController();
    const drain = applier.drain(controller.signal);
    controller.abort(new Error('too long'));
    await assert.rejects(clock.runUntil(drain), /too long/);
  });
});
