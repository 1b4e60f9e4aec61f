// A dead run leaves tables behind. `poltergeist cleanup` removes them when nobody is at work and they are
// proven to be ours, and nothing that is not (HAZARDS 76, 81).
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import type { Refusal } from '../../src/base/errors.ts';
import { sentryComment } from '../../src/core/changelog-sql.ts';
import { cleanUp } from '../../src/ops/cleanup.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { type Lab, runSql, startLab } from '../lab/lab.ts';
import { Run } from './migrate-run.ts';
import { DB, tablesOf } from './resume-lab.ts';

const ALTER = 'ADD COLUMN extra INT NOT NULL DEFAULT 7';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`cleanup on ${flavor}`, () => {
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
    beforeEach(async () => {
      await runSql(sql, `DROP DATABASE IF EXISTS ${DB}`);
      await runSql(sql, `CREATE DATABASE ${DB} CHARACTER SET utf8mb4`);
      await runSql(sql, `CREATE TABLE ${DB}.t (id INT PRIMARY KEY, name VARCHAR(20)) COMMENT='mine'`);
      await runSql(sql, `INSERT INTO ${DB}.t VALUES (1, 'a'), (2, 'b'), (3, 'c')`);
    });

    const run = (...options: string[]): Run =>
      new Run(lab.primary, { schema: DB, table: 't', alter: ALTER, postpone: true, options });

    /** What the command prints. */
    async function clean(...more: string[]): Promise<string> {
      const { host, port, user, password } = lab.primary;
      const argv = ['--host', host, '--port', String(port), '--user', user, '--database', DB, '--table', 't'];
      const lines: string[] = [];
      const options = parseOptions([...argv, ...more], {}, 'cleanup');
      await cleanUp(options, { password, clock: systemClock, print: (line) => void lines.push(line) });
      return lines.join('\n');
    }

    test('lists, and removes when told to, what a run has left', async () => {
      const first = run();
      await first.postponed();
      await assert.rejects(clean('--execute'), (error: Refusal) => error.code === 'already-running');
      await first.stop();
      for (const sentry of ['_t_del', 't_ghs'])
        await runSql(sql, `CREATE TABLE ${DB}.${sentry} (id INT PRIMARY KEY) COMMENT='${sentryComment}'`);
      const all = ['_t_del', '_t_ghc', '_t_ghk', '_t_gho', 't', 't_ghs'];
      const listed = await clean();
      for (const what of ['sentry', 'ghost', 'changelog', 'checkpoint'])
        assert.match(listed, new RegExp(`would remove: ${what} table`));
      assert.match(
        listed,
        /# all rows are copied.* as of \d{4}-.*: --resume goes on from there; once this is/,
      );
      assert.match(listed, /nothing was removed yet: the same command with --execute removes them/);
      assert.deepEqual(await tablesOf(sql), all);
      const removed = await clean('--execute');
      assert.match(removed, /removed: ghost table/);
      assert.deepEqual(await tablesOf(sql), ['t']);
      assert.match(await clean('--execute'), /nothing of ours/);
    });

    test('what is not provably ours stays', async () => {
      await runSql(sql, `CREATE TABLE ${DB}._t_gho LIKE ${DB}.t`);
      await runSql(sql, `CREATE TABLE ${DB}._t_ghc (a INT)`);
      await runSql(sql, `CREATE TABLE ${DB}._t_del LIKE ${DB}.t`);
      await runSql(sql, `CREATE VIEW ${DB}._t_ghk AS SELECT 1 AS a`);
      const before = await tablesOf(sql);
      const said = await clean('--execute', '--ok-to-drop-table');
      assert.equal(said.match(/# kept:/g)?.length, 4, said);
      assert.deepEqual(await tablesOf(sql), before);
      await runSql(sql, `RENAME TABLE ${DB}.t TO ${DB}.elsewhere`);
      await assert.rejects(clean('--execute'), (error: Refusal) => error.code === 'not-found');
    });

    test('after a swap whose end nobody saw the old table goes only when asked for, and when late writes were looked for', async () => {
      const first = run('--timestamp-old-table');
      await first.postponed();
      await first.stop();
      const [row] = await runSql(sql, `SELECT task FROM ${DB}._t_ghk`);
      const { oldName } = JSON.parse(String(row?.task)) as { oldName: string };
      assert.match(oldName, /^_t_\d{14}_del$/);
      await runSql(sql, `RENAME TABLE ${DB}.t TO ${DB}.${oldName}, ${DB}._t_gho TO ${DB}.t`);
      assert.match(await clean('--ok-to-drop-table'), /kept: old table .*looked for late writes/);
      await runSql(
        sql,
        `UPDATE ${DB}._t_ghk SET state = REPLACE(state, '"settled":false', '"settled":true')`,
      );
      assert.match(await clean('--ok-to-drop-table'), new RegExp(`would remove: old table .*${oldName}`));
      assert.match(await clean('--execute'), /kept: old table/);
      assert.deepEqual(await tablesOf(sql), [oldName, 't']);
      // Now nothing proves any more what it was.
      assert.match(await clean('--execute', '--ok-to-drop-table'), /nothing of ours|kept/);
      assert.deepEqual(await tablesOf(sql), [oldName, 't']);
    });

    test('--resume ends it too, whatever name the old table had', async () => {
      const first = run('--timestamp-old-table');
      await first.postponed();
      await first.stop();
      const [row] = await runSql(sql, `SELECT task FROM ${DB}._t_ghk`);
      const { oldName } = JSON.parse(String(row?.task)) as { oldName: string };
      await runSql(sql, `RENAME TABLE ${DB}.t TO ${DB}.${oldName}, ${DB}._t_gho TO ${DB}.t`);
      await run('--resume', '--timestamp-old-table', '--ok-to-drop-table').finish();
      // Nobody has looked for late writes.
      assert.deepEqual(await tablesOf(sql), [oldName, 't']);
    });
  });
}
