import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Transient } from '../../src/base/errors.ts';
import type { Key } from '../../src/core/key.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { Chunker, type ChunkerStore } from '../../src/stages/chunker.ts';

const forever = new AbortController().signal;
const order = { comparable: true, compare: (a: Key, b: Key) => Number(a) - Number(b) };

/** A table of keys 1, 2 .. `last`. */
function table(last: number, calls: { after: Key | null; rows: number }[] = []) {
  const bound = async (after: Key | null, rows: number): Promise<Key | null> => {
    calls.push({ after, rows });
    const upTo = Number(after ?? 0) + rows;
    return upTo <= last ? upTo : null;
  };
  return withEnd(bound, () => last);
}

function withEnd(bound: ChunkerStore['bound'], last: () => number): ChunkerStore {
  return {
    bound,
    last: async () => last(),
    place: async ([key], high) => [
      { key: key!, place: high === null || Number(key) > Number(high) ? 'above' : 'copied' },
    ],
  };
}

function make(last: number, chunkRows: number | null, calls: { after: Key | null; rows: number }[] = []) {
  const watermark = new Watermark(order);
  const sizing = { chunkRows };
  const chunker = new Chunker(table(last, calls), watermark, sizing, {
    rowsStart: 100,
    targetMs: () => 100,
    rowsMax: 1000,
  });
  return { watermark, chunker, sizing };
}

describe('chunks', () => {
  it('tile the key space, however many ask at a time; the last is open-ended', async () => {
    const { chunker } = make(25, 10);
    const chunks = await Promise.all(Array.from({ length: 5 }, () => chunker.next(forever)));
    assert.deepEqual(
      chunks.map((chunk) => chunk && [chunk.number, chunk.range.after, chunk.range.upTo]),
      [[0, null, 10], [1, 10, 20], [2, 20, null], null, null],
    );
  });

  it('an empty table is one open-ended chunk', async () => {
    const { chunker } = make(0, null);
    assert.deepEqual((await chunker.next(forever))?.range, { after: null, upTo: null });
    assert.equal(await chunker.next(forever), null);
  });

  it('one bound is looked up ahead while the workers copy', async () => {
    const calls: { after: Key | null; rows: number }[] = [];
    const { chunker } = make(100, 10, calls);
    await chunker.next(forever);
    assert.deepEqual(
      calls.map(({ after }) => after),
      [null, 10],
    );
  });

  it('bounds of dense integer keys are reckoned; a gap, and the end, are looked up', async () => {
    const calls: { after: Key | null; rows: number }[] = [];
    const { chunker } = make(10_000, 1000, calls);
    let rowsLeft = 10_000;
    const ranges: unknown[] = [];
    for (let chunk = await chunker.next(forever); chunk; chunk = await chunker.next(forever)) {
      ranges.push([chunk.range.after, chunk.range.upTo]);
      const rows = Math.min(1000, rowsLeft);
      rowsLeft -= rows;
      chunker.feedback(chunk, rows, 100);
    }
    // Two beyond the end were on their way when that was known; the open-ended one follows.
    const tiles = Array.from({ length: 12 }, (_, i) => [i === 0 ? null : i * 1000, (i + 1) * 1000]);
    assert.deepEqual(ranges, [...tiles.slice(0, ranges.length - 1), [(ranges.length - 1) * 1000, null]]);
    assert.ok(ranges.length >= 12 && ranges.length <= 13, `${ranges.length} chunks`);
    assert.ok(calls.length <= 4, `${calls.length} look-ups`);
  });

  it('keys with gaps, and small chunks, are looked up', async () => {
    for (const [gap, chunkRows] of [
      [2, 1000],
      [1, 100],
    ] as const) {
      let lookUps = 0;
      const bound = async (after: Key | null, rows: number): Promise<Key | null> => {
        lookUps += 1;
        return Number(after ?? 0) + rows * gap;
      };
      const endless = withEnd(bound, () => 1_000_000);
      const chunker = new Chunker(endless, new Watermark(order), { chunkRows });
      for (let i = 0; i < 10; i += 1) await chunker.next(forever);
      assert.equal(lookUps, 11);
    }
  });

  it('a look-up that failed can be tried again', async () => {
    const watermark = new Watermark(order);
    let failures = 1;
    const bound = async (): Promise<Key | null> => {
      if (failures-- > 0) throw new Transient('deadlock');
      return null;
    };
    const chunker = new Chunker(
      withEnd(bound, () => 0),
      watermark,
      { chunkRows: null },
    );
    await assert.rejects(chunker.next(forever), /deadlock/);
    assert.equal((await chunker.next(forever))?.number, 0);
  });

  it('resumes after the low watermark', async () => {
    const { chunker, watermark } = make(25, 10);
    watermark.resumeAfter(7);
    assert.deepEqual((await chunker.next(forever))?.range, { after: 7, upTo: 17 });
  });
});

describe('the size of chunks', () => {
  const fed = async (rows: number, elapsedMs: number): Promise<number> => {
    const { chunker } = make(1e6, null);
    chunker.feedback((await chunker.next(forever))!, rows, elapsedMs);
    return chunker.rows;
  };

  it('follows the target time: grows by half at the most, shrinks at once, keeps its bounds', async () => {
    assert.equal(await fed(100, 10), 150);
    assert.equal(await fed(100, 80), 125);
    assert.equal(await fed(100, 1000), 10);
    assert.equal(await fed(100, 0), 150);
  });

  // HAZARDS 52: an empty chunk in a gap of the key space must not pin the size.
  it('grows over gaps', async () => {
    assert.equal(await fed(0, 1), 150);
  });

  // HAZARDS 53: the next chunk was looked up before the size changed; its time says nothing of the new size.
  it('ignores the feedback of a chunk that was measured at another size', async () => {
    const { chunker } = make(1e6, null);
    const chunks = [await chunker.next(forever), await chunker.next(forever), await chunker.next(forever)];
    for (const chunk of chunks) chunker.feedback(chunk!, 100, 10);
    assert.equal(chunker.rows, 150);
    assert.equal((await chunker.next(forever))?.rowsAimed, 100, 'it was looked up ahead');
    assert.equal((await chunker.next(forever))?.rowsAimed, 150);
  });

  it('is what the operator fixes, from the next look-up on', async () => {
    const { chunker, sizing } = make(1e6, null);
    await chunker.next(forever);
    sizing.chunkRows = 7;
    assert.equal(chunker.rows, 7);
    await chunker.next(forever);
    assert.equal((await chunker.next(forever))?.rowsAimed, 7);
  });

  // With --chunk-size 10 and a table that grows by 15 rows a chunk, the copy never ended.
  it('of a fixed size grow when rows are appended faster than they copy them, and the copy ends', async () => {
    let last = 1000;
    const bound = async (after: Key | null, rows: number): Promise<Key | null> => {
      const upTo = Number(after ?? 0) + rows;
      return upTo <= last ? upTo : null;
    };
    const outrun: number[] = [];
    const growing = withEnd(bound, () => last);
    const onOutrun = (rows: number): number => outrun.push(rows);
    const chunker = new Chunker(growing, new Watermark(order), { chunkRows: 10 }, { onOutrun });
    const sizes: number[] = [];
    for (let chunk = await chunker.next(forever); chunk !== null; chunk = await chunker.next(forever)) {
      sizes.push(chunk.rowsAimed);
      last += 15;
      assert.ok(sizes.length < 1000, 'it does not end');
    }
    assert.deepEqual(outrun, [20, 40]);
    // What was there at the start is copied in chunks of the size that was asked for.
    assert.ok(sizes.slice(0, 100).every((rows) => rows === 10));
  });

  it('of a fixed size do not grow where the end is reached', async () => {
    const { chunker } = make(50_000, 10);
    let chunks = 0;
    for (let chunk = await chunker.next(forever); chunk !== null; chunk = await chunker.next(forever)) {
      assert.equal(chunk.rowsAimed, 10);
      chunks += 1;
    }
    assert.equal(chunks, 5001);
  });
});
