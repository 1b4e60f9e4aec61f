// The server itself dies while tables are swapped, and starts again: locks and sentry's holder are gone with it, and the RENAME is
// done or it is not. The run finds out, and goes on; no acknowledged write is lost.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type CutOverStep, cutOverSteps } from '../../src/core/swap-port.ts';
import type { Lab } from '../lab/lab.ts';
import { runningServerUrl } from '../lab/running-server.ts';
import {
  assertNothingLost,
  assertUsable,
  hasColumn,
  openLedger,
  prepare,
  start,
  startRun,
  tablesOf,
} from './fault-lab.ts';
import { ended, WORLDS } from './world-lab.ts';

/** Nothing is locked; locked; the RENAME waits; it waits for the original only; it is under way. */
const STEPS: readonly CutOverStep[] = ['sentry', 'locked', 'queued', 'poised', 'unlocked'];

for (const { name, spec } of WORLDS) {
  const skip =
    runningServerUrl(spec.flavor) !== undefined && 'servers that somebody else runs are not killed';
  describe(`the server dies at the cut-over, ${name}`, { skip }, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end().catch(() => undefined);
      await lab?.stop();
    });

    test('HAZARDS 73: killed at each step, and started again: nothing is lost, and it goes on', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      const outcomes: string[] = [];
      for (const [index, step] of STEPS.entries()) {
        let struck = false;
        const run = startRun(lab.primary, {
          column: `c${index}`,
          extra: ['--initially-drop-old-table'],
          atStep: async (now) => {
            if (now !== step || struck) return;
            struck = true;
            sql.destroy();
            await lab.primary.kill9();
            await lab.primary.restart();
            sql = await lab.primary.connect();
          },
        });
        t.after(() => run.stop());
        const error = await ended(run);
        const log = `at ${step}: ${error?.stack}\n${run.lines.join('\n')}`;
        assert.equal(error, undefined, log);
        assert.ok(struck, `${step} was never reached`);
        assert.ok(await hasColumn(sql, `c${index}`), log);
        assert.deepEqual(await tablesOf(sql), ['_items_del', 'items'], log);
        assert.ok(await hasColumn(sql, 'body', '_items_del'), 'a sentry is in the place of the old table');
        await assertUsable(lab.primary, 3000);
        const attempts = run.lines.filter((line) => line.includes(cutOverSteps.looking)).length;
        outcomes.push(`${step}:${attempts}`);
      }
      await load.stop();
      await assertNothingLost(ledger, 'the server was killed');
      t.diagnostic(`attempts by step: ${outcomes.join(' ')}`);
    });
  });
}
