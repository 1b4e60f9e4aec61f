import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import type { Chunk } from '../../src/core/chunk.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import { Copier } from '../../src/stages/copier.ts';
import { forever, stageParts } from './stage-parts.ts';

/** A copier of chunks that end at 10, 20 and nowhere. */
function make() {
  const parts = stageParts({ complete: false });
  const { watermark, calls } = parts;
  const uppers = [10, 20, null];
  const fed: number[] = [];
  const chunks = {
    next: async (): Promise<Chunk | null> => {
      if (watermark.ended) return null;
      const range = { after: watermark.high, upTo: uppers[watermark.dispatched]! };
      const chunk = { number: watermark.dispatched, range, rowsAimed: 10 };
      watermark.dispatch(chunk);
      return chunk;
    },
    feedback: (_chunk: Chunk, _rows: number, elapsedMs: number): void => {
      fed.push(elapsedMs);
    },
  };
  const conflicts = {
    afterChunk: async (): Promise<number> => {
      calls.push('conflict');
      return 3;
    },
  };
  const all = { ...parts, chunks, conflicts };
  return { ...all, fed, copier: new Copier(all) };
}

describe('the copier', () => {
  it('copies all chunks, after one mark for what lies before the start', async () => {
    const { copier, calls, clock, watermark } = make();
    await clock.runUntil(copier.run(1, forever));
    assert.deepEqual(calls, ['mark', 'copy ..10', 'copy 10..20', 'copy 20..']);
    assert.deepEqual([copier.rows, watermark.complete], [21, true]);
  });

  // HAZARDS 4: what was dropped must be visible to the chunk that is to read it.
  it('waits for a mark where keys were dropped since the last one', async () => {
    const { copier, calls, clock, changes } = make();
    const running = copier.run(1, forever);
    await clock.advance(5);
    changes.touch(15, false);
    await clock.runUntil(running);
    assert.deepEqual(calls, ['mark', 'copy ..10', 'mark', 'copy 10..20', 'copy 20..']);
  });

  // The first try may have been committed although its answer was lost.
  it('clears a range before it is copied again', async () => {
    const { copier, calls, clock, store, fed } = make();
    const { copy } = store;
    let failures = 1;
    store.copy = async (range, manner, signal) => {
      const rows = await copy(range, manner, signal);
      if (failures-- > 0) throw new Transient('lost connection');
      return rows;
    };
    await clock.runUntil(copier.run(1, forever));
    assert.deepEqual(calls.slice(0, 4), ['mark', 'copy ..10', 'clear ..10', 'copy ..10']);
    assert.deepEqual(fed, [10, 10, 10], 'HAZARDS 54: the time of the copy alone');
  });

  it('settles a chunk after its conflict was resolved, not before', async () => {
    const { copier, clock, store, conflicts, watermark, changes } = make();
    const all = { receipt: 99, position: null };
    let failures = 1;
    store.copy = async () => {
      changes.touch(5, false);
      if (failures-- > 0) throw new DuplicateKey('u', '1');
      return 1;
    };
    conflicts.afterChunk = async () => {
      assert.equal(watermark.low, null);
      assert.equal(changes.take(9, all, all), null, 'its keys are held');
      return 1;
    };
    await clock.runUntil(copier.run(1, forever));
    assert.ok(changes.take(9, all, all));
  });

  it('tries conflicts and look-ups again after Transient errors', async () => {
    const { copier, clock, store, conflicts, chunks, watermark } = make();
    let failures = 2;
    const { next } = chunks;
    chunks.next = async () => {
      if (failures-- > 0) throw new Transient('deadlock');
      return await next();
    };
    let conflictsLeft = 2;
    conflicts.afterChunk = async () => {
      if (conflictsLeft-- > 0) throw new Transient('deadlock');
      return 1;
    };
    store.copy = async () => {
      throw new DuplicateKey('u', '1');
    };
    await clock.runUntil(copier.run(2, forever));
    assert.ok(watermark.complete);
  });

  // HAZARDS 51: one worker dies, the others must not go on, and the first error is the one that counts.
  it('stops all workers at the first failure', async () => {
    const { copier, clock, store, calls } = make();
    const { copy } = store;
    store.copy = async (range, manner, signal) => {
      await copy(range, manner, signal);
      if (range.after === null) throw new Failure('table is full');
      await clock.sleep(100, signal);
      return 1;
    };
    await assert.rejects(clock.runUntil(copier.run(2, forever)), /table is full/);
    assert.deepEqual(
      calls.filter((call) => call.startsWith('copy')),
      ['copy ..10', 'copy 10..20'],
    );
    assert.equal(clock.sleeperCount, 0);
  });

  it('rests while the gate is shut', async () => {
    const { copier, clock, gate, calls } = make();
    gate.reason = 'replica-lag 3 > 1';
    const running = copier.run(2, forever);
    await clock.advance(1000);
    assert.deepEqual(calls, []);
    gate.open();
    await clock.runUntil(running);
  });
});
