// Somebody changes the original or the ghost while it is being migrated: TRUNCATE, ALTER, RENAME, DROP, a trigger, a foreign key.
// The copy is then a copy of something else: it ends, says whose statement it was, and leaves nothing of ours behind.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql } from '../lab/lab.ts';
import { type AtStep, contents, DB, prepare, start, startRun } from './fault-lab.ts';
import { assertFails, assertSameAsOld, assertTables, finish, startWaiting, WORLDS } from './world-lab.ts';

const items = `${DB}.items`;
const ghost = `${DB}._items_gho`;
const child = 'CREATE TABLE elsewhere.child (id INT PRIMARY KEY, item INT';

interface Change {
  readonly what: string;
  readonly statements: readonly string[];
  readonly only?: 'mysql' | 'mariadb';
  /** What is left of the database; default: the original. */
  readonly left?: readonly string[];
  /** The statement changes what the original holds. */
  readonly empties?: boolean;
}

/** Seen in the stream; more of them in test/mysql/hazards.test.ts. */
const changes: readonly Change[] = [
  { what: 'DROP of the original', statements: [`DROP TABLE ${items}`], left: [] },
  { what: 'RENAME by ALTER', statements: [`ALTER TABLE ${items} RENAME ${DB}.away`], left: ['away'] },
  {
    what: 'CREATE OR REPLACE of the original',
    statements: [
      `CREATE OR REPLACE TABLE ${items} (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(60), hits INT)`,
    ],
    only: 'mariadb',
    empties: true,
  },
  { what: 'DROP DATABASE', statements: [`DROP DATABASE ${DB}`], left: [] },
  {
    what: 'RENAME of the ghost',
    statements: [`RENAME TABLE ${ghost} TO ${DB}.away`],
    left: ['away', 'items'],
  },
  { what: 'TRUNCATE of the ghost', statements: [`TRUNCATE TABLE ${ghost}`] },
  { what: 'DROP of the ghost', statements: [`DROP TABLE ${ghost}`] },
  { what: 'DROP of the changelog', statements: [`DROP TABLE ${DB}._items_ghc`] },
  {
    what: 'a foreign key added to a table of another schema',
    statements: [`${child})`, `ALTER TABLE elsewhere.child ADD FOREIGN KEY (item) REFERENCES ${items} (id)`],
  },
  {
    what: 'a foreign key of the original',
    statements: [
      'CREATE TABLE elsewhere.parent (id INT PRIMARY KEY)',
      `INSERT INTO elsewhere.parent SELECT id FROM ${items}`,
      `ALTER TABLE ${items} ADD FOREIGN KEY (hits) REFERENCES elsewhere.parent (id)`,
    ],
  },
];

/** Not in the stream: found by the look at the tables before and under the lock. */
const silent: readonly {
  readonly what: string;
  readonly statements: readonly string[];
  readonly said: RegExp;
  /** Between the look before the cut-over and the lock; else before both. */
  readonly late?: true;
}[] = [
  {
    what: 'a trigger',
    statements: [`CREATE TRIGGER ${DB}.theirs BEFORE INSERT ON ${items} FOR EACH ROW SET NEW.hits = 1`],
    said: /triggers now: theirs/,
  },
  {
    what: 'a trigger on the ghost',
    statements: [`CREATE TRIGGER ${DB}.theirs BEFORE INSERT ON ${ghost} FOR EACH ROW SET NEW.hits = 1`],
    said: /_items_gho.* triggers now: theirs/,
    late: true,
  },
  {
    what: 'a child table in another schema',
    statements: [`${child}, CONSTRAINT theirs FOREIGN KEY (item) REFERENCES ${items} (id))`],
    said: /reference it now: theirs/,
    late: true,
  },
  {
    what: 'a column',
    statements: [`ALTER TABLE ${items} ADD COLUMN theirs INT`],
    said: /its definition changed|not what it was/,
  },
  {
    what: 'a column of the ghost',
    statements: [`ALTER TABLE ${ghost} ADD COLUMN theirs INT`],
    said: /_items_gho.* not what it was/,
    late: true,
  },
];

const harmless = [
  `ANALYZE TABLE ${items}, ${ghost}`,
  `OPTIMIZE TABLE ${items}`,
  `CHECK TABLE ${items}`,
  `FLUSH TABLES ${items}`,
  "CREATE USER somebody@localhost IDENTIFIED BY 'x'",
  `GRANT SELECT ON ${items} TO somebody@localhost`,
  `REVOKE SELECT ON ${items} FROM somebody@localhost`,
  `CREATE VIEW elsewhere.items AS SELECT * FROM ${items}`,
  `CREATE TABLE elsewhere.alike LIKE ${items}`,
  `CREATE TABLE elsewhere.copied (id INT PRIMARY KEY) SELECT id FROM ${items}`,
  `CREATE PROCEDURE elsewhere.items() SELECT * FROM ${items}`,
  `CREATE TEMPORARY TABLE ${DB}.items (id INT)`,
  `DROP TEMPORARY TABLE ${DB}.items`,
  'DROP VIEW elsewhere.items',
  'DROP TABLE doomed.items',
  'DROP DATABASE doomed',
];

for (const { name, spec } of WORLDS) {
  describe(`the schema changes under a migration on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });
    const fresh = async (): Promise<string> => {
      // Foreign keys go both ways between the two.
      await runSql(sql, 'SET foreign_key_checks = 0');
      await runSql(sql, 'DROP DATABASE IF EXISTS elsewhere');
      await prepare(sql, 20);
      await runSql(sql, 'SET foreign_key_checks = 1');
      await runSql(sql, 'CREATE DATABASE elsewhere');
      await runSql(sql, `UPDATE ${items} SET hits = id`);
      return await contents(sql, 'items');
    };
    const intact = async (rows: string, { left = ['items'], empties, what }: Change): Promise<void> => {
      await assertTables(sql, left, what);
      const table = left.find((one) => one === 'items') ?? left[0];
      if (table !== undefined) assert.equal(await contents(sql, table), empties ? '[]' : rows, what);
    };

    for (const change of changes.filter(({ only }) => only === undefined || only === spec.flavor)) {
      test(`HAZARDS 49: ${change.what} by others`, async (t) => {
        const rows = await fresh();
        const run = await startWaiting(lab.primary);
        t.after(() => run.stop());
        for (const statement of change.statements) await runSql(sql, statement);
        const said = { message: /somebody changed the schema|definition of .* is not/, hint: /start again/ };
        const error = await assertFails(run, said, change.what);
        t.diagnostic(error.message);
        await intact(rows, change);
      });
    }

    for (const { what, statements, said, late = false } of silent) {
      test(`HAZARDS 77, 102: ${what}, with sql_log_bin=0${late ? ', right before the lock' : ''}`, async (t) => {
        const rows = await fresh();
        const silently = ['SET sql_log_bin = 0', ...statements, 'SET sql_log_bin = 1'];
        const change = async (): Promise<void> => {
          for (const statement of silently) await runSql(sql, statement);
        };
        const atStep: AtStep = (step) => (step === 'locking' ? change() : undefined);
        const run = late ? startRun(lab.primary, { atStep }) : await startWaiting(lab.primary);
        t.after(() => run.stop());
        if (!late) {
          await change();
          run.migrator.unpostpone();
        }
        await assertFails(run, { message: said, hint: /not swapped.* start again/ }, what);
        await assertTables(sql, ['items']);
        assert.equal(await contents(sql, 'items'), rows);
      });
    }

    test('statements of others that change nothing of ours: it goes on', async (t) => {
      await fresh();
      await runSql(sql, 'CREATE DATABASE doomed');
      await runSql(sql, 'CREATE TABLE doomed.items (id INT PRIMARY KEY)');
      const run = await startWaiting(lab.primary);
      t.after(() => run.stop());
      for (const statement of harmless) await runSql(sql, statement);
      await runSql(sql, `UPDATE ${items} SET body = 'after' WHERE id < 5`);
      await finish(run);
      await assertSameAsOld(sql);
    });
  });
}
