// `--include-triggers`: the new table gets the triggers of the original, as they are, at the cut-over and not before: on a ghost
// that is written to they would act on every row that is copied. Each trigger writes down what it sees: once a write, for ever.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { migrate, Run, tablesOf } from '../mysql/migrate-run.ts';

const schema = 'triggered';
const include = ['--include-triggers', '--trigger-suffix', '_new'];
const alter = 'ADD COLUMN c INT NOT NULL DEFAULT 3';

/** Two of one moment, whose order matters; one of an ANSI session and another definer; one with text that is not ASCII. */
const triggers = [
  'CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v + 1',
  'CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v * 10',
  'CREATE TRIGGER nought BEFORE INSERT ON t FOR EACH ROW PRECEDES one SET NEW.v = NEW.v + 100',
  `SET sql_mode = 'ANSI_QUOTES,NO_ENGINE_SUBSTITUTION'`,
  `CREATE DEFINER = "some""body"@"h%" TRIGGER "up ""date" AFTER UPDATE ON ${schema}."t" FOR EACH ROW
     BEGIN INSERT INTO "seen" (what) VALUES (CONCAT('zwölf ', OLD.v, '>', NEW.v)); END`,
  `SET sql_mode = DEFAULT`,
  "CREATE TRIGGER del AFTER DELETE ON t FOR EACH ROW INSERT INTO seen (what) VALUES (CONCAT('del ', OLD.id))",
];

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`triggers, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await lab.primary.connect({ multipleStatements: true });
      await runSql(
        db,
        `CREATE USER 'some"body'@'h%' IDENTIFIED BY 'Secret-1'; GRANT ALL ON *.* TO 'some"body'@'h%';
         SET GLOBAL log_bin_trust_function_creators = 1`,
      );
    });
    after(async () => {
      db?.destroy();
      await lab?.stop();
    });
    beforeEach(async () => {
      await runSql(
        db,
        `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema} CHARACTER SET utf8mb4; USE ${schema}`,
      );
      await runSql(db, 'CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL) CHARSET utf8mb4');
      await db.query('INSERT INTO t VALUES ?', [Array.from({ length: 300 }, (_, i) => [i, i])]);
      await runSql(
        db,
        'CREATE TABLE seen (n INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(50) CHARACTER SET utf8mb4)',
      );
      for (const sql of triggers) await db.query(sql);
    });
    const start = (spec: { alter?: string; postpone?: boolean; options?: string[] } = {}): Run =>
      new Run(lab.primary, {
        schema,
        table: 't',
        alter,
        ...spec,
        options: [...include, ...(spec.options ?? [])],
      });
    const write = async (id: number): Promise<unknown> => {
      await runSql(db, `INSERT INTO t (id, v) VALUES (${id}, 1); UPDATE t SET v = v + 1 WHERE id = ${id}`);
      const v = await runSqlForValue(db, `SELECT v FROM t WHERE id = ${id}`);
      await runSql(db, `DELETE FROM t WHERE id = ${id}`);
      return v;
    };
    const seen = async (): Promise<string[]> =>
      (await runSql(db, 'SELECT what FROM seen ORDER BY n')).map(({ what }) => String(what));
    const facts = async (table: string): Promise<string[]> => {
      const rows = await runSql(
        db,
        `SELECT CONCAT_WS('|', definer, sql_mode, character_set_client, collation_connection, database_collation,
           action_timing, event_manipulation, action_order, action_statement) AS line, trigger_name AS name
         FROM information_schema.triggers WHERE trigger_schema = ? AND event_object_table = ?
         ORDER BY action_timing, event_manipulation, action_order`,
        [schema, table],
      );
      return rows.map(({ line, name }) => `${String(name).replace(/_new$/, '')}|${line}`);
    };

    test('--include-triggers: the same triggers in the same order, each write seen once before and after the swap', async () => {
      const were = await facts('t');
      assert.equal(were.length, 5);
      const run = start({ postpone: true, options: ['--ok-to-drop-table=false'] });
      try {
        await run.postponed();
        assert.deepEqual(await facts('_t_gho'), [], 'none on the ghost while it is written to');
        assert.equal(await write(1000), 1021);
        await run.finish();
      } finally {
        await run.stop();
      }
      assert.deepEqual(await facts('t'), were);
      assert.deepEqual(await facts('_t_del'), were, 'the old table keeps its own');
      assert.equal(await write(2000), 1021);
      const each = (id: number): string[] => ['zwölf 1020>1021', `del ${id}`];
      assert.deepEqual(
        await seen(),
        [...each(1000), ...each(2000)],
        'nothing but the writes of the application',
      );
    });

    test('--remove-trigger-suffix-if-exists: the next migration gives the names back', async () => {
      await start().finish();
      await runSql(db, 'DROP TABLE _t_del');
      await start({ alter: 'DROP COLUMN c', options: ['--remove-trigger-suffix-if-exists'] }).finish();
      const rows = await runSql(db, "SHOW TRIGGERS LIKE 't'");
      assert.deepEqual(rows.map((row) => row.Trigger).sort(), ['del', 'nought', 'one', 'two', 'up "date']);
    });

    test('what cannot be is told before anything is copied, and leaves nothing', async () => {
      const refused = async (run: Run, code: string, words: RegExp, there = 5): Promise<void> => {
        const error = await run.failure();
        assert.equal(error.code, code, error.message);
        assert.match(error.message, words);
        assert.deepEqual(await tablesOf(db, schema), ['seen', 't']);
        assert.equal((await facts('t')).length, there);
      };
      await refused(new Run(lab.primary, { schema, table: 't', alter }), 'triggers', /one \(BEFORE INSERT\)/);
      await runSql(db, 'CREATE TRIGGER two_new AFTER INSERT ON seen FOR EACH ROW SET @x = 1');
      await refused(start(), 'trigger', /already exists/);
      await runSql(db, 'DROP TRIGGER two_new');
      await refused(start({ alter: 'ADD COLUMN w INT, DROP COLUMN v' }), 'trigger', /v/);
      await runSql(db, `CREATE TRIGGER ${'x'.repeat(61)} AFTER INSERT ON t FOR EACH ROW SET @x = 1`);
      await refused(start(), 'trigger-name', /longer than 64/, 6);
    });

    test('an attempt that fails takes the triggers off the ghost again; the next one puts them on', async () => {
      const run = start({
        postpone: true,
        options: ['--cut-over-lock-timeout-seconds', '1', '--verify=off'],
      });
      const reader = await lab.primary.connect({ database: schema });
      try {
        await run.postponed();
        // Whoever reads the original keeps the RENAME from it, when the triggers are on the ghost already.
        await reader.query('BEGIN');
        await reader.query('SELECT COUNT(*) FROM t');
        run.migrator.unpostpone();
        await run.until('a failed attempt', () =>
          run.lines.some((line) => line.includes('cut-over attempt failed')),
        );
        await reader.query('COMMIT');
        assert.deepEqual(await facts('_t_gho'), []);
        assert.equal(await write(1000), 1021);
        await run.finish();
        assert.equal((await facts('t')).length, 5);
        assert.deepEqual(await seen(), ['zwölf 1020>1021', 'del 1000']);
      } finally {
        reader.destroy();
        await run.stop();
      }
    });

    test('triggers that change under the migration end it', async () => {
      const run = start({ postpone: true });
      try {
        await run.postponed();
        await runSql(db, 'DROP TRIGGER del');
        const error = await run.failure();
        assert.match(error.message, /triggers .* are not what they were|changed the schema/);
        assert.equal((await facts('t')).length, 4);
      } finally {
        await run.stop();
      }
    });

    test('HAZARDS 77: triggers that a run left on its ghost when it died are dropped before anything is written to it', async () => {
      const first = start({ postpone: true, options: ['--checkpoint-seconds', '1'] });
      await first.postponed();
      await first.stop();
      await db.query(
        `CREATE TRIGGER ${schema}.del_new AFTER DELETE ON \`${schema}\`.\`_t_gho\` FOR EACH ROW INSERT INTO seen (what) VALUES ('ghost')`,
      );
      await runSql(db, 'DELETE FROM t WHERE id < 3; UPDATE t SET v = v + 1 WHERE id < 6');
      const lines = await seen();
      assert.equal(lines.length, 6);
      const second = start({ options: ['--resume'] });
      await second.finish();
      assert.deepEqual(await seen(), lines);
      assert.equal((await facts('t')).length, 5);
    });

    test('without triggers the options do no harm; a dry run leaves none', async () => {
      await start({ options: ['--execute=false'] }).finish();
      assert.deepEqual(await tablesOf(db, schema), ['seen', 't']);
      await migrate(lab.primary, { schema, table: 'seen', alter, options: include });
      assert.deepEqual(await seen(), []);
    });
  });
}
