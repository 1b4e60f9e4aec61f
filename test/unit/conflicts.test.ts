import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import { Conflicts } from '../../src/stages/conflicts.ts';
import { forever, stageParts } from './stage-parts.ts';

const violated = new DuplicateKey('u', '1');
const range = { after: 10, upTo: 20 };

function make(options: { addedUniqueness?: boolean; echo?: boolean } = {}) {
  const parts = stageParts(options.echo === undefined ? {} : { echo: options.echo });
  const { store, changes, visibility, turnstile } = parts;
  const conflicts = new Conflicts(store, changes, visibility, turnstile, {
    attempts: 3,
    passTimeoutMs: 1000,
    addedUniqueness: options.addedUniqueness ?? false,
    batchKeys: 2,
  });
  return { ...parts, conflicts };
}

describe('a conflict on another unique key (I5)', () => {
  it('is resolved alone: what runs ends first, all that waits is synced, then the chunk is copied', async () => {
    const { conflicts, clock, changes, calls, turnstile } = make();
    for (const key of [1, 2, 3]) changes.touch(key, false);
    const running = turnstile.shared(async () => {
      await clock.sleep(50);
      calls.push('the last one ended');
    }, forever);
    assert.equal(await clock.runUntil(conflicts.afterChunk(range, violated, forever)), 7);
    await running;
    const alone = ['clear 10..20', 'mark', 'sync 1,2 alone', 'sync 3 alone', 'copy 10..20'];
    assert.deepEqual(calls, ['the last one ended', ...alone]);
    assert.deepEqual([conflicts.count, changes.size], [1, 0]);
  });

  // Beside others a row that is displaced could be one that another chunk or sync has just put there.
  it('has the chunk copied in the manner of one who is alone', async () => {
    const { conflicts, clock, store } = make();
    const manners: string[] = [];
    store.copy = async (_, manner) => {
      manners.push(manner);
      return 7;
    };
    await clock.runUntil(conflicts.afterChunk(range, violated, forever));
    assert.deepEqual(manners, ['alone']);
  });

  // A stale row that keeps changing would stand in the way for ever.
  it('hot keys are synced as well, and stay for what is not visible', async () => {
    const { conflicts, clock, changes, calls } = make({ echo: false });
    changes.touch(1, false);
    const resolved = conflicts.afterSync([2], violated, forever);
    // Once before the mark is committed, so that its last event is not visible when the sync begins.
    await clock.advance(0);
    changes.touch(1, false);
    await clock.runUntil(resolved);
    assert.deepEqual(calls, ['mark', 'sync 1 alone']);
    assert.equal(changes.size, 1);
  });

  // The stale row's change may still be in the stream: trying again at once could go on until the attempts are used up.
  it('reads on before the second attempt', async () => {
    const { conflicts, clock, calls, store } = make();
    const { copy } = store;
    let failures = 1;
    store.copy = async (...call) => {
      if (failures-- > 0) throw violated;
      return await copy(...call);
    };
    await clock.runUntil(conflicts.afterChunk(range, violated, forever));
    assert.deepEqual(calls, ['clear 10..20', 'mark', 'mark', 'clear 10..20', 'copy 10..20']);
  });

  // A full set stops the stream, and all who could make room may be waiting for the stream here.
  it('does not wait for a stream that is stopped because the change set is full', async () => {
    const { conflicts, clock, changes, store } = make({ echo: false });
    const { copy } = store;
    let failures = 1;
    store.copy = async (...call) => {
      if (failures-- === 0) return await copy(...call);
      for (let key = 0; key < 100; key += 1) changes.touch(key, false);
      throw violated;
    };
    await clock.runUntil(conflicts.afterChunk(range, violated, forever), 900);
    assert.ok(changes.empty);
  });

  it('gives keys back when the exclusive sync fails, and lets the others in', async () => {
    const { conflicts, clock, changes, store, turnstile } = make();
    changes.touch(1, true);
    store.sync = async () => {
      throw new Transient('deadlock');
    };
    await assert.rejects(clock.runUntil(conflicts.afterSync([1], violated, forever)), /deadlock/);
    assert.deepEqual([changes.size, changes.reservedCount, turnstile.contended], [1, 0, false]);
  });

  it('is tried within bounds', async () => {
    const { conflicts, clock, store } = make();
    store.copy = async () => {
      throw violated;
    };
    const resolved = clock.runUntil(conflicts.afterChunk(range, violated, forever));
    await assert.rejects(resolved, /still in the way after 3 attempts/);
  });
});

describe('added uniqueness', () => {
  // HAZARDS 89: two rows that collide are an error that names both, never a row less.
  it('ends in a Failure that names both rows, before anything is displaced', async () => {
    const { conflicts, clock, calls, store } = make({ addedUniqueness: true });
    store.findCollision = async () => 'rows 3 and 9 have u = 1';
    await assert.rejects(clock.runUntil(conflicts.afterSync([3], violated, forever)), (error) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /collide under the new unique key u: rows 3 and 9 have u = 1/);
      return true;
    });
    assert.deepEqual(calls, []);
  });

  // Rows that swapped their values conflict with each other for ever, when they are synced one after the other.
  it('syncs all that waits in one transaction', async () => {
    const { conflicts, clock, changes, calls } = make({ addedUniqueness: true });
    for (const key of [1, 2, 3]) changes.touch(key, false);
    await clock.runUntil(conflicts.afterSync([1], violated, forever));
    assert.deepEqual(calls, ['mark', 'sync 1,2,3 alone']);
  });
});
