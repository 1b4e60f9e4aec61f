// `--revert`: a migration that ran with --checkpoint is swapped back, and the old table has by then all that was written to the
// new one since: between cut-over and revert, while the revert runs, and when it is cut down and begun again.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { stateFromText } from '../../src/core/checkpoint.ts';
import { cleanUp } from '../../src/ops/cleanup.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import {
  assertNothingLost,
  contents,
  DB,
  hasColumn,
  migrationArguments,
  openLedger,
  prepare,
  start,
  tablesOf,
  until,
} from '../fault/fault-lab.ts';
import { Child, startCli } from '../lab/children.ts';
import { type Flavor, type Lab, runSql, runSqlForValue } from '../lab/lab.ts';
import { migrate, Run } from '../mysql/migrate-run.ts';

const HELD_CLI = fileURLToPath(new URL('../fault/held-cli.ts', import.meta.url));
const ADD = 'ADD COLUMN extra INT NOT NULL DEFAULT 7';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`revert, ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start({ flavor });
      sql = await lab.primary.connect({ multipleStatements: true });
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });
    beforeEach(async () => prepare(sql, 2000));

    const forward = (alter = ADD, ...options: string[]): Promise<Run> =>
      migrate(lab.primary, { schema: DB, table: 'items', alter, options: ['--checkpoint', ...options] });
    const revert = (options: string[] = [], postpone = false): Run =>
      new Run(lab.primary, {
        ...{ schema: DB, table: 'items', alter: '', postpone },
        options: ['--revert', '--old-table=_items_del', ...options],
      });
    const refused = async (code: string, ...options: string[]): Promise<string> => {
      const before = await tablesOf(sql);
      const error = await revert(options).failure();
      assert.equal(error.code, code, `${error.message}\n${error.stack}`);
      assert.deepEqual(await tablesOf(sql), before, code);
      return error.message;
    };
    /** Every kind of change, of rows of the start: the key's too. */
    const change = (at: number): Promise<unknown> =>
      runSql(
        sql,
        `UPDATE ${DB}.items SET body = 'changed' WHERE id = ${at}; DELETE FROM ${DB}.items WHERE id = ${at + 1};
         UPDATE ${DB}.items SET id = id + 100000 WHERE id = ${at + 2};
         INSERT INTO ${DB}.items (body, hits) VALUES ('new', ${at})`,
      );
    const commandLine = (flags: string[]): string[] => {
      const args = ['--revert', '--old-table=_items_del', '--verbose'];
      const socket = ['--serve-socket-file', join(tmpdir(), `pg-revert-${process.pid}.sock`)];
      const all = [...args, ...socket, '--initially-drop-socket-file', ...flags];
      return migrationArguments(lab.primary, 'unused', all);
    };
    const startHeld = (flags: string[], env: Record<string, string> = {}): Child =>
      new Child(commandLine(flags), { script: HELD_CLI, env });

    test('no write is lost: before the cut-over, between it and the revert, and during the revert', async () => {
      const ledger = await openLedger(lab.primary, { sampleRows: 1500 });
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 2 });
      await forward();
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
      assert.ok(await hasColumn(sql, 'extra'));
      await systemClock.sleep(700);
      const run = revert([], true);
      await run.postponed();
      assert.ok(run.snapshot.keysApplied > 0, 'nothing was written in between');
      assert.equal(run.snapshot.ghost.name, '_items_del');
      assert.equal(run.snapshot.old.name, '_items_rev_del');
      await systemClock.sleep(300);
      await run.finish();
      await systemClock.sleep(100);
      await load.stop();
      await assertNothingLost(ledger, 'revert');
      assert.ok(!(await hasColumn(sql, 'extra')));
      assert.ok(await hasColumn(sql, 'extra', '_items_rev_del'));
      assert.deepEqual(await tablesOf(sql), ['_items_rev_del', 'items']);
    });

    test('killed while it waits, and right after its RENAME: the same command ends it', async () => {
      await forward();
      await change(10);
      const flag = ['--postpone-cut-over-flag-file', HELD_CLI];
      const marks = async (): Promise<number> =>
        stateFromText(String(await runSqlForValue(sql, `SELECT state FROM ${DB}._items_ghk`))).marks;
      const before = await marks();
      const first = startHeld(flag);
      await first.waitForLine(/State: postponing cut-over/, 40_000);
      // Each attempt reads the marks of the migration and of the attempts before again: none is to take them for its own.
      const written = await runSqlForValue(sql, `SELECT MAX(sequence) FROM ${DB}._items_ghc`);
      const between = await marks();
      assert.ok(before < between && between < Number(written), `${before}, ${between}, ${written}`);
      first.kill('SIGKILL');
      await first.exit;
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghc', '_items_ghk', 'items']);
      await change(20);
      const second = startHeld([], { HOLD_AT: 'unlocked', HOLD_MS: '60000' });
      await second.waitForLine(/^HELD/, 40_000);
      assert.ok((await marks()) > Number(written), `${await marks()}, ${written}`);
      await until(async () => !(await hasColumn(sql, 'extra')), 'the RENAME');
      second.kill('SIGKILL');
      await second.exit;
      assert.equal(await contents(sql, 'items'), await contents(sql, '_items_rev_del'));
      const next = await new Run(lab.primary, { schema: DB, table: 'items', alter: ADD }).failure();
      assert.equal(next.code, 'swap-unfinished', next.message);
      await change(30);
      const third = startHeld(['--ok-to-drop-table']);
      assert.equal((await third.exit).code, 0, third.stderr);
      assert.match(third.stderr, /died before it had looked for late writes/);
      assert.deepEqual(await tablesOf(sql), ['_items_rev_del', 'items']);
    });

    test('a revert that is stopped, or whose table is altered, takes nothing along but its changelog', async () => {
      await forward();
      await change(10);
      const run = revert([], true);
      await run.postponed();
      await run.stop();
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
      const other = revert([], true);
      await other.postponed();
      await runSql(sql, `ALTER TABLE ${DB}.items ADD COLUMN mine INT`);
      assert.match((await other.failure()).message, /somebody changed the schema/);
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
      await refused('original-changed');
    });

    test('renames, keys and types: what was not touched keeps its old values, what was gets the new ones', async () => {
      await runSql(sql, `ALTER TABLE ${DB}.items ADD COLUMN seen DATETIME(6), ADD UNIQUE KEY u (hits, body)`);
      await runSql(sql, `UPDATE ${DB}.items SET seen = '2026-01-02 03:04:05.654321'`);
      const untouched = await contents(sql, 'items');
      await forward(
        'CHANGE body words VARCHAR(80), MODIFY seen DATETIME, MODIFY id BIGINT AUTO_INCREMENT, DROP KEY u, ADD extra INT',
        '--approve-renamed-columns',
      );
      await runSql(sql, `UPDATE ${DB}.items SET words = 'longer', seen = '2026-05-05 05:05:05' WHERE id = 5`);
      await runSql(sql, `INSERT INTO ${DB}.items (words, hits) VALUES ('gone', 1), ('stays', 1)`);
      await runSql(sql, `DELETE FROM ${DB}.items WHERE words = 'gone'`);
      const run = revert(['--ok-to-drop-table']);
      await run.finish();
      const [five] = await runSql(
        sql,
        `SELECT body, CAST(seen AS CHAR) AS seen FROM ${DB}.items WHERE id = 5`,
      );
      assert.deepEqual(five, { body: 'longer', seen: '2026-05-05 05:05:05.000000' });
      const [six] = await runSql(sql, `SELECT CAST(seen AS CHAR) AS seen FROM ${DB}.items WHERE id = 6`);
      assert.deepEqual(six, { seen: '2026-01-02 03:04:05.654321' });
      await runSql(sql, `DELETE FROM ${DB}.items WHERE body = 'stays'`);
      await runSql(sql, `UPDATE ${DB}.items SET body = 'body 4' WHERE id = 5`);
      assert.equal(await contents(sql, 'items'), untouched);
      assert.deepEqual(await tablesOf(sql), ['items']);
    });

    test('columns that the new table lacks, and values that do not fit, are told; --allow-lossy names columns', async () => {
      await forward('DROP COLUMN hits, MODIFY body TEXT');
      await runSql(sql, `UPDATE ${DB}.items SET body = 'other' WHERE id = 1`);
      assert.match(await refused('lost-columns'), /hits/);
      await runSql(sql, `UPDATE ${DB}.items SET body = REPEAT('x', 61) WHERE id = 2`);
      const error = await revert(['--allow-lossy', 'hits']).failure();
      assert.match(error.message, /body/);
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
      await runSql(sql, `UPDATE ${DB}.items SET body = 'short' WHERE id = 2`);
      await runSql(sql, `UPDATE ${DB}._items_del SET hits = 9 WHERE id > 2`);
      await revert(['--allow-lossy', 'hits']).finish();
      const rows = await runSql(sql, `SELECT body, hits FROM ${DB}.items WHERE id < 4 ORDER BY id`);
      assert.deepEqual(
        rows.map(({ body, hits }) => `${body}:${hits}`),
        ['other:0', 'short:0', 'body 2:9'],
      );
    });

    test('what cannot be reverted is refused by name, and nothing is touched', async () => {
      await refused('no-checkpoint');
      await migrate(lab.primary, { schema: DB, table: 'items', alter: ADD });
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items'], 'none is kept without --checkpoint');
      await refused('no-checkpoint');
      await forward('ADD COLUMN more INT', '--initially-drop-old-table');
      const tables = ['_items_del', '_items_ghk', 'items'];
      assert.deepEqual(await tablesOf(sql), tables);
      const doing = async (code: string, act: string, undo: string): Promise<void> => {
        await runSql(sql, `USE ${DB}; ${act}`);
        await refused(code);
        await runSql(sql, undo);
      };
      const state = (from: string, to: string): string =>
        `UPDATE _items_ghk SET state = REPLACE(state, '${from}', '${to}')`;
      const [done, cleaning] = ['"phase":"done"', '"phase":"cleaning"'];
      await doing('not-finished', state(done, cleaning), state(cleaning, done));
      await doing('old-table-missing', 'RENAME TABLE _items_del TO x', 'RENAME TABLE x TO _items_del');
      await doing('old-exists', 'CREATE TABLE _items_rev_del (id INT)', 'DROP TABLE _items_rev_del');
      const trigger = 'CREATE TRIGGER tr BEFORE INSERT ON _items_del FOR EACH ROW SET @a = 1';
      await doing('old-table-triggers', trigger, 'DROP TRIGGER tr');
      const child = 'CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES _items_del (id))';
      await doing('old-table-foreign-keys', child, 'DROP TABLE child');
      const [row] = await runSql(sql, `SELECT state FROM ${DB}._items_ghk`);
      const { position } = stateFromText(String(row?.state));
      const [uuid] = flavor === 'mysql' ? position.replace('gtid:', '').split(':') : [position];
      const never = flavor === 'mysql' ? `gtid:${uuid}:1-999999` : position.replace(/\d+$/, '999999');
      await doing('position-unknown', state(position, never), state(never, position));
      const elsewhere = `UPDATE _items_ghk SET state = JSON_SET(state, '$.streamed', 'x', '$.position', 'b.000001:4')`;
      await doing(
        'other-streamed-server',
        elsewhere,
        `UPDATE _items_ghk SET state = '${String(row?.state)}'`,
      );
      await runSql(sql, `FLUSH BINARY LOGS; FLUSH BINARY LOGS`);
      const [last] = (await runSql(sql, 'SHOW BINARY LOGS')).slice(-1);
      await runSql(sql, `ALTER TABLE ${DB}._items_del COMMENT 'x'`);
      await refused('old-table-changed');
      await runSql(sql, `ALTER TABLE ${DB}._items_del COMMENT ''; INSERT INTO ${DB}.items (hits) VALUES (1)`);
      await runSql(sql, `FLUSH BINARY LOGS; PURGE BINARY LOGS TO '${String(last?.Log_name)}'`);
      await refused('position-purged');
      const wrong = new Run(lab.primary, {
        ...{ schema: DB, table: 'items', alter: '' },
        options: ['--revert', '--old-table=_other_del'],
      });
      assert.equal((await wrong.failure()).code, 'other-old-table');
    });

    test('a checkpoint that is kept is in nobody’s way: of the next migration, --resume, cleanup', async () => {
      await forward();
      await forward('ADD COLUMN two INT', '--initially-drop-old-table', '--resume=false');
      await runSql(sql, `RENAME TABLE ${DB}._items_del TO ${DB}.kept`);
      await migrate(lab.primary, { schema: DB, table: 'items', alter: 'ADD COLUMN three INT' });
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items', 'kept']);
      await forward('ADD COLUMN four INT', '--initially-drop-old-table');
      await forward('ADD COLUMN four INT', '--resume');
      assert.ok((await tablesOf(sql)).includes('_items_ghk'), 'ended again, it is kept');
      const { host, port, user, password } = lab.primary;
      const place = ['--host', host, '--port', String(port), '--user', user];
      const options = parseOptions(
        [...place, '--database', DB, '--table', 'items', '--execute', '--ok-to-drop-table'],
        {},
        'cleanup',
      );
      await cleanUp(options, { password, clock: systemClock, print: () => undefined });
      assert.deepEqual(await tablesOf(sql), ['items', 'kept']);
    });

    test('without --execute the plan is printed and nothing is touched; hooks are told', async () => {
      await forward();
      await change(10);
      const was = await contents(sql, '_items_del');
      const plan = revert(['--execute=false']);
      await plan.finish();
      assert.match(plan.lines.join('\n'), /# Plan for the revert of `fault`.`items` to `fault`.`_items_del`/);
      assert.equal(await contents(sql, '_items_del'), was);
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
      const folder = mkdtempSync(join(tmpdir(), 'pg-revert-'));
      try {
        const hook = join(folder, 'gh-ost-on-success');
        writeFileSync(hook, `#!/bin/sh\nenv | grep GH_OST_ > ${join(folder, 'told')}\n`);
        chmodSync(hook, 0o755);
        const run = startCli(commandLine(['--hooks-path', folder]));
        assert.equal((await run.exit).code, 0, run.stderr);
        const told = readFileSync(join(folder, 'told'), 'utf8');
        assert.match(told, /^GH_OST_REVERT=true$/m);
        assert.match(told, /^GH_OST_GHOST_TABLE_NAME=_items_del$/m);
        assert.match(told, /^GH_OST_OLD_TABLE_NAME=_items_rev_del$/m);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      assert.equal(await runSqlForValue(sql, `SELECT body FROM ${DB}.items WHERE id = 10`), 'changed');
    });
  });
}
