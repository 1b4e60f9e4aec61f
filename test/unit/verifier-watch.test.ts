// Which keys the verifier looks at: a touch during a look must never be lost, or a change on its way would
// be taken for a defect.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Repairs, rowName } from '../../src/core/verify-repairs.ts';
import { WatchList } from '../../src/core/verify-watch.ts';
import { LogPosition } from '../sim/server.ts';

const at = (receipt: number) => ({ receipt, position: new LogPosition(receipt) });

const parts = { describe: String, log: { info: () => undefined, warn: () => undefined } };

describe('watch list of the verifier', () => {
  it('remembers a touch during a look, and lets the key wait again', () => {
    const watch = new WatchList(10);
    watch.suspect(1);
    watch.touch(2, true, at(1));
    assert.deepEqual(watch.guard(10), [1, 2]);
    watch.touch(1, true, at(2));
    assert.equal(watch.isTouched(1), true);
    watch.begin();
    assert.equal(watch.isStill(1), true);
    watch.touch(1, true, at(2));
    assert.equal(watch.isStill(1), false);
    assert.equal(watch.isStill(2), true);
    assert.equal(watch.isStill(3), false, 'a key that is not guarded was not watched');
    watch.postpone(1, true, 1);
    watch.release();
    assert.deepEqual(watch.keys(), [1]);
    assert.equal(watch.suspects, 1);
  });

  it('counts what it lets go when it is full, but never lets a suspect go', () => {
    const watch = new WatchList(2);
    for (const key of [1, 2, 3, 3, 1]) watch.touch(key, true, at(1));
    assert.deepEqual([watch.size, watch.dropped, watch.full], [2, 2, true]);
    watch.suspect(4);
    watch.suspect(2);
    assert.deepEqual(watch.keys(), [4, 2, 1]);
  });

  it('leaves half of a look to touched keys, so that suspects that keep changing starve nobody', () => {
    const watch = new WatchList(100);
    for (let key = 0; key < 10; key += 1) watch.suspect(key);
    for (let key = 10; key < 20; key += 1) watch.touch(key, true, at(1));
    assert.deepEqual(watch.guard(4), [0, 1, 10, 11]);
    watch.postpone(0, true, 1);
    watch.release();
    assert.equal(watch.keys().indexOf(0), 8, 'it waits behind the other suspects');
  });

  it('knows whether some suspect has not been looked at often enough', () => {
    const watch = new WatchList(10);
    watch.suspect(1);
    for (let look = 0; look < 2; look += 1) {
      assert.equal(watch.hasFresh(2), true);
      watch.guard(5);
      assert.equal(watch.hasFresh(2), true, 'also while it is looked at');
      watch.postpone(1, true, 1);
      watch.release();
    }
    assert.equal(watch.hasFresh(2), false);
    watch.settle([1]);
    assert.equal(watch.size, 0);
  });

  it('counts a repair once, however often the row is found right', () => {
    const repairs = new Repairs(parts, 10);
    repairs.begin(1, ['v']);
    repairs.begin(2, ['v']);
    assert.equal(repairs.confirm([1, 3]), true);
    assert.equal(repairs.confirm([1]), false);
    assert.deepEqual([repairs.found, repairs.outstanding], [2, 1]);
    assert.match(repairs.obstacle ?? '', /^1 rows .* are being repaired/);
  });

  it('keeps names of one size of the rows that are right, whatever their keys are', () => {
    const repairs = new Repairs(parts, 10, { repaired: 5, repairedRows: [rowName('a')] });
    assert.throws(() => repairs.begin('a', ['v']), /row a differs from the original again \(v\)/);
    repairs.begin('x'.repeat(3072), ['v']);
    repairs.begin(1, ['v']);
    repairs.confirm(['x'.repeat(3072)]);
    const { repaired, repairedRows } = repairs.record;
    // Four of the five were written by a version that only counted, and one is not right yet.
    assert.deepEqual([repairs.found, repaired, repairedRows.length], [7, 6, 2]);
    assert.deepEqual(new Set(repairedRows.map(({ length }) => length)), new Set([24]));
  });

  it('fails with too many, those of earlier runs included', () => {
    const repairs = new Repairs(parts, 3, { repaired: 2, repairedRows: [] });
    repairs.begin(1, ['v']);
    assert.throws(() => repairs.begin(2, ['v']), /more than 3 rows of the ghost differ/);
  });
});
