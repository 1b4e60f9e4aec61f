import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PaceController } from '../../src/core/pace.ts';
import { copyPaced } from '../../src/migrator/pace.ts';
import { Pacer } from '../../src/stages/pacer.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const forever = new AbortController().signal;

function make(options: { fixed?: number | null; niceRatio?: number; others?: number } = {}) {
  const clock = new VirtualClock();
  const settings = { niceRatio: options.niceRatio ?? 0 };
  const world = { others: options.others ?? 0, lagShare: 0, changes: 0, throttled: false };
  const controller = new PaceController();
  const pacer = new Pacer(
    {
      clock,
      settings,
      othersRunning: async () => world.others,
      lagShare: () => world.lagShare,
      changes: () => world.changes,
      throttled: () => world.throttled,
    },
    options.fixed === undefined ? null : options.fixed,
    controller,
  );
  return { clock, settings, world, controller, pacer };
}

describe('the pacer', () => {
  it('with --concurrency N gives N workers their turns at once, and never measures', async () => {
    const { pacer, clock } = make({ fixed: 3 });
    assert.deepEqual([pacer.workersMax, pacer.level, pacer.auto], [3, 3, false]);
    for (const worker of [0, 1, 2]) await pacer.turn(worker, forever);
    await pacer.run(forever);
    assert.equal(clock.sleeperCount, 0);
  });

  it('--nice-ratio: a worker rests for a multiple of the time of its piece, and can be told otherwise meanwhile', async () => {
    const { pacer, clock, settings } = make({ fixed: 1, niceRatio: 2 });
    await clock.runUntil(pacer.piece(0, () => clock.sleep(500).then(() => 10)));
    const startMs = clock.nowMs();
    await clock.runUntil(pacer.turn(0, forever));
    assert.equal(clock.nowMs() - startMs, 1000);
    await clock.runUntil(pacer.piece(0, () => clock.sleep(500).then(() => 10)));
    const againMs = clock.nowMs();
    const turn = pacer.turn(0, forever);
    await clock.advance(150);
    settings.niceRatio = 0;
    await clock.runUntil(turn);
    assert.ok(clock.nowMs() - againMs <= 250, 'a live change waits for a slice at the most');
  });

  it('who asks to be nice gets no more workers than at the start', () => {
    const { pacer, settings, controller } = make();
    Object.defineProperty(controller, 'level', { value: 6 });
    assert.equal(pacer.level, 6);
    settings.niceRatio = 0.1;
    assert.equal(pacer.level, 2);
  });

  it('parks workers above the level until there are more', async () => {
    const { pacer, clock, world } = make();
    let passed = false;
    const ending = new AbortController();
    const running = pacer.run(ending.signal);
    const turn = pacer.turn(2, forever).then(() => {
      passed = true;
    });
    await clock.advance(600);
    assert.equal(passed, false);
    const working = (async () => {
      for (let i = 0; i < 8; i += 1) await pacer.piece(0, () => clock.sleep(300).then(() => 10_000));
    })();
    await clock.runUntil(turn);
    assert.equal(pacer.level, 3);
    await clock.runUntil(working);
    assert.equal(world.throttled, false);
    ending.abort();
    await clock.runUntil(running);
  });

  it('a wait for a turn ends with its signal', async () => {
    const { pacer } = make();
    const ending = new AbortController();
    const turn = pacer.turn(7, ending.signal);
    ending.abort(new Error('stop'));
    await assert.rejects(turn, /stop/);
  });
});

describe('the pace', () => {
  it('falls when the change stream, the backlog or the replicas fall behind, whoever else is there', () => {
    const controller = new PaceController();
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 500)
      controller.step({ nowMs, othersRunning: 0, changesPerSecond: 0, lagShare: 0.9, rows: 1000 });
    assert.equal(controller.level, 0.1);
  });

  it('is not judged while everything rests by the gate', () => {
    const controller = new PaceController();
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 500) {
      controller.commit(nowMs, 5, true);
      controller.step({ nowMs, othersRunning: 0, changesPerSecond: 0, lagShare: 0, rows: null });
    }
    assert.equal(controller.level, 2);
  });

  /**
   * A server whose commits take `busyMs` instead of 4 while one worker works; a tick is a tenth of a second.
   * @param lateMs what they take for two ticks after our work: others then do what they could not do beside it.
   */
  const beside = (alone: number, withUs: number, busyMs: number, lateMs = 4): PaceController => {
    const controller = new PaceController();
    let resting = 0;
    for (let tick = 0; tick < 600; tick += 1) {
      const nowMs = tick * 100;
      const quiet = controller.probing || tick % 10 >= Math.round(controller.level * 10);
      resting = quiet ? resting + 1 : 0;
      controller.commit(nowMs, quiet ? (resting <= 2 ? lateMs : 4) : busyMs, quiet);
      if (tick % 5 === 0 || controller.probing) controller.threads(nowMs, quiet ? alone : withUs, quiet);
      if (tick % 5 !== 4 && !controller.probing) continue;
      controller.step({ nowMs, othersRunning: withUs, changesPerSecond: 100, lagShare: 0, rows: 1000 });
    }
    return controller;
  };

  it('as many threads may wait for us, by what runs while we rest: beside us all are seen waiting', () => {
    assert.equal(beside(1, 3, 6).level, 1, 'a whole worker, beside which their commits take longer');
    const [few, many] = [beside(3, 3, 7).level, beside(10, 10, 7).level];
    assert.ok(few < 0.7 && few > 0.3, `writers that never pause lose as much of their rate: ${few}`);
    assert.ok(many < 0.4, `the more there are the less: ${many}`);
  });

  it('what others do just after our work is not taken for what they do without us', () => {
    assert.ok(beside(10, 10, 7, 30).level < 0.4);
  });

  it('a worker that was being tried when others came is forgotten: the level does not fall to nothing by it', () => {
    const controller = new PaceController();
    let nowMs = 0;
    for (; controller.level !== 3; nowMs += 500)
      controller.step({ nowMs, othersRunning: 0, changesPerSecond: 0, lagShare: 0, rows: 50_000 });
    const levels: number[] = [];
    for (const endMs = nowMs + 30_000; nowMs < endMs; nowMs += 100) {
      controller.commit(nowMs, 4, controller.probing || nowMs % 1000 < 500);
      controller.step({ nowMs, othersRunning: 1, changesPerSecond: 100, lagShare: 0, rows: 100 });
      levels.push(controller.level);
    }
    assert.ok(Math.min(...levels) >= 0.5, `level ${Math.min(...levels)}`);
    assert.ok(Math.max(...levels) >= 1, `level ${Math.max(...levels)}`);
  });

  it('an extra worker that brings no rows is given up, and not tried again for a while', () => {
    const controller = new PaceController();
    const levels: number[] = [];
    for (let nowMs = 0; nowMs <= 30_000; nowMs += 500) {
      controller.step({ nowMs, othersRunning: 0, changesPerSecond: 0, lagShare: 0, rows: 50_000 });
      levels.push(controller.level);
    }
    assert.equal(Math.max(...levels), 3);
    assert.ok(levels.filter((level) => level === 3).length <= 12, `tried all the time: ${levels.join(' ')}`);
  });
});

describe('a copy at its pace', () => {
  /** Measures until it is told to stop, as the real one does. */
  const pacer = () => {
    const seen = { running: false };
    const run = (signal: AbortSignal): Promise<void> => {
      seen.running = true;
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          seen.running = false;
          resolve();
        }),
      );
    };
    return { seen, run };
  };

  it('nothing is measured any more once it is over: a cut-over may be postponed for days', async () => {
    const { seen, run } = pacer();
    const copier = { run: async () => assert.equal(seen.running, true) };
    await copyPaced({ copier, pacer: { run }, copyWorkers: 2 }, forever);
    assert.equal(seen.running, false);
  });

  it('what it fails with comes through, and so does what a pacer fails with', async () => {
    const { seen, run } = pacer();
    const failing = { run: () => Promise.reject(new Error('a chunk')) };
    await assert.rejects(copyPaced({ copier: failing, pacer: { run }, copyWorkers: 2 }, forever), /a chunk/);
    assert.equal(seen.running, false);
    const waiting = {
      run: (_: number, signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        ),
    };
    const broken = { run: () => Promise.reject(new Error('a pace')) };
    await assert.rejects(copyPaced({ copier: waiting, pacer: broken, copyWorkers: 2 }, forever), /a pace/);
  });
});
