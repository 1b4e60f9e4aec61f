// `--attempt-instant-ddl` and `--attempt-inplace-ddl`: what the server can do by itself is tried before anything is created,
// without keeping anybody from the table; what it cannot, or may not, is copied, and the log says why.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { migrate, Run, tablesOf } from '../mysql/migrate-run.ts';

const schema = 'direct';
const table = `CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL DEFAULT 0, s VARCHAR(50) NOT NULL DEFAULT '',
  l VARCHAR(300) NOT NULL DEFAULT '', e ENUM('a','b') NOT NULL, KEY iv (v), UNIQUE KEY us (id, s)) CHARSET utf8mb4`;

/** Changes the dictionary only, all at once; what MySQL does not do as INSTANT is among it. */
const inPlace = `RENAME COLUMN v TO w, ALTER COLUMN s SET DEFAULT 'x', RENAME INDEX iv TO iw, DROP INDEX us,
  MODIFY l VARCHAR(400) NOT NULL DEFAULT '' COMMENT 'longer', MODIFY e ENUM('a','b','c') NOT NULL, COMMENT = 'it''s, new'`;

/** The server would do these in place as well: by reading all rows or writing them anew. */
const copied: readonly (readonly [alter: string, why: RegExp])[] = [
  ['ADD INDEX n (v, s)', /not known to change the dictionary only: ADD INDEX n/],
  ['MODIFY v INT NULL DEFAULT 0', /column 'v' becomes NULL or NOT NULL/],
  ['ROW_FORMAT=DYNAMIC', /not known to change the dictionary only: ROW_FORMAT/],
];

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`the server's own ALTER, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await lab.primary.connect({ multipleStatements: true });
    });
    after(async () => {
      db?.destroy();
      await lab?.stop();
    });
    beforeEach(async () => {
      await runSql(
        db,
        `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema}; USE ${schema}; ${table}`,
      );
      await db.query('INSERT INTO t (id, v, s, l, e) VALUES ?', [
        Array.from({ length: 200 }, (_, i) => [i, i, `s${i}`, `l${i}`, 'a']),
      ]);
    });
    /** Changes when the table is rebuilt. */
    const tableId = (): Promise<unknown> => {
      const view = flavor === 'mysql' ? 'INNODB_TABLES' : 'INNODB_SYS_TABLES';
      return runSqlForValue(db, `SELECT table_id FROM information_schema.${view} WHERE name = '${schema}/t'`);
    };
    const spec = (alter: string, ...options: string[]) => ({ schema, table: 't', alter, options });

    test('--attempt-instant-ddl: done before anything is created, triggers and foreign keys or not', async () => {
      await runSql(
        db,
        `CREATE TABLE p (id INT PRIMARY KEY); ALTER TABLE t ADD COLUMN pid INT, ADD FOREIGN KEY (pid) REFERENCES p (id);
         CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW SET @x = 1`,
      );
      const was = await tableId();
      const run = await migrate(
        lab.primary,
        spec('ADD COLUMN n INT NOT NULL DEFAULT 7', '--attempt-instant-ddl'),
      );
      assert.equal(run.snapshot.directly, 'instant');
      assert.ok(run.lines.some((line) => line.startsWith('Success! table direct.t migrated instantly')));
      assert.equal(await tableId(), was, 'the table is not rebuilt');
      assert.equal(await runSqlForValue(db, 'SELECT SUM(n) FROM t'), '1400');
      assert.deepEqual(await tablesOf(db, schema), ['p', 't'], 'nothing is left');
    });

    test('a column that a trigger may name is not taken from under it: each write would fail', async () => {
      await runSql(
        db,
        `CREATE TABLE seen (v INT); CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW INSERT INTO seen VALUES (NEW.v)`,
      );
      const options = ['--attempt-instant-ddl', '--attempt-inplace-ddl', '--approve-renamed-columns'];
      const include = ['--include-triggers', '--trigger-suffix', '_2'];
      for (const alter of ['DROP COLUMN v', 'RENAME COLUMN v TO w', 'CHANGE v w INT NOT NULL DEFAULT 0']) {
        for (const [code, more] of [['triggers', []] as const, ['trigger', include] as const]) {
          const ended = new Run(lab.primary, spec(alter, ...options, ...more)).failure().catch((e) => e);
          const { code: refused } = await ended;
          await runSql(db, `INSERT INTO t (id, e) VALUES (1000, 'a'); DELETE FROM t WHERE id = 1000`);
          assert.equal(refused, code, alter);
        }
      }
    });

    test('--attempt-instant-ddl: what the server cannot do is copied, and the log says why', async () => {
      const run = await migrate(
        lab.primary,
        spec('MODIFY v BIGINT NOT NULL, ALGORITHM=COPY', '--attempt-instant-ddl', '--attempt-inplace-ddl'),
      );
      assert.equal(run.snapshot.directly, null);
      const lines = run.lines.filter((line) => line.includes('proceeding with original algorithm'));
      assert.match(lines[0] ?? '', /^ALGORITHM=INSTANT not possible for this operation, .*not supported/);
      assert.match(lines[1] ?? '', /column 'v' changes from int.* to bigint/);
      assert.deepEqual(await tablesOf(db, schema), ['_t_del', 't']);
    });

    test('--attempt-inplace-ddl: what changes the dictionary only', async () => {
      const was = await tableId();
      const options = ['--attempt-inplace-ddl', '--approve-renamed-columns'];
      const run = await migrate(lab.primary, spec(inPlace, ...options));
      assert.equal(run.snapshot.directly, 'in-place', run.lines.join('\n'));
      assert.equal(await tableId(), was, 'the table is not rebuilt');
      assert.equal(await runSqlForValue(db, "SELECT SUM(w) FROM t WHERE e = 'a' AND s LIKE 's%'"), '19900');
      assert.deepEqual(await tablesOf(db, schema), ['t']);
    });

    for (const [alter, why] of copied) {
      test(`--attempt-inplace-ddl: ${alter} is copied`, async () => {
        const run = await migrate(lab.primary, spec(alter, '--attempt-inplace-ddl', '--ok-to-drop-table'));
        assert.equal(run.snapshot.directly, null);
        assert.match(
          run.lines.find((line) => line.includes('proceeding with original algorithm')) ?? '',
          why,
        );
      });
    }

    test('an approval that is missing, or a dry run, keeps it from the table', async () => {
      const options = ['--attempt-instant-ddl', '--attempt-inplace-ddl'];
      const refused = new Run(lab.primary, spec('RENAME COLUMN v TO w', ...options));
      assert.equal((await refused.failure()).code, 'renamed-columns');
      await migrate(lab.primary, spec('ADD COLUMN n INT', ...options, '--execute=false'));
      const columns = await runSql(db, 'SHOW COLUMNS FROM t');
      assert.deepEqual(
        columns.map((row) => row.Field),
        ['id', 'v', 's', 'l', 'e'],
      );
    });

    test('an ALTER whose connection is lost is seen to end, and the server is asked what it did', async () => {
      const holder = await lab.primary.connect({ database: schema });
      await holder.query('BEGIN');
      await holder.query('SELECT COUNT(*) FROM t');
      const run = new Run(lab.primary, spec('ADD COLUMN n INT', '--attempt-instant-ddl'));
      try {
        const find =
          "SELECT MAX(id) FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE%INSTANT%'";
        let id: unknown = null;
        for (let i = 0; i < 400 && id === null; i += 1) id = await runSqlForValue(db, find);
        await runSql(db, `KILL ${id}`);
        await run.until('an answer', () => run.lines.some((line) => line.includes('lost its connection')));
        await holder.query('COMMIT');
        await run.finish();
        assert.equal(run.snapshot.directly, null, 'it was copied');
        assert.deepEqual(await tablesOf(db, schema), ['_t_del', 't']);
      } finally {
        holder.destroy();
        await run.stop();
      }
    });

    test('who holds the table is waited for, then the lock is asked for again: nobody queues for long', async () => {
      const holder = await lab.primary.connect({ database: schema });
      const options = ['--attempt-instant-ddl', '--cut-over-lock-timeout-seconds', '1'];
      await holder.query('BEGIN');
      await holder.query('SELECT COUNT(*) FROM t');
      const run = new Run(lab.primary, spec('ADD COLUMN n INT', ...options));
      try {
        // Young when it is looked for, and still there when the ALTER has waited.
        const lines = (word: string): boolean => run.lines.some((line) => line.includes(word));
        await run.until('a lock timeout', () => lines('next attempt in 2 s') || lines('old transactions'));
        await run.until('a wait', () => lines('old transactions'));
        await holder.query('COMMIT');
        await run.finish();
        assert.equal(run.snapshot.directly, 'instant', run.lines.join('\n'));
      } finally {
        holder.destroy();
        await run.stop();
      }
    });
  });
}
