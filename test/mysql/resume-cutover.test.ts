// A run dies in the middle of its cut-over: a sentry may be left, or the server may go on with the RENAME by
// itself. Whoever comes next finds out which table is which, and ends it or says what to do (DESIGN I8,
// HAZARDS 73, 76).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { osuScores } from '../../fixtures/osu-scores/fixture.ts';
import type { CutOverStep } from '../../src/core/swap-port.ts';
import { Child } from '../lab/children.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { Run } from './migrate-run.ts';
import { assertNothingLost, commandLine, DB, prepare, TABLE, tablesOf } from './resume-lab.ts';

const SCRIPT = fileURLToPath(new URL('./resume-crash.ts', import.meta.url));
const STEPS: readonly CutOverStep[] = ['locked', 'queued', 'dropped', 'unlocked'];

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`a crash during the cut-over on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    const start = (...options: string[]): Run =>
      new Run(lab.primary, { schema: DB, table: TABLE, alter: osuScores.alter, options });

    for (const step of STEPS) {
      test(`at the step "${step}"`, async (t) => {
        const ledger = await prepare(lab.primary, sql, 2000);
        const load = ledger.start({ writers: 4, readers: 1, pauseMs: 10 });
        t.after(() => load.stop());
        const child = new Child([step, ...commandLine(lab.primary)], { script: SCRIPT });
        assert.equal((await child.exit).signal, 'SIGKILL', child.stderr);
        const { code } = await start('--initially-drop-old-table').failure();
        const swapped = !(await tablesOf(sql)).includes(`_${TABLE}_gho`);
        assert.equal(code, swapped ? 'swap-unfinished' : 'ghost-exists');
        const run = start('--resume', '--initially-drop-old-table');
        await run.finish();
        t.diagnostic(swapped ? 'the server had swapped the tables' : 'the tables were as before');
        assert.equal(/an earlier run has swapped/.test(run.lines.join('\n')), swapped);
        await load.stop();
        await assertNothingLost(ledger);
        assert.deepEqual(await tablesOf(sql), [`_${TABLE}_del`, TABLE]);
      });
    }

    for (const words of ['tables swapped', 'the stream was read past the RENAME']) {
      test(`after the swap, at "${words}": the old table goes when late writes were looked for`, async () => {
        await prepare(lab.primary, sql, 500);
        const child = new Child([words, ...commandLine(lab.primary)], { script: SCRIPT });
        assert.equal((await child.exit).signal, 'SIGKILL', child.stderr);
        const run = start('--resume', '--ok-to-drop-table');
        await run.finish();
        const lines = run.lines.join('\n');
        assert.doesNotMatch(lines, /had looked for late writes/);
        // Later the checkpoint may say that nothing came too late: then nobody need look.
        if (words === 'tables swapped') assert.match(lines, /nothing is in the old table only/);
        assert.deepEqual(await tablesOf(sql), [TABLE]);
      });
    }
  });
}
