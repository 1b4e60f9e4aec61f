// The world changes under a migration (DESIGN I10): somebody else does something to one of its tables. It stops, says what
// was done and by which statement, and leaves the original as the others left it; or it is none of its business.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { Run, type RunSpec, tablesOf } from './migrate-run.ts';

const schema = 'hazards';
const rows = 400;
const alter = 'ADD COLUMN c INT NOT NULL DEFAULT 3';

/** What others do, and what they do to make it undone; each must stop the migration. */
const foreign: readonly { readonly what: string; readonly sql: string; readonly undo?: string }[] = [
  { what: 'HAZARDS 49: TRUNCATE of the original', sql: 'TRUNCATE t' },
  {
    what: 'HAZARDS 49: ALTER of the original',
    sql: 'ALTER TABLE t ADD COLUMN x INT',
    undo: 'ALTER TABLE t DROP x',
  },
  { what: 'HAZARDS 49: an index on the original', sql: 'CREATE INDEX x ON t (v)', undo: 'DROP INDEX x ON t' },
  { what: 'HAZARDS 49: RENAME of the original', sql: 'RENAME TABLE t TO s', undo: 'RENAME TABLE s TO t' },
  { what: 'HAZARDS 49: DROP of the ghost', sql: 'DROP TABLE _t_gho' },
  { what: 'HAZARDS 49: ALTER of the ghost', sql: 'ALTER TABLE _t_gho ADD COLUMN x INT' },
  { what: 'HAZARDS 49: TRUNCATE of the ghost', sql: 'TRUNCATE _t_gho' },
  {
    what: 'HAZARDS 77: a trigger on the original',
    sql: 'CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW SET @x = 1',
    undo: 'DROP TRIGGER tr',
  },
  {
    what: 'HAZARDS 102: a trigger on the ghost',
    sql: 'CREATE TRIGGER tr AFTER DELETE ON _t_gho FOR EACH ROW SET @x = 1',
  },
  {
    what: 'HAZARDS 77, 117: a foreign key to the original, from another schema',
    sql: `CREATE TABLE elsewhere.child (t_id INT, FOREIGN KEY (t_id) REFERENCES ${schema}.t (id))`,
    undo: 'DROP TABLE elsewhere.child',
  },
];

/** What does not concern it. */
const harmless: readonly string[] = [
  'ANALYZE TABLE t',
  'CREATE TABLE other (id INT PRIMARY KEY)',
  'CREATE TABLE copied LIKE t',
  'CREATE VIEW vt AS SELECT * FROM t',
  'CREATE TABLE elsewhere.t (id INT PRIMARY KEY); DROP TABLE elsewhere.t',
];

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`the world changes, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
    });
    after(async () => {
      await lab?.stop();
    });
    beforeEach(async () => {
      db?.destroy();
      db = await lab.primary.connect({ multipleStatements: true });
      await runSql(db, `DROP DATABASE IF EXISTS elsewhere; DROP DATABASE IF EXISTS ${schema}`);
      await runSql(db, `CREATE DATABASE elsewhere; CREATE DATABASE ${schema}; USE ${schema}`);
      await runSql(db, 'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) NOT NULL) CHARSET utf8mb4');
      await db.query('INSERT INTO t VALUES ?', [Array.from({ length: rows }, (_, i) => [i, `v${i}`])]);
    });
    after(() => db?.destroy());

    const start = (spec: Partial<RunSpec> = {}): Run =>
      new Run(lab.primary, { schema, table: 't', alter, postpone: true, ...spec });
    const count = (table: string): Promise<unknown> => runSqlForValue(db, `SELECT COUNT(*) FROM ${table}`);

    for (const { what, sql, undo } of foreign) {
      test(what, async () => {
        const run = start();
        try {
          await run.postponed();
          await runSql(db, sql);
          const error = await run.failure();
          assert.match(error.message, /somebody changed the schema|is not what it was/, what);
          assert.ok((error.hint ?? '') !== '', 'a hint');
          if (undo !== undefined) await runSql(db, undo);
          assert.equal(await count('t'), sql.startsWith('TRUNCATE t') ? 0 : rows);
          const columns = await runSql(db, 'SHOW COLUMNS FROM t');
          assert.equal(columns.length, 2, 'the original is as it was');
        } finally {
          await run.stop();
        }
      });
    }

    test('HAZARDS 39, 50: what concerns other tables, or no data, does not stop it', async () => {
      const run = start();
      try {
        await run.postponed();
        for (const sql of harmless) await runSql(db, sql);
        await runSql(db, "UPDATE t SET v = 'late' WHERE id = 7");
        await run.finish();
        assert.equal(await runSqlForValue(db, 'SELECT CONCAT(v, c) FROM t WHERE id = 7'), 'late3');
      } finally {
        await run.stop();
      }
    });

    test('HAZARDS 113: a session writes with binlog_format=STATEMENT', async () => {
      const run = start();
      try {
        await run.postponed();
        await runSql(db, "SET SESSION binlog_format = 'STATEMENT'; UPDATE t SET v = 'unseen' WHERE id = 7");
        const error = await run.failure();
        assert.match(error.message, /left no row events: UPDATE t/);
        assert.match(error.hint ?? '', /binlog_format=ROW/);
        assert.equal(await runSqlForValue(db, 'SELECT v FROM t WHERE id = 7'), 'unseen');
      } finally {
        await run.stop();
      }
    });

    test('HAZARDS 35: a session writes MINIMAL images: the primary key is enough', async () => {
      const run = start();
      try {
        await run.postponed();
        await runSql(db, "SET SESSION binlog_row_image = 'MINIMAL'; UPDATE t SET v = 'lean' WHERE id = 7");
        await runSql(db, 'DELETE FROM t WHERE id = 8; UPDATE t SET id = 5000 WHERE id = 9');
        await run.finish();
        assert.equal(await runSqlForValue(db, 'SELECT v FROM t WHERE id = 7'), 'lean');
        assert.equal(await runSqlForValue(db, 'SELECT COUNT(*) FROM t WHERE id IN (8, 9)'), 0);
        assert.equal(await runSqlForValue(db, 'SELECT v FROM t WHERE id = 5000'), 'v9');
      } finally {
        await run.stop();
      }
    });

    test('HAZARDS 96: a primary that becomes read-only is not written to any more: it stops and says why', {
      skip: flavor === 'mariadb' && 'SUPER writes all the same',
    }, async () => {
      const run = start();
      try {
        await run.postponed();
        await runSql(db, 'SET GLOBAL super_read_only = 1');
        const error = await run.failure();
        assert.match(error.message, /super-read-only|has become read-only/);
        assert.match(error.hint ?? '', /read-only|primary/);
        assert.equal(await count('t'), rows);
      } finally {
        await runSql(db, 'SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0');
        await run.stop();
      }
    });

    test('HAZARDS 33, 34: long keys and a server that takes small packets only: told what to do, then done', async () => {
      await runSql(
        db,
        'CREATE TABLE wide (id VARCHAR(200) CHARACTER SET utf8mb4 PRIMARY KEY, v INT NOT NULL)',
      );
      const key = (i: number): string => `${'日'.repeat(190)}${i}`;
      await db.query('INSERT INTO wide VALUES ?', [Array.from({ length: 1000 }, (_, i) => [key(i), 0])]);
      const before = await runSqlForValue(db, 'SELECT @@GLOBAL.max_allowed_packet');
      await runSql(db, 'SET GLOBAL max_allowed_packet = 65536');
      const options = ['--initially-drop-ghost-table', '--verify=off', '--dml-batch-size'];
      const large = start({ table: 'wide', options: [...options, '1000'] });
      try {
        await large.postponed();
        await runSql(db, 'UPDATE wide SET v = 1');
        const error = await large.failure();
        assert.match(`${error.message} ${error.hint}`, /max_allowed_packet/);
        assert.equal(await runSqlForValue(db, 'SELECT COUNT(*) FROM wide WHERE v = 1'), 1000);
      } finally {
        await large.stop();
      }
      const small = start({ table: 'wide', options: [...options, '30'] });
      try {
        await small.postponed();
        await runSql(db, 'UPDATE wide SET v = 2');
        await small.finish();
        assert.equal(await runSqlForValue(db, 'SELECT COUNT(*) FROM wide WHERE v = 2 AND c = 3'), 1000);
      } finally {
        await runSql(db, `SET GLOBAL max_allowed_packet = ${before}`);
        await small.stop();
      }
    });

    test('HAZARDS 55, 114, 115: no line a chunk, statistics at the swap, the old table is kept unless asked for', async () => {
      // The server's own background statistics would do, in time.
      const alter = 'ADD COLUMN c INT, STATS_AUTO_RECALC = 0';
      const run = start({ alter, options: ['--chunk-size', '10'] });
      try {
        await run.postponed();
        await run.finish();
        assert.ok(run.lines.length < 40, `${run.lines.length} lines for ${rows / 10} chunks`);
        const stats =
          'SELECT n_rows FROM mysql.innodb_table_stats WHERE database_name = ? AND table_name = ?';
        assert.equal(Number(await runSqlForValue(db, stats, [schema, 't'])), rows);
        assert.deepEqual((await tablesOf(db, schema)).sort(), ['_t_del', 't']);
      } finally {
        await run.stop();
      }
      const second = start({
        alter: 'ADD COLUMN d INT',
        options: ['--ok-to-drop-table', '--initially-drop-old-table'],
      });
      await second.finish();
      assert.deepEqual(await tablesOf(db, schema), ['t']);
    });
  });
}
