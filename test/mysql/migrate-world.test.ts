// The world may change while a table is migrated: others truncate, alter or drop it, or write in ways that leave no rows in
// the binlog. And names may be anything that a server allows. The run must end with the reason, or take it as it is.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, quoteName, runSql, startLab } from '../lab/lab.ts';
import { assertSameRows } from './migrate-compare.ts';
import { connectLax, migrate, Run, tablesOf } from './migrate-run.ts';

interface Deed {
  readonly what: string;
  readonly sql: readonly string[];
  readonly message: RegExp;
  /** What is left of the original. */
  readonly left: 'all' | 'no row' | 'nothing';
}

const deeds: readonly Deed[] = [
  { what: 'TRUNCATE', sql: ['TRUNCATE TABLE t'], message: /truncate/i, left: 'no row' },
  { what: 'ALTER', sql: ['ALTER TABLE t ADD COLUMN other INT'], message: /other|definition/i, left: 'all' },
  { what: 'DROP', sql: ['DROP TABLE t'], message: /drop|doesn't exist/i, left: 'nothing' },
  { what: 'RENAME', sql: ['RENAME TABLE t TO elsewhere'], message: /rename|doesn't exist/i, left: 'nothing' },
  {
    what: 'a trigger',
    sql: ['CREATE TRIGGER other BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1'],
    message: /trigger/i,
    left: 'all',
  },
  { what: 'DROP of the ghost', sql: ['DROP TABLE _t_gho'], message: /_t_gho/i, left: 'all' },
  {
    what: 'a write of a session with binlog_format=STATEMENT',
    sql: [
      "SET SESSION binlog_format = 'STATEMENT'",
      'UPDATE t SET v = v WHERE id = 3',
      'UPDATE t SET v = 77 WHERE id = 4',
    ],
    message: /statement that left no row events/,
    left: 'all',
  },
];

const spoken: Record<string, readonly [schema: string, table: string, column: string]> = {
  'names of 64 characters': ['s'.repeat(64), 't'.repeat(64), 'c'.repeat(64)],
  'backticks, quotes and spaces': ['a`b "c\' d', 'x`y z\'"', 'k` "\''],
  'reserved words': ['select', 'table', 'order'],
  'other alphabets': ['schéma', 'таблица', '列'],
  'wildcards and percent signs': ['a_b%c', '%s_%d', '?%_'],
};

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`the world around a migration, ${flavor}`, { concurrency: 2 }, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
    });
    after(() => lab?.stop());

    const create = async (schema: string): Promise<Connection> => {
      const db = await connectLax(lab.primary);
      await runSql(db, `CREATE DATABASE ${schema}`);
      await runSql(db, `USE ${schema}`);
      await runSql(db, 'CREATE TABLE t (id INT PRIMARY KEY, v INT)');
      await db.query('INSERT INTO t VALUES ?', [Array.from({ length: 400 }, (_, i) => [i, i])]);
      return db;
    };

    for (const [i, { what, sql, message, left }] of deeds.entries()) {
      test(`HAZARDS 49, 77, 113: ${what} by others ends the run`, async () => {
        const schema = `w${i}`;
        const db = await create(schema);
        const alter = 'ADD COLUMN added INT';
        const run = new Run(lab.primary, {
          schema,
          table: 't',
          alter,
          postpone: true,
          options: ['--chunk-size', '10'],
        });
        try {
          await run.postponed();
          for (const statement of sql) await runSql(db, statement);
          const error = await run.failure();
          assert.match(error.message, message);
          assert.ok((error.hint ?? '') !== '', 'the failure says what to do');
          const tables = await tablesOf(db, schema);
          assert.ok(!tables.includes('_t_del'), 'nothing was swapped');
          if (left === 'nothing') return assert.ok(!tables.includes('t'));
          const [row] = await runSql(db, 'SELECT COUNT(*) AS n FROM t');
          assert.equal(Number(row?.n), left === 'all' ? 400 : 0);
        } finally {
          await run.stop();
          db.destroy();
        }
      });
    }

    for (const [what, [schema, table, column]] of Object.entries(spoken)) {
      test(`HAZARDS 58, 80, 88, 103: ${what}`, async () => {
        const db = await connectLax(lab.primary);
        const name = `${quoteName(schema)}.${quoteName(table)}`;
        const [key, unique, extra] = [column, `${column.slice(1)}u`, `${column.slice(1)}v`];
        try {
          await runSql(db, `CREATE DATABASE ${quoteName(schema)} CHARACTER SET utf8mb4`);
          await runSql(
            db,
            `CREATE TABLE ${name} (${quoteName(key)} INT, ${quoteName(unique)} INT NOT NULL,
               PRIMARY KEY (${quoteName(key)}), UNIQUE KEY ${quoteName(unique)} (${quoteName(unique)}))`,
          );
          await db.query(`INSERT INTO ${name} VALUES ?`, [Array.from({ length: 100 }, (_, i) => [i, -i])]);
          const alter = `ADD COLUMN ${quoteName(extra)} INT, ADD KEY ${quoteName(extra)} (${quoteName(extra)})`;
          const run = new Run(lab.primary, {
            schema,
            table,
            alter,
            postpone: true,
            options: ['--chunk-size', '10'],
          });
          try {
            await run.postponed();
            await runSql(db, `UPDATE ${name} SET ${quoteName(unique)} = ${quoteName(unique)} + 1000`);
            await runSql(db, `DELETE FROM ${name} WHERE ${quoteName(key)} < 10`);
            const { old } = await run.finish();
            assert.equal(
              await assertSameRows(
                db,
                schema,
                [await oldOf(db, schema, table, old.name), table],
                [key, unique],
              ),
              90,
            );
          } finally {
            await run.stop();
          }
        } finally {
          db.destroy();
        }
      });
    }

    test('HAZARDS 49: harmless statements about the table do not end the run', async () => {
      const db = await create('harmless');
      try {
        const spec = { schema: 'harmless', table: 't', alter: 'ADD COLUMN added INT' };
        const run = new Run(lab.primary, { ...spec, postpone: true });
        await run.postponed();
        for (const sql of [
          'ANALYZE TABLE t',
          'CREATE VIEW v AS SELECT * FROM t',
          'CREATE TABLE model LIKE t',
        ])
          await runSql(db, sql);
        await run.finish();
        await assertSameRows(db, 'harmless', ['_t_del', 't'], ['id', 'v']);
        await migrate(lab.primary, {
          ...spec,
          alter: 'DROP COLUMN added',
          options: ['--initially-drop-old-table'],
        });
      } finally {
        db.destroy();
      }
    });
  });
}

/** Long names are cut and hashed: the old table is the one that is not the new. */
async function oldOf(db: Connection, schema: string, table: string, named: string): Promise<string> {
  const tables = (await tablesOf(db, schema)).filter((name) => name !== table);
  assert.equal(tables.length, 1, tables.join(', '));
  const [old] = tables as [string];
  assert.equal(old, named);
  return old;
}
