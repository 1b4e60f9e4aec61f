// The controller beside a small server whose commits take longer the more is going on: whatever the server is like, others keep
// their share and the copy goes on; and nothing that is measured can drive the level out of its bounds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PaceController, paceDefaults } from '../../src/core/pace.ts';
import { Random } from '../lab/random.ts';

interface Server {
  readonly processors: number;
  /** Writers that never pause. */
  readonly writers: number;
  readonly commitMs: number;
  /** What one worker costs, in writers. */
  readonly weight: number;
}

/** Time of a commit with so many workers at work: a queue for the processors. */
function commitMs({ processors, writers, weight, commitMs: alone }: Server, workers: number): number {
  return alone * Math.max(1, (writers + weight * workers) / processors);
}

interface Outcome {
  readonly kept: number;
  readonly rowsPerSecond: number;
  readonly level: number;
}

/** Two minutes of copying; what the last one of them was like. */
function simulate(server: Server, random: Random): Outcome {
  const controller = new PaceController();
  const quietMs = commitMs(server, 0);
  let [rows, kept, seconds, pending] = [0, 0, 0, 0];
  for (let tick = 0; tick < 1200; tick += 1) {
    const nowMs = tick * 100;
    const workers = Math.floor(Math.max(1, controller.level));
    // Below one worker: so many of ten ticks.
    const active = controller.probing
      ? 0
      : controller.level >= 1
        ? workers
        : tick % 10 < Math.round(controller.level * 10)
          ? 1
          : 0;
    const took = commitMs(server, active);
    controller.commit(nowMs, took * (0.7 + 0.6 * random.next()), active === 0);
    const speed = Math.min(active, server.processors) * (quietMs / took) * 3000;
    pending += speed;
    if (nowMs >= 60_000) {
      rows += speed;
      kept += quietMs / took;
      seconds += 0.1;
    }
    if (tick % 5 === 4) {
      controller.threads(nowMs, server.writers, active === 0);
      controller.step({
        nowMs,
        othersRunning: server.writers,
        changesPerSecond: 0,
        lagShare: 0,
        rows: pending,
      });
      pending = 0;
    }
  }
  return { kept: kept / (seconds * 10), rowsPerSecond: rows / seconds, level: controller.level };
}

describe('the pace of bulk work', () => {
  const servers = fc.record({
    processors: fc.integer({ min: 1, max: 32 }),
    writers: fc.integer({ min: 2, max: 32 }),
    commitMs: fc.double({ min: 0.3, max: 30, noNaN: true }),
    weight: fc.double({ min: 0.5, max: 8, noNaN: true }),
  });

  it('leaves writers that never pause two thirds of their rate, and goes on', () => {
    fc.assert(
      fc.property(servers, fc.integer(), (server, seed) => {
        const { kept, rowsPerSecond } = simulate(server, new Random(seed));
        assert.ok(kept >= 0.66, `the writers keep ${kept.toFixed(2)}`);
        assert.ok(rowsPerSecond > 0, 'nothing was copied');
      }),
      { numRuns: 150 },
    );
  });

  it('uses what an idle server has, and no more workers than bring rows', () => {
    for (const processors of [1, 2, 4, 16]) {
      const { level } = simulate({ processors, writers: 0, commitMs: 2, weight: 1 }, new Random(1));
      const useful = Math.min(processors, paceDefaults.max);
      assert.ok(level >= Math.min(2, useful) && level <= Math.max(2, useful) + 1, `${processors}: ${level}`);
    }
  });

  it('stays within its bounds whatever is measured', () => {
    const reading = fc.record({
      stepMs: fc.integer({ min: 0, max: 5000 }),
      commit: fc.double({ min: 0, max: 1e5, noNaN: true }),
      quiet: fc.boolean(),
      othersRunning: fc.option(fc.double({ min: 0, max: 500, noNaN: true })),
      changesPerSecond: fc.double({ min: 0, max: 1e5, noNaN: true }),
      lagShare: fc.double({ min: 0, max: 10, noNaN: true }),
      rows: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
    });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 300 }), (readings) => {
        const controller = new PaceController();
        let nowMs = 0;
        let probingSinceMs: number | null = null;
        for (const { stepMs, commit, quiet, ...rest } of readings) {
          nowMs += stepMs;
          controller.commit(nowMs, commit, quiet);
          controller.threads(nowMs, rest.othersRunning ?? 0, quiet);
          controller.step({ nowMs, ...rest });
          const { level, probing } = controller;
          assert.ok(level >= paceDefaults.min && level <= paceDefaults.max, `level ${level}`);
          assert.ok(level <= 1 || Number.isInteger(level), `${level} workers`);
          if (probing) probingSinceMs ??= nowMs;
          else probingSinceMs = null;
          assert.ok(
            probingSinceMs === null || nowMs - probingSinceMs < 1500 + 5000,
            'a probe without an end',
          );
        }
      }),
    );
  });
});
