// What has changed while nobody was at work: whatever does not fit the checkpoint any more is refused by
// name, and nothing is touched. And keys that only the server can order are resumed too, or copied anew where
// they cannot be (DESIGN I4, I8).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Refusal } from '../../src/base/errors.ts';
import { type Lab, runSql, startLab } from '../lab/lab.ts';
import { Run, type RunSpec } from './migrate-run.ts';
import { checkpointOf, DB, tablesOf } from './resume-lab.ts';

const ALTER = 'ADD COLUMN extra INT NOT NULL DEFAULT 7';
const LEFT = ['_t_ghc', '_t_ghk', '_t_gho', 't'];

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`what --resume refuses on ${flavor}`, () => {
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

    const run = (spec: Partial<RunSpec> = {}, ...options: string[]): Run =>
      new Run(lab.primary, { schema: DB, table: 't', alter: ALTER, ...spec, options });

    async function makeTable(columns = 'id INT PRIMARY KEY, name VARCHAR(20)', rows = 500): Promise<void> {
      await runSql(sql, `DROP DATABASE IF EXISTS ${DB}`);
      await runSql(sql, `CREATE DATABASE ${DB} CHARACTER SET utf8mb4`);
      await runSql(sql, `CREATE TABLE ${DB}.t (${columns})`);
      const values = Array.from({ length: rows }, (_, i) => `(${i + 1}, 'name ${i + 1}')`);
      await runSql(sql, `INSERT INTO ${DB}.t VALUES ${values.join(', ')}`);
    }

    /** A run that was ended when all was copied. */
    async function interrupted(): Promise<void> {
      await makeTable();
      const first = run({ postpone: true });
      await first.postponed();
      await first.stop();
      assert.deepEqual(await tablesOf(sql), LEFT);
    }

    /** `change` makes the checkpoint useless; `undo` mends it, and shows so that nothing had been touched. */
    async function refused(code: string, change: string, undo: string | null, spec: Partial<RunSpec> = {}) {
      const before = await checkpointOf(sql, 't').catch(() => null);
      if (change !== '') await runSql(sql, change);
      const error = await run(spec, '--resume').failure();
      assert.equal(error.code, code, error.stack);
      assert.match(error.message, /Nothing was touched/);
      assert.ok(error.hint, 'it does not say what to do');
      if (undo !== null && undo !== '') await runSql(sql, undo);
      if (undo !== null) assert.deepEqual(await checkpointOf(sql, 't'), before);
      if (undo !== null) assert.deepEqual(await tablesOf(sql), LEFT);
    }

    test('each reason has its name, and the run can be resumed once it is gone', async () => {
      await interrupted();
      const state = (from: string, to: string): string =>
        `UPDATE ${DB}._t_ghk SET state = REPLACE(state, '${from}', '${to}')`;
      const task = (from: string, to: string): string =>
        `UPDATE ${DB}._t_ghk SET task = REPLACE(task, '${from}', '${to}')`;
      await refused('other-statement', '', '', { alter: 'ADD COLUMN other INT' });
      await refused('other-server', task('"server":"', '"server":"x'), task('"server":"x', '"server":"'));
      await refused(
        'original-changed',
        `ALTER TABLE ${DB}.t MODIFY name VARCHAR(21)`,
        `ALTER TABLE ${DB}.t MODIFY name VARCHAR(20)`,
      );
      await refused(
        'ghost-changed',
        `ALTER TABLE ${DB}._t_gho MODIFY name VARCHAR(21)`,
        `ALTER TABLE ${DB}._t_gho MODIFY name VARCHAR(20)`,
      );
      await refused(
        'other-options',
        task('"planHash":"', '"planHash":"0'),
        task('"planHash":"0', '"planHash":"'),
      );
      await refused(
        'checkpoint-unreadable',
        `UPDATE ${DB}._t_ghk SET format = 99`,
        `UPDATE ${DB}._t_ghk SET format = 1`,
      );
      await refused(
        'checkpoint-unreadable',
        state('"phase":"', '"phase":"un'),
        state('"phase":"un', '"phase":"'),
      );
      await refused(
        'ghost-missing',
        `RENAME TABLE ${DB}._t_gho TO ${DB}.g`,
        `RENAME TABLE ${DB}.g TO ${DB}._t_gho`,
      );
      await refused(
        'changelog-missing',
        `RENAME TABLE ${DB}._t_ghc TO ${DB}.c`,
        `RENAME TABLE ${DB}.c TO ${DB}._t_ghc`,
      );
      await refused('old-exists', `CREATE TABLE ${DB}._t_del (a INT)`, `DROP TABLE ${DB}._t_del`);
      await refused(
        'no-checkpoint',
        `RENAME TABLE ${DB}._t_ghk TO ${DB}.k`,
        `RENAME TABLE ${DB}.k TO ${DB}._t_ghk`,
      );
      await refused(
        'checkpoint-exists',
        `ALTER TABLE ${DB}._t_ghk COMMENT 'mine'`,
        `ALTER TABLE ${DB}._t_ghk COMMENT 'poltergeist checkpoint'`,
      );
      assert.equal((await run().failure()).code, 'ghost-exists');
      // What was renamed to and fro is in the binlog that comes again, as a change of the world; so not from
      // there.
      await interrupted();
      const last = run({}, '--resume');
      await last.finish();
      assert.match(last.lines.join('\n'), /Resuming from checkpoint/);
      assert.deepEqual(await tablesOf(sql), ['_t_del', 't']);
    });

    test('all that keeps a run from being resumed is told at once, what is refused without --resume too', async () => {
      await interrupted();
      await runSql(sql, `ALTER TABLE ${DB}._t_gho MODIFY name VARCHAR(21)`);
      await runSql(sql, `ALTER TABLE ${DB}.t MODIFY name VARCHAR(22)`);
      await runSql(sql, `DROP TABLE ${DB}._t_ghc`);
      await runSql(sql, `CREATE TABLE ${DB}._t_del (a INT)`);
      const before = await checkpointOf(sql, 't');
      const all = ['changelog-missing', 'old-exists', 'original-changed', 'ghost-changed'];
      const told = async (alter?: string, ...options: string[]): Promise<string[]> => {
        const error = (await run(alter ? { alter } : {}, '--resume', ...options).failure()) as Refusal;
        return [error, ...error.also].map(({ code }) => code);
      };
      assert.deepEqual(await told(), all);
      assert.deepEqual(await told('ADD COLUMN other INT'), ['other-statement', ...all]);
      await runSql(sql, `CREATE TRIGGER ${DB}.tr AFTER DELETE ON ${DB}.t FOR EACH ROW SET @x = 1`);
      assert.deepEqual(await told(), ['triggers', ...all]);
      assert.deepEqual(await checkpointOf(sql, 't'), before);
    });

    test('a run that is alive keeps others out', async () => {
      await makeTable();
      const first = run({ postpone: true });
      await first.postponed();
      assert.equal((await run({}, '--resume').failure()).code, 'already-running');
      // Its lock is taken away (HAZARDS 79): it takes it again.
      const [lock] = await runSql(sql, `SELECT IS_USED_LOCK('gh-ost::${DB}.t') AS id`);
      await runSql(sql, `KILL ${lock?.id}`);
      await sleep(1500);
      assert.equal((await run({}, '--resume').failure()).code, 'already-running');
      await first.finish();
    });

    test('a TRUNCATE while nobody was at work is seen, and nothing of use is left', async () => {
      await interrupted();
      await runSql(sql, `TRUNCATE ${DB}.t`);
      await runSql(sql, `INSERT INTO ${DB}.t VALUES (1, 'again')`);
      const error = await run({}, '--resume').failure();
      assert.match(error.message, /somebody changed the schema .*truncate/i);
      assert.deepEqual(await tablesOf(sql), ['t']);
    });

    test('binlogs that are gone, or never were', async () => {
      await interrupted();
      const future =
        flavor === 'mysql'
          ? ['gtid:', 'gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,']
          : ['gtid:0-', 'gtid:9-'];
      const state = (from?: string, to?: string): string =>
        `UPDATE ${DB}._t_ghk SET state = REPLACE(state, '${from}', '${to}')`;
      await refused('position-unknown', state(future[0], future[1]), state(future[1], future[0]));
      const { position } = await checkpointOf(sql, 't');
      const file = (name: string): string =>
        `UPDATE ${DB}._t_ghk SET state = REPLACE(state, '${position}', '${name}:5000')`;
      const back = (name: string): string =>
        `UPDATE ${DB}._t_ghk SET state = REPLACE(state, '${name}:5000', '${position}')`;
      await refused('position-unknown', file('binlog.999999'), back('binlog.999999'));
      await runSql(sql, `DELETE FROM ${DB}.t WHERE id = 1`);
      await runSql(sql, 'FLUSH BINARY LOGS');
      const logs = await runSql(sql, 'SHOW BINARY LOGS');
      // MariaDB keeps a binlog that a dump thread of old still reads: it may need a moment to end.
      for (let i = 0; i < 100 && (await runSql(sql, 'SHOW BINARY LOGS')).length > 1; i++) {
        await runSql(sql, `PURGE BINARY LOGS TO '${logs.at(-1)?.Log_name}'`);
        await sleep(50);
      }
      await refused('position-purged', '', null);
      await refused('position-purged', file('binlog.000000'), null);
      assert.deepEqual(await tablesOf(sql), LEFT);
    });

    const ci = flavor === 'mysql' ? 'utf8mb4_0900_ai_ci' : 'utf8mb4_unicode_ci';
    const bin = flavor === 'mysql' ? 'utf8mb4_0900_bin' : 'utf8mb4_bin';
    for (const { name, alter, resumes } of [
      { name: 'keys that only the server can order are resumed', alter: ALTER, resumes: true },
      {
        name: 'keys that the new table sorts in another way are copied anew',
        alter: `MODIFY id VARCHAR(30) CHARACTER SET utf8mb4 COLLATE ${bin} NOT NULL`,
        resumes: false,
      },
    ]) {
      test(name, async () => {
        await makeTable(`id VARCHAR(30) COLLATE ${ci} PRIMARY KEY, name VARCHAR(20)`, 0 + 1);
        const rows = Array.from({ length: 3000 }, (_, i) => `('${i % 2 ? 'K' : 'k'}é\\0\\n"${i}', 'n')`);
        await runSql(sql, `INSERT INTO ${DB}.t VALUES ${rows.join(', ')}`);
        const first = run({ alter }, '--chunk-size=10', '--checkpoint-seconds=1');
        await first.until('half of the copy', (now) => now.rowsCopied > 1000);
        await first.stop();
        const { prefix } = await checkpointOf(sql, 't');
        assert.ok(!prefix.complete && prefix.low !== null, 'it was not stopped within the copy');
        await runSql(sql, `DELETE FROM ${DB}.t WHERE id LIKE '%7'`);
        await runSql(sql, `INSERT INTO ${DB}.t VALUES ('a new one', 'n'), ('zz new one', 'n')`);
        const last = run({ alter }, '--resume');
        await last.finish();
        assert.match(
          last.lines.join('\n'),
          resumes ? /Resuming from checkpoint/ : /the copy starts over: .*sorts/,
        );
        const [row] = await runSql(
          sql,
          `SELECT (SELECT COUNT(*) FROM ${DB}.t) AS now, (SELECT COUNT(*) FROM ${DB}._t_del) AS old`,
        );
        assert.equal(Number(row?.now), Number(row?.old));
      });
    }
  });
}
