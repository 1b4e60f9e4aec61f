import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChangeSet, type Frontier } from '../../src/core/changeset.ts';
import type { Chunk } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { LogPosition } from '../sim/server.ts';

const never: Frontier = { receipt: -1, position: null };
const at = (receipt: number, index = 0): Frontier => ({ receipt, position: new LogPosition(index) });

function make(comparable = true, capacity = 1000) {
  const compare = (a: Key, b: Key): number => {
    assert.ok(comparable, 'JS compared collated keys');
    return a < b ? -1 : a > b ? 1 : 0;
  };
  const watermark = new Watermark({ comparable, compare });
  const changes = new ChangeSet(watermark, { capacity });
  const dispatch = (upTo: Key | null): Chunk => {
    const chunk = { number: watermark.dispatched, range: { after: watermark.high, upTo }, rowsAimed: 10 };
    watermark.dispatch(chunk);
    return chunk;
  };
  const settle = (chunk: Chunk): void => {
    watermark.settle(chunk);
    changes.settled(chunk);
  };
  return { watermark, changes, dispatch, settle };
}

/** A change set whose copy is complete. */
function complete() {
  const made = make();
  made.settle(made.dispatch(null));
  return made.changes;
}

describe('where a touched key goes', () => {
  // HAZARDS 1, as DESIGN I3 has it: it is dropped, and the first chunk waits for a mark.
  it('before the first chunk everything is dropped, and remembered', () => {
    const { changes } = make();
    changes.touch(5, false);
    assert.deepEqual([changes.size, changes.lastDrop, changes.receipt], [0, 1, 1]);
  });

  // HAZARDS 3: a chunk that is sent is not committed; a delete that is applied now would be undone by its insert.
  it('in the range of a chunk in flight it is held until the chunk settles', () => {
    const { changes, dispatch, settle } = make();
    const [first, second] = [dispatch(10), dispatch(20)];
    changes.touch(15, true);
    settle(first);
    assert.equal(changes.take(9, at(9), never), null);
    settle(second);
    assert.deepEqual(changes.take(9, at(9), never), { keys: [15], deleted: [15] });
  });

  it('the bounds belong to the chunk below them', () => {
    const { changes, dispatch, settle } = make();
    settle(dispatch(10));
    dispatch(20);
    for (const key of [10, 11, 20, 21]) changes.touch(key, false);
    assert.deepEqual(changes.take(9, at(9), never)?.keys, [10]);
    assert.deepEqual([changes.size, changes.lastDrop], [3, 4]);
  });

  // HAZARDS 12: what is appended after the last chunk was dispatched belongs to it, however far it lies.
  it('nothing lies above the open-ended chunk', () => {
    const { changes, dispatch } = make();
    dispatch(10);
    dispatch(null);
    changes.touch(1e9, false);
    assert.deepEqual([changes.size, changes.lastDrop], [1, 0]);
  });
});

describe('keys that only the server can order (I4)', () => {
  it('are held until it has answered', () => {
    const { changes, dispatch, settle, watermark } = make(false);
    const first = dispatch('m');
    settle(first);
    const flight = dispatch('t');
    for (const key of ['a', 'p', 'Z']) changes.touch(key, false);
    assert.equal(changes.take(9, at(9), never), null);
    assert.deepEqual(changes.unplaced(2), ['a', 'p']);
    const answers = [
      { key: 'a', place: 'copied' as const },
      { key: 'p', place: flight },
      { key: 'Z', place: 'above' as const },
    ];
    changes.placed(answers, watermark.dispatched);
    assert.deepEqual([changes.unplacedCount, changes.lastDrop], [0, 3]);
    assert.deepEqual(changes.take(9, at(9), never)?.keys, ['a']);
    settle(flight);
    assert.deepEqual(changes.take(9, at(9), never)?.keys, ['p']);
  });

  // The next chunk may have been read before the change was visible.
  it('an answer "above" is void when a chunk was dispatched since the question', () => {
    const { changes, dispatch, watermark } = make(false);
    dispatch('m');
    changes.touch('p', false);
    const asked = watermark.dispatched;
    dispatch('t');
    changes.placed([{ key: 'p', place: 'above' }], asked);
    assert.deepEqual([changes.unplacedCount, changes.lastDrop], [1, 0]);
  });

  it('a chunk that has settled since the question counts as copied', () => {
    const { changes, dispatch, settle, watermark } = make(false);
    const flight = dispatch('m');
    changes.touch('a', false);
    const asked = watermark.dispatched;
    settle(flight);
    changes.placed([{ key: 'a', place: flight }], asked);
    assert.deepEqual(changes.take(9, at(9), never)?.keys, ['a']);
  });

  it('are all ready, without a question, when the copy is complete', () => {
    const { changes, dispatch, settle } = make(false);
    const [first, last] = [dispatch('m'), dispatch(null)];
    changes.touch('a', false);
    settle(last);
    assert.equal(changes.unplacedCount, 1);
    settle(first);
    assert.deepEqual(changes.take(9, at(9), never)?.keys, ['a']);
  });
});

describe('what may be synced', () => {
  it('is what is visible; a key that was touched again waits for its last event', () => {
    const changes = complete();
    changes.touch(1, false);
    changes.touch(2, false);
    changes.touch(1, false);
    assert.deepEqual(changes.take(9, at(2), never)?.keys, [2]);
    assert.equal(changes.take(9, at(2), never), null);
    assert.deepEqual(changes.take(9, at(3), never)?.keys, [1]);
  });

  // HAZARDS 16.
  it('carries the last verdict only', () => {
    const changes = complete();
    for (const deleted of [false, true, false]) changes.touch(1, deleted);
    for (const deleted of [false, true]) changes.touch(2, deleted);
    assert.deepEqual(changes.take(9, at(9), never), { keys: [1, 2], deleted: [2] });
  });

  it('is never a key whose sync is in flight, however often it is touched', () => {
    const changes = complete();
    changes.touch(1, false);
    const batch = changes.take(9, at(1), never)!;
    changes.touch(1, true);
    assert.equal(changes.take(9, at(9), never), null);
    changes.release(batch);
    assert.deepEqual(changes.take(9, at(9), never), { keys: [1], deleted: [1] });
  });

  // HAZARDS 16: the batch that is given back is older than what was received meanwhile.
  it('a batch that is given back does not overwrite a younger event', () => {
    const changes = complete();
    changes.touch(1, false);
    const batch = changes.take(9, at(1), never)!;
    changes.touch(1, true);
    changes.giveBack(batch);
    assert.equal(changes.take(9, at(1), never), null, 'the younger event is not visible yet');
    const younger = changes.take(9, at(2), never)!;
    assert.deepEqual(younger, { keys: [1], deleted: [1] });
    changes.release(younger);
    assert.throws(() => changes.giveBack(batch), /given back/);
    assert.throws(() => changes.release(batch), /released/);
  });

  // A row that changes all the time would never be synced, and pin the position for ever.
  it('hot keys are synced after a while, and stay for what is not visible', () => {
    const changes = complete();
    changes.committed(new LogPosition(1));
    changes.touch(1, false);
    changes.committed(new LogPosition(2));
    changes.touch(1, true);
    assert.equal(changes.take(9, at(1, 2), at(0)), null, 'not yet aged');
    const batch = changes.take(9, at(1, 2), at(1))!;
    assert.deepEqual(batch, { keys: [1], deleted: [1] });
    changes.release(batch);
    assert.deepEqual([changes.size, String(changes.appliedPosition())], [1, 'log:2']);
    assert.deepEqual(changes.take(9, at(2), never)?.keys, [1]);
  });
});

describe('what a checkpoint may claim (HAZARDS 18, 99)', () => {
  it('is before the oldest pending change, in flight or not', () => {
    const changes = complete();
    changes.committed(new LogPosition(1));
    changes.touch(1, false);
    changes.committed(new LogPosition(2));
    changes.touch(2, false);
    changes.committed(new LogPosition(3));
    const claims = (): string => String(changes.appliedPosition());
    assert.equal(claims(), 'log:1');
    const batch = changes.take(1, at(9), never)!;
    assert.equal(claims(), 'log:1');
    changes.release(batch);
    assert.equal(claims(), 'log:2');
    changes.giveBack(changes.take(1, at(9), never)!);
    assert.equal(claims(), 'log:2');
    changes.release(changes.take(1, at(9), never)!);
    assert.equal(claims(), 'log:3');
  });

  it('never lies within a transaction', () => {
    const changes = complete();
    changes.committed(new LogPosition(7));
    changes.touch(1, false);
    changes.release(changes.take(1, at(9), never)!);
    changes.touch(2, false);
    assert.equal(String(changes.appliedPosition()), 'log:7');
  });
});

describe('room', () => {
  it('is for different keys; a beat tells when there is none', async () => {
    const { changes, dispatch, settle } = make(true, 2);
    settle(dispatch(null));
    for (let i = 0; i < 5; i += 1) changes.touch(1, false);
    assert.equal(changes.full, false);
    const beat = changes.changed.next(new AbortController().signal);
    changes.touch(2, false);
    await beat;
    assert.ok(changes.full);
  });

  // A stream that rests until there is room for a good while, and a conflict that waits for the stream unless the set
  // is full, waited for each other where the set was nearly full. Found by the simulation.
  it('is there again only when the stream goes on', () => {
    const { changes, dispatch, settle } = make(true, 5);
    settle(dispatch(null));
    for (let key = 0; key < 5; key += 1) changes.touch(key, false);
    changes.release(changes.take(1, at(9), never)!);
    assert.ok(changes.full, 'four of five');
    changes.release(changes.take(1, at(9), never)!);
    assert.equal(changes.full, false);
    changes.touch(7, false);
    assert.equal(changes.full, false);
  });
});
