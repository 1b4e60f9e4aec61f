// What a checkpoint may claim as verified, and what a run that goes on from it must compare: nothing that was claimed
// may be wrong unnoticed because a run died (HAZARDS 67, 68).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Key } from '../../src/core/key.ts';
import { VerifiedPrefix } from '../../src/core/verify-prefix.ts';
import { WatchList } from '../../src/core/verify-watch.ts';
import { LogPosition } from '../sim/server.ts';
import { World } from './verifier-world.ts';

const at = (receipt: number) => ({ receipt, position: new LogPosition(receipt) });
const chunk = (number: number, upTo: Key | null) => ({
  ...{ number, rowsAimed: 10 },
  range: { after: number === 0 ? null : number * 10, upTo },
});
/** What a run has claimed that had compared up to 10. */
const upTo10 = { prefix: { complete: false, low: 10 }, compared: { rows: 10, chunks: 1, chunksSkipped: 0 } };

describe('the verified prefix', () => {
  it('ends before the first gap and before the first chunk with an open suspect', () => {
    const prefix = new VerifiedPrefix();
    prefix.end(chunk(1, 20), 5, []);
    prefix.advance(() => false);
    assert.deepEqual([prefix.isEmpty, prefix.compared.rows], [true, 0]);
    prefix.end(chunk(0, 10), 3, [7]);
    prefix.advance((key) => key === 7);
    assert.deepEqual([prefix.isEmpty, [...prefix.beyond]], [true, [7]]);
    prefix.advance(() => false);
    assert.deepEqual([prefix.prefix, prefix.compared.rows], [{ complete: false, low: 20 }, 8]);
    prefix.end(chunk(2, null), null, []);
    prefix.advance(() => false);
    assert.deepEqual(prefix.prefix, { complete: true, low: null });
    assert.deepEqual(prefix.compared, { rows: 8, chunks: 2, chunksSkipped: 1 });
  });

  it('is nothing from a repair on, whatever is compared in the same pass', () => {
    const prefix = new VerifiedPrefix(upTo10);
    prefix.end(chunk(0, 20), 3, []);
    prefix.makeVoid();
    prefix.end(chunk(1, null), 3, []);
    prefix.advance(() => false);
    assert.deepEqual([prefix.isEmpty, prefix.compared.rows], [true, 0]);
  });
});

describe('the position of the claim', () => {
  it('is before the last touch of the key that waits longest', () => {
    const watch = new WatchList(10);
    watch.touch(1, true, at(3));
    watch.touch(2, true, at(5));
    assert.equal(watch.broughtFrom(at(9), new Set())?.receipt, 3);
    // Its next change will be brought again: that is enough.
    watch.touch(1, true, at(7));
    assert.equal(watch.broughtFrom(at(9), new Set())?.receipt, 5);
    watch.guard(10);
    assert.equal(watch.broughtFrom(at(9), new Set())?.receipt, 5, 'also while it is looked at');
    watch.release();
    assert.equal(watch.broughtFrom(at(9), new Set())?.receipt, 9);
  });

  it('is none while a suspect is there that no stream brings, unless its chunk is not claimed', () => {
    const watch = new WatchList(10);
    watch.suspect(1);
    assert.equal(watch.isUnanswered(1), true);
    assert.equal(watch.broughtFrom(at(9), new Set()), null);
    assert.equal(watch.broughtFrom(at(9), new Set([1]))?.receipt, 9);
    watch.touch(1, true, at(4));
    assert.deepEqual([watch.isUnanswered(1), watch.broughtFrom(at(9), new Set())?.receipt], [false, 4]);
    watch.settle([1]);
    assert.equal(watch.broughtFrom(at(9), new Set())?.receipt, 9);
  });
});

describe('a verifier claims', () => {
  it('what is compared, and everything in the end', async () => {
    const world = new World({}, 2);
    assert.deepEqual(world.verifier.claim().prefix, { complete: false, low: null });
    world.onCompare = ({ after }) => {
      if (after === 10) assert.deepEqual(world.verifier.claim().prefix, { complete: false, low: 10 });
    };
    await world.run(1);
    const { prefix, compared } = world.verifier.claim();
    assert.deepEqual([prefix, compared.rows], [{ complete: true, low: null }, 20]);
  });

  it('no more than the stream brings again: a touched key holds the position until it was compared', async () => {
    const world = new World();
    await world.run();
    world.stop.abort();
    world.change(3);
    world.change(4);
    assert.equal(String(world.verifier.claim().from.position), 'log:0');
    world.change(3);
    assert.equal(String(world.verifier.claim().from.position), 'log:1');
    await world.verifier.finish(new AbortController().signal);
    assert.equal(String(world.verifier.claim().from.position), 'log:3');
  });

  it('no chunk in which a suspect has not been looked at, until a touch answers for it', async () => {
    const world = new World({}, 2);
    world.ghost.set(5, 0);
    // The change of the row is late.
    world.onPass = () => {
      assert.deepEqual(world.verifier.claim().prefix, { complete: false, low: null });
      world.change(5);
      assert.deepEqual(world.verifier.claim().prefix, { complete: true, low: null });
      assert.equal(String(world.verifier.claim().from.position), 'log:0');
      world.onPass = () => undefined;
      world.ghost.set(5, 5);
    };
    await world.run();
    await world.clock.advance(1000);
    assert.equal(world.verifier.report.found, 0);
    assert.equal(String(world.verifier.claim().from.position), 'log:1');
  });

  it('nothing any more before the first repair of a pass, and nothing of that pass after it (HAZARDS 68)', async () => {
    const world = new World({}, 2);
    world.ghost.set(15, 0);
    const order: string[] = [];
    world.onRecord = () => {
      assert.deepEqual(world.verifier.claim().prefix, { complete: false, low: null });
      order.push(`recorded, the row is ${world.ghost.get(15)}`);
      return Promise.resolve();
    };
    world.onCompare = () => {
      const now = `claimed ${world.verifier.claim().compared.chunks}`;
      if (order.at(-1) !== now) order.push(now);
    };
    await world.run(1);
    assert.deepEqual(order, [
      ...['claimed 0', 'claimed 1', 'recorded, the row is 0', 'recorded, the row is 15'],
      ...['claimed 0', 'claimed 1'],
    ]);
    assert.deepEqual([world.ghost.get(15), world.verifier.claim().compared.rows], [15, 20]);
  });

  it('nothing more when a row is repaired after the last pass', async () => {
    const world = new World();
    await world.run();
    assert.equal(world.verifier.claim().prefix.complete, true);
    world.ghost.set(5, 0);
    world.change(5);
    await world.clock.advance(1000);
    assert.equal(world.verifier.report.found, 1);
    assert.deepEqual(world.verifier.claim().prefix, { complete: false, low: null });
  });
});

describe('a verifier that goes on', () => {
  it('fails when a row that an earlier run had repaired differs again (HAZARDS 67)', async () => {
    const first = new World();
    first.ghost.set(5, 0);
    const recorded: unknown[] = [];
    first.onRecord = async () => void recorded.push(first.verifier.repairs.repairedRows.length);
    await first.run();
    // Before the repair, and as soon as it is known to be right.
    assert.deepEqual(recorded, [0, 1]);
    const { repairs } = first.verifier;
    const second = new World({}, 1, { repairs });
    second.ghost.set(6, 0);
    await second.run();
    assert.deepEqual([second.verifier.report.found, second.verifier.report.repaired], [2, 2]);
    const third = new World({}, 1, { repairs });
    third.ghost.set(5, 0);
    await assert.rejects(third.run(), /row id=5 differs from the original again/);
  });

  it('repairs a row whose repair the run before may not have come to', async () => {
    const first = new World();
    first.repairs = false;
    first.ghost.set(5, 0);
    await assert.rejects(first.run(), /differs from the original again/);
    const second = new World({}, 1, { repairs: first.verifier.repairs });
    second.ghost.set(5, 0);
    await second.run();
    assert.deepEqual([second.verifier.report.found, second.ghost.get(5)], [1, 5]);
  });

  it('compares the rest, and what was touched since', async () => {
    const world = new World({}, 2, { covered: upTo10 });
    // A sync of 3 was lost by the run before, and again; 8 was spoiled after it had been compared.
    for (const key of [3, 8, 14]) world.ghost.set(key, 0);
    world.change(3);
    const compared: unknown[] = [];
    world.onCompare = ({ after }) => compared.at(-1) === after || compared.push(after);
    assert.equal(String(world.verifier.claim().from.position), 'log:0');
    assert.deepEqual(world.verifier.claim().prefix, upTo10.prefix);
    await world.run();
    // Both were found, so that everything was compared once more: and 8 as well.
    assert.deepEqual(compared.slice(0, 2), [10, null]);
    assert.deepEqual([world.verifier.report.found, world.ghost.get(3), world.ghost.get(8)], [3, 3, 8]);
  });

  it('does not compare again what is claimed, and says what it had', async () => {
    const world = new World({}, 2, { covered: upTo10 });
    await world.run();
    const { rows, rowsBefore, chunks } = world.verifier.report;
    assert.deepEqual([rows, rowsBefore, chunks], [20, 10, 2]);
    assert.deepEqual(world.verifier.claim().compared, { rows: 20, chunks: 2, chunksSkipped: 0 });
  });

  it('does not watch what it will compare anyhow; what does not fit into the list is counted', async () => {
    const world = new World({ watchMax: 2 }, 2, { covered: upTo10 });
    for (const key of [1, 2, 3, 11, 12, 13]) world.change(key);
    const { watched, notCompared } = world.verifier.report;
    assert.deepEqual([watched, notCompared], [2, 1]);
    await world.run();
    assert.equal(world.verifier.report.notCompared, 1);
  });

  it('of a sample keeps every touched key that may have waited for the run before', () => {
    const world = new World({ percent: 10 }, 2, { covered: upTo10 });
    for (const key of [1, 2, 3]) world.change(key);
    assert.equal(world.verifier.report.watched, 3);
  });

  it('with everything claimed compares no chunk, and the watched keys only', async () => {
    const compared = { rows: 20, chunks: 2, chunksSkipped: 0 };
    const world = new World({}, 2, { covered: { prefix: { complete: true, low: null }, compared } });
    world.onCompare = () => assert.fail('a chunk was compared');
    world.change(3);
    await world.run();
    await world.clock.advance(1000);
    assert.deepEqual([world.verifier.report.comparedAgain, world.verifier.report.watched], [1, 0]);
  });
});
