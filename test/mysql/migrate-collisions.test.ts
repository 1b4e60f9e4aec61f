// An added unique key over data with duplicates must never throw a row away: peers with IGNORE do, or find out at the end.
// Here the run fails before the swap, names both rows, leaves the original as it was and nothing of its own behind.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { assertSameRows, dumpOf } from './migrate-compare.ts';
import { connectLax, migrate, Run, tablesOf } from './migrate-run.ts';

const rows = 300;

interface Collision {
  readonly what: string;
  readonly alter: string;
  /** Columns and keys besides `mail`, in place of `PRIMARY KEY (id)`. */
  readonly keys?: string;
  /** Makes the duplicate. */
  readonly spoil: string;
  /** When: before the run, or after everything is copied. */
  readonly late?: boolean;
  /** Both rows, as the message names them. */
  readonly named: readonly RegExp[];
  readonly only?: Flavor;
  readonly options?: readonly string[];
}

const far: Pick<Collision, 'spoil' | 'named'> = {
  spoil: "UPDATE t SET mail = 'twin' WHERE id IN (5, 250)",
  named: [/\bid=5\b/, /\bid=250\b/],
};
const near: Pick<Collision, 'spoil' | 'named'> = {
  spoil: "UPDATE t SET mail = 'twin' WHERE id IN (6, 7)",
  named: [/\bid=6\b/, /\bid=7\b/],
};

const collisions: readonly Collision[] = [
  { what: 'rows of different chunks', alter: 'ADD UNIQUE KEY mail (mail)', ...far },
  { what: 'rows of one chunk', alter: 'ADD UNIQUE KEY mail (mail)', ...near },
  {
    what: 'rows that come to collide after the copy',
    alter: 'ADD UNIQUE KEY mail (mail)',
    ...far,
    late: true,
  },
  {
    what: 'a collation that makes unique values collide',
    keys: 'PRIMARY KEY (id), UNIQUE KEY mail (mail)',
    alter: 'MODIFY mail VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
    spoil: "UPDATE t SET mail = IF(id = 5, 'Twin', 'twin') WHERE id IN (5, 250)",
    named: far.named,
  },
  {
    what: 'a collation that makes primary keys collide',
    keys: 'PRIMARY KEY (mail)',
    alter: 'MODIFY mail VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
    spoil: "UPDATE t SET mail = IF(id = 5, 'Twin', 'twin') WHERE id IN (5, 250)",
    named: [/5477696e|'Twin'/i, /7477696e|'twin'/],
  },
  {
    what: 'a primary key that comes to collide after the copy: deleting one would delete both',
    keys: 'PRIMARY KEY (mail)',
    alter: 'MODIFY mail VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL',
    spoil: "INSERT INTO t VALUES (999, 'M00005', 1, NULL)",
    late: true,
    named: [/4d3030303035|'M00005'/i, /6d3030303035|'m00005'/],
  },
  { what: 'a prefix', alter: 'ADD UNIQUE KEY mail (mail(4), id)', ...none() },
  {
    what: 'a prefix that is too short',
    alter: 'ADD UNIQUE KEY mail (mail(4), v)',
    spoil: "UPDATE t SET mail = CONCAT('twin', id), v = 1 WHERE id IN (6, 7)",
    named: near.named,
  },
  {
    what: 'a generated column',
    alter: 'ADD COLUMN low VARCHAR(40) AS (LOWER(mail)) STORED, ADD UNIQUE KEY low (low)',
    ...far,
  },
  {
    what: 'an expression',
    alter: "ADD UNIQUE KEY low ((REPLACE(mail, 'x', 'y')))",
    spoil: "UPDATE t SET mail = IF(id = 5, 'ax', 'ay') WHERE id IN (5, 250)",
    named: far.named,
    only: 'mysql',
  },
  {
    what: 'a primary key that loses a column',
    keys: 'PRIMARY KEY (id, mail)',
    alter: 'DROP PRIMARY KEY, ADD PRIMARY KEY (id), ADD KEY old (id, mail)',
    spoil: 'UPDATE t SET id = 5 WHERE id = 250',
    named: [/\bid=5\b.*\bid=5\b/],
  },
  {
    what: 'beside a new column that has to be filled, and one that counts itself up',
    alter:
      'ADD COLUMN kind INT NOT NULL, ADD COLUMN seq INT NOT NULL AUTO_INCREMENT, ADD KEY (seq), ADD UNIQUE KEY mail (mail)',
    ...far,
  },
];

/** A key that cannot collide: it contains the primary one. */
function none(): Pick<Collision, 'spoil' | 'named'> {
  return { spoil: "UPDATE t SET mail = 'twin' WHERE id IN (5, 250)", named: [] };
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`rows that collide under a new key, ${flavor}`, { concurrency: 2 }, () => {
    let lab: Lab;
    before(async () => {
      // The probes of a collision have no primary key: a server that wants one everywhere must not keep us from naming the rows.
      const options = flavor === 'mysql' ? { sql_require_primary_key: true } : {};
      lab = await startLab({ flavor, fast: true, options });
    });
    after(() => lab?.stop());

    const create = async (schema: string, keys = 'PRIMARY KEY (id)'): Promise<Connection> => {
      const db = await connectLax(lab.primary);
      await runSql(db, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
      await runSql(db, `USE ${schema}`);
      await runSql(
        db,
        `CREATE TABLE t (id INT NOT NULL, mail VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
           v INT NOT NULL, note VARCHAR(20), ${keys})`,
      );
      const values = Array.from({ length: rows }, (_, i) => [
        i,
        `m${String(i).padStart(5, '0')}`,
        i % 100,
        null,
      ]);
      await db.query('INSERT INTO t VALUES ?', [values]);
      return db;
    };
    const state = async (db: Connection, schema: string): Promise<unknown> => [
      await runSql(db, 'SHOW CREATE TABLE t'),
      await dumpOf(db, schema, 't', ['id', 'mail', 'v', 'note']),
    ];

    for (const [i, one] of collisions.entries()) {
      if ((one.only ?? flavor) !== flavor) continue;
      test(`HAZARDS 13, 89: ${one.what}`, async () => {
        const schema = `c${i}`;
        const db = await create(schema, one.keys);
        const spec = {
          schema,
          table: 't',
          alter: one.alter,
          options: ['--chunk-size', '20', ...(one.options ?? [])],
        };
        try {
          if (!one.late) await runSql(db, one.spoil);
          const run = new Run(lab.primary, { ...spec, postpone: true });
          if (one.named.length === 0) {
            await run.finish();
            assert.equal(await assertSameRows(db, schema, ['_t_del', 't'], ['id', 'mail', 'v']), rows);
            return;
          }
          if (one.late) {
            await run.postponed();
            await runSql(db, one.spoil);
          }
          const before = await state(db, schema);
          const error = await run.failure();
          assert.match(error.message, /two rows of the original collide/);
          for (const name of one.named) assert.match(error.message, name);
          assert.match(error.hint ?? '', /original table is untouched/);
          assert.deepEqual(await state(db, schema), before);
          assert.deepEqual(await tablesOf(db, schema), ['t']);
        } finally {
          db.destroy();
        }
      });
    }

    test('HAZARDS 89: NULLs do not collide', async () => {
      const db = await create('nulls');
      try {
        await migrate(lab.primary, { schema: 'nulls', table: 't', alter: 'ADD UNIQUE KEY note (note)' });
        assert.equal(await assertSameRows(db, 'nulls', ['_t_del', 't'], ['id', 'mail', 'v', 'note']), rows);
      } finally {
        db.destroy();
      }
    });
  });
}
