// The verifier against a store that answers what the test says: what is a defect, what is only late, and
// what it does then.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { World } from './verifier-world.ts';

describe('verifier', () => {
  it('compares a chunk without the rows that wait for their sync, and those when they are synced', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.pending.add(5);
    world.onPass = () => {
      world.ghost.set(5, 5);
      world.pending.clear();
      world.changed.beat();
    };
    await world.run();
    await world.lookAtAll();
    assert.deepEqual([world.compared, world.listed], [[[5]], 0], 'one comparison, and no list');
    const { stale, found, watched, comparedAgain } = world.verifier.report;
    assert.deepEqual(
      { stale, found, watched, comparedAgain },
      { stale: 0, found: 0, watched: 0, comparedAgain: 1 },
    );
  });

  it('sees a defect of a row that waits for its sync, when that has been made', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.pending.add(5);
    world.onPass = () => {
      world.pending.clear();
      world.changed.beat();
    };
    await world.run();
    await world.lookAtAll();
    assert.equal(world.verifier.report.found, 1);
  });

  it('compares a chunk again before it lists its rows: what was just committed has come meanwhile', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.onCompare = () => {
      if (world.compared.length === 0) world.pending.add(5);
    };
    world.onPass = () => world.pending.clear();
    await world.run();
    assert.deepEqual(world.compared, [[], [5]]);
    assert.equal(world.listed, 0);
  });

  it('takes a change on its way for what it is', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    // The mark brings the change, and it is synced at once.
    world.onPass = () => world.ghost.set(5, 5);
    await world.run();
    const { stale, found, rows, chunks } = world.verifier.report;
    assert.deepEqual({ stale, found, rows, chunks }, { stale: 1, found: 0, rows: 20, chunks: 1 });
  });

  it('repairs what no change explains, says what it was, and looks again', async () => {
    const world = new World();
    world.ghost.delete(5);
    world.ghost.set(99, 1);
    await world.run();
    const { found, repaired } = world.verifier.report;
    assert.deepEqual([found, repaired, world.verifier.obstacle], [2, 2, null]);
    assert.deepEqual([world.ghost.get(5), world.ghost.has(99)], [5, false]);
    assert.match(world.lines.join('\n'), /no change explains it.*id=5.*\n.*id=99/);
  });

  it('fails when a repaired row differs again', async () => {
    const world = new World();
    world.repairs = false;
    world.ghost.set(5, 0);
    await assert.rejects(world.run(), /row id=5 differs from the original again \(v\)/);
  });

  it('judges nothing by a row that changed between the reading and the mark', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    // The second mark of the first look brings a touch: the row had changed before it was read.
    world.onPass = (count) => {
      if (count === 2) world.verifier.touched(5);
      if (count === 3) world.ghost.set(5, 5);
    };
    await world.run();
    assert.deepEqual([world.verifier.report.found, world.verifier.report.stale], [0, 1]);
  });

  it('leaves rows that never rest to the cut-over, which compares them while nobody writes', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.onPass = () => world.verifier.touched(5);
    await world.run();
    assert.equal(world.verifier.report.watched, 1);
    await assert.rejects(
      world.verifier.finish(world.stop.signal),
      /1 rows of the ghost differ .* under the lock/,
    );
    world.ghost.set(5, 5);
    await world.verifier.finish(world.stop.signal);
    assert.deepEqual([world.verifier.report.watched, world.verifier.report.notCompared], [0, 0]);
  });

  it('says what it does not compare: beyond its bounds it is a sample', async () => {
    const world = new World({ watchMax: 3, finishKeysMax: 2, lookKeys: 2 });
    await world.run();
    world.stop.abort();
    for (const key of [1, 2, 3, 4, 5]) world.verifier.touched(key);
    assert.deepEqual([world.verifier.report.watched, world.verifier.report.notCompared], [3, 2]);
    await world.verifier.finish(new AbortController().signal);
    assert.equal(world.verifier.report.notCompared, 3);
  });

  it('passes over chunks of a sample, but never over all', async () => {
    const world = new World({ percent: 25 }, 8);
    await world.run();
    const { chunks, chunksSkipped } = world.verifier.report;
    assert.deepEqual([chunks, chunksSkipped], [2, 6]);
  });

  it('leaves a column out, and says so, where its expression is not exact', async () => {
    const world = new World();
    for (let id = 1; id <= 100; id += 1) world.original.set(id, -id);
    for (let id = 1; id <= 100; id += 1) world.ghost.set(id, id);
    world.doubtful = ['price'];
    await world.run();
    assert.deepEqual(world.verifier.report.leftOut, ['price']);
    assert.deepEqual([world.verifier.report.found, world.leftOut], [0, ['price']]);
  });

  it('compares everything once more after a repair, and fails when no pass is clean', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    let comparisons = 0;
    world.onCompare = () => {
      comparisons += 1;
    };
    await world.run();
    const { rows, chunks } = world.verifier.report;
    // A chunk that differs is compared three times before its rows are listed. What is told is of the last pass.
    assert.deepEqual([rows, chunks, comparisons], [20, 1, 4]);
    const other = new World();
    let writes = 0;
    other.ghost.set(1, 0);
    // Somebody spoils another row whenever a chunk is compared.
    other.onCompare = () => {
      writes += 1;
      other.ghost.set(1 + writes, 0);
    };
    await assert.rejects(other.run(), /still differ from the original after 3 passes/);
  });

  it('a row repaired after the last pass casts doubt on all: no cut-over before everything is compared once more (HAZARDS 67)', async () => {
    const world = new World();
    await world.run();
    assert.equal(world.verifier.obstacle, null);
    for (const key of [5, 8]) world.ghost.set(key, 0);
    world.change(5);
    await world.lookAtAll();
    assert.deepEqual([world.ghost.get(5), world.ghost.get(8)], [5, 0]);
    assert.match(world.verifier.obstacle ?? '', /everything is compared once more/);
    await assert.rejects(world.verifier.finish(world.stop.signal), /everything is compared once more/);
    await world.verifier.doubted(world.stop.signal);
    await world.clock.runUntil(world.verifier.run(2, world.stop.signal));
    assert.deepEqual(
      [world.ghost.get(8), world.verifier.report.found, world.verifier.obstacle],
      [8, 2, null],
    );
  });

  it('sees touches of the rows it looks at, also where only a sample is asked for', async () => {
    const world = new World({ percent: 1 });
    world.ghost.set(5, 0);
    world.onPass = (count) => {
      if (count === 2) world.verifier.touched(5);
      if (count === 3) world.ghost.set(5, 5);
    };
    await world.run();
    assert.equal(world.verifier.report.found, 0);
  });

  it('fails when more rows differ than could be a mishap', async () => {
    const world = new World({ repairsMax: 3 });
    for (let id = 1; id <= 20; id += 1) world.ghost.set(id, 0);
    await assert.rejects(world.run(), /more than 3 rows of the ghost differ/);
  });
});
