// Flags of gh-ost that say yes or no to one thing each: what they do on a real server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { DB, kill, prepare, startRun } from '../fault/fault-lab.ts';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { migrate, Run, tablesOf } from '../mysql/migrate-run.ts';

const schema = 'flags';
const alter = 'ADD COLUMN c INT';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`flags, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true, options: { performance_schema: true } });
      db = await lab.primary.connect({ multipleStatements: true });
    });
    after(async () => {
      db?.destroy();
      await lab?.stop();
    });
    beforeEach(async () => {
      await runSql(db, `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema}; USE ${schema}`);
      await runSql(db, 'CREATE TABLE p (id INT PRIMARY KEY); INSERT INTO p VALUES (1)');
      await runSql(db, 'CREATE TABLE t (id INT PRIMARY KEY, v INT)');
      await db.query('INSERT INTO t VALUES ?', [Array.from({ length: 50 }, (_, i) => [i, 1])]);
    });
    const spec = (options: string[] = [], change = alter) => ({ schema, table: 't', alter: change, options });
    const code = async (options: string[], change = alter, table = 't'): Promise<string | undefined> =>
      (await new Run(lab.primary, { ...spec(options, change), table }).failure()).code;

    test('--discard-foreign-keys: of the table itself; those that point to it are always refused, unless nobody looks', async () => {
      await runSql(db, 'ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (v) REFERENCES p (id)');
      assert.equal(await code([]), 'foreign-key-child');
      assert.equal(await code(['--discard-foreign-keys'], alter, 'p'), 'foreign-key-parent');
      const plan = new Run(lab.primary, {
        ...spec(['--skip-foreign-key-checks', '--execute=false']),
        table: 'p',
      });
      await plan.finish();
      await migrate(lab.primary, spec(['--discard-foreign-keys']));
      const [row] = await runSql(db, 'SHOW CREATE TABLE t');
      assert.doesNotMatch(JSON.stringify(row), /CONSTRAINT|REFERENCES/);
    });

    test('--force-table-names, --timestamp-old-table', async () => {
      const run = new Run(lab.primary, {
        ...spec(['--force-table-names', 'other', '--timestamp-old-table']),
        postpone: true,
      });
      try {
        await run.postponed();
        assert.deepEqual(await tablesOf(db, schema), ['_other_ghc', '_other_ghk', '_other_gho', 'p', 't']);
        await run.finish();
        const [old, ...rest] = await tablesOf(db, schema);
        assert.match(old ?? '', /^_other_20\d{12}_del$/);
        assert.deepEqual(rest, ['p', 't']);
      } finally {
        await run.stop();
      }
    });

    test('--analyze-ghost-table-before-cutover is on, and can be turned off', async () => {
      const count = async (): Promise<number> => {
        const [row] = await runSql(db, "SHOW GLOBAL STATUS LIKE 'Com_analyze'");
        return Number(row?.Value);
      };
      const before = await count();
      await migrate(lab.primary, spec(['--ok-to-drop-table']));
      assert.equal(await count(), before + 1);
      const off = ['--ok-to-drop-table', '--analyze-ghost-table-before-cutover=false'];
      await migrate(lab.primary, spec(off, 'DROP COLUMN c'));
      assert.equal(await count(), before + 1);
    });

    test('--allow-zero-in-date: existing rows may get a zero date whatever sql_mode says', async () => {
      const was = await runSqlForValue(db, 'SELECT @@GLOBAL.sql_mode');
      await runSql(db, "SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'");
      try {
        const change = 'ADD COLUMN d DATE NOT NULL';
        assert.equal(await code([], change), 'zero-date');
        await migrate(
          lab.primary,
          spec(['--allow-zero-in-date', '--skip-strict-mode', '--panic-on-warnings'], change),
        );
        assert.equal(
          await runSqlForValue(db, "SELECT COUNT(*) FROM t WHERE CAST(d AS CHAR) = '0000-00-00'"),
          50,
        );
      } finally {
        await runSql(db, `SET GLOBAL sql_mode = '${was}'`);
      }
    });

    test('--allow-setup-metadata-lock-instruments switches on what shows locks; without it they are probed for', async () => {
      const instrument =
        "FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl'";
      await runSql(
        db,
        "UPDATE performance_schema.setup_instruments SET enabled = 'NO' WHERE name LIKE '%sql/mdl'",
      );
      await migrate(lab.primary, spec(['--skip-metadata-lock-check', '--ok-to-drop-table']));
      assert.equal(await runSqlForValue(db, `SELECT enabled ${instrument}`), 'NO');
      await migrate(lab.primary, spec(['--allow-setup-metadata-lock-instruments'], 'DROP COLUMN c'));
      assert.equal(await runSqlForValue(db, `SELECT enabled ${instrument}`), 'YES');
    });

    test('--cut-over-exponential-backoff, --exponential-backoff-max-interval: 1, 2, 2 s between attempts', async () => {
      await prepare(db);
      let strikes = 0;
      const run = startRun(lab.primary, {
        extra: ['--cut-over-exponential-backoff', '--exponential-backoff-max-interval', '2', '--verify=off'],
        atStep: async (step, self) => {
          if (step !== 'locked' || strikes === 3) return;
          strikes += 1;
          await kill(db, self.threads().lock);
          await sleep(20);
        },
      });
      assert.equal(await run.ended, undefined);
      const waits = run.lines.flatMap((line) => /attempt failed: .*; next in (\d+) s/.exec(line)?.[1] ?? []);
      assert.deepEqual(waits, ['1', '2', '2']);
      await runSql(db, `DROP DATABASE ${DB}`);
    });
  });
}
