// What the server's own ALTER makes of the rows is what a migration must make of them; what it would refuse, or cut, must
// end the run before the swap. The judge is the server: its ALTER of a copy of the table, compared with ours byte for byte.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { columnsOf, dumpOf } from './migrate-compare.ts';
import { connectLax, migrate, Run, tablesOf } from './migrate-run.ts';

interface Conversion {
  readonly what: string;
  readonly alter: string;
  readonly options?: readonly string[];
  /** The run must fail with this message; else it must succeed. */
  readonly fails?: RegExp;
  readonly only?: Flavor;
}

const create = `CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT NOT NULL, b VARCHAR(40) NOT NULL, c VARCHAR(40),
  n INT, big BIGINT NOT NULL, e ENUM('x','y','z') NOT NULL, at TIMESTAMP NULL, d DATE NOT NULL,
  l VARCHAR(20) CHARACTER SET latin1 NOT NULL, g INT AS (a + 1) STORED, vg INT AS (a + 2) VIRTUAL, KEY b (b))`;
const approve = ['--approve-renamed-columns'];
const kinds = [
  ...[
    'TINYINT',
    'BIGINT UNSIGNED',
    'DECIMAL(9,3)',
    'FLOAT',
    'DOUBLE',
    'BIT(5)',
    'DATE',
    'DATETIME(3)',
    'TIME',
  ],
  ...[
    'YEAR',
    'CHAR(4)',
    'VARCHAR(9)',
    'BINARY(3)',
    'VARBINARY(3)',
    'TEXT',
    'LONGBLOB',
    "ENUM('p','q')",
    "SET('p','q')",
  ],
];

const conversions: readonly Conversion[] = [
  { what: 'nothing but the engine', alter: 'ENGINE=InnoDB' },
  { what: 'a column is renamed', alter: 'CHANGE a alpha INT NOT NULL, DROP g, DROP vg', options: approve },
  {
    what: 'two columns swap their names',
    alter: 'CHANGE b c VARCHAR(40) NOT NULL, CHANGE c b VARCHAR(40)',
    options: approve,
  },
  { what: 'HAZARDS 32: a name changes its case', alter: 'CHANGE big BIG BIGINT NOT NULL' },
  { what: 'the key is renamed', alter: 'CHANGE id uid INT NOT NULL', options: approve },
  {
    what: 'HAZARDS 13: new columns NOT NULL without a default, of every type',
    alter: kinds.map((type, i) => `ADD COLUMN fresh${i} ${type} NOT NULL AFTER a`).join(', '),
  },
  {
    what: 'columns with defaults',
    alter: "ADD x1 INT NOT NULL DEFAULT 5, ADD x2 VARCHAR(9) DEFAULT 'q' FIRST",
  },
  {
    what: 'HAZARDS 31: generated columns are added',
    alter: 'ADD g2 INT AS (a * 2) STORED, ADD g3 INT AS (n) VIRTUAL',
  },
  { what: 'HAZARDS 31: a generated column becomes an ordinary one', alter: 'MODIFY g INT' },
  { what: 'columns are dropped', alter: 'DROP COLUMN c, DROP COLUMN vg, DROP COLUMN n' },
  { what: 'columns change places', alter: 'MODIFY big BIGINT NOT NULL FIRST, MODIFY c VARCHAR(40) AFTER id' },
  {
    what: 'numbers are widened',
    alter: 'MODIFY a BIGINT NOT NULL, MODIFY n DECIMAL(20,4), MODIFY id BIGINT NOT NULL',
  },
  {
    what: 'HAZARDS 26: labels are added and put in another order',
    alter: "MODIFY e ENUM('w','z','y','x') NOT NULL",
  },
  {
    what: 'texts change their character set',
    alter: 'CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
  },
  {
    what: 'texts become longer',
    alter: 'MODIFY b TEXT NOT NULL, DROP KEY b, MODIFY l VARCHAR(300) NOT NULL',
  },
  { what: 'HAZARDS 28: a TIMESTAMP becomes a DATETIME', alter: 'MODIFY at DATETIME' },
  { what: 'a DATE becomes a DATETIME', alter: 'MODIFY d DATETIME(3) NOT NULL' },
  { what: 'a number becomes a text', alter: 'MODIFY big VARCHAR(30) NOT NULL' },
  {
    what: 'NULLs in a NOT NULL column',
    alter: 'MODIFY n INT NOT NULL',
    fails: /n.*cannot be null|NULL.*\bn\b|null value/i,
  },
  { what: 'a number that does not fit', alter: 'MODIFY big INT NOT NULL', fails: /big/ },
  {
    what: 'a negative number in an unsigned column',
    alter: 'MODIFY a INT UNSIGNED NOT NULL, DROP g, DROP vg',
    fails: /\ba\b/,
  },
  { what: 'a text that is too long', alter: 'MODIFY b VARCHAR(5) NOT NULL', fails: /\bb\b/ },
  { what: 'HAZARDS 71: a label that is in use', alter: "MODIFY e ENUM('x','y') NOT NULL", fails: /\be\b/ },
  {
    what: 'a text that the character set does not have',
    alter: 'MODIFY c VARCHAR(40) CHARACTER SET latin1',
    fails: /\bc\b/,
  },
  { what: 'a CHECK that is violated', alter: 'ADD CONSTRAINT small CHECK (big < 10)', fails: /small/ },
  {
    what: 'more rows than a new counter has numbers',
    alter: 'ADD COLUMN seq TINYINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE',
    fails: /seq|run out of numbers/,
  },
];

async function fill(db: Connection, schema: string): Promise<void> {
  await runSql(db, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
  await runSql(db, `USE ${schema}`);
  await runSql(db, create);
  const rows = Array.from({ length: 300 }, (_, i) => [
    ...[i, i - 20, `text ${i}`, i % 7 === 0 ? null : `日本 ${i}`, i % 9 === 0 ? null : i],
    ...[
      String(2n ** BigInt(i % 60)),
      'xyz'[i % 3],
      `2024-10-27 0${i % 3}:30:00`,
      i === 3 ? '0000-00-00' : '2024-02-03',
    ],
    `é${i}`,
  ]);
  await db.query('INSERT INTO t (id, a, b, c, n, big, e, at, d, l) VALUES ?', [rows]);
}

const modes = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

async function shape(db: Connection, table: string): Promise<string> {
  const [row] = await runSql(db, `SHOW CREATE TABLE ${table}`);
  return String(row?.['Create Table'])
    .replace(/^CREATE TABLE `\w+`/, '')
    .replace(/ AUTO_INCREMENT=\d+/, '');
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`conversions as the server's own ALTER, ${flavor}`, { concurrency: 2 }, () => {
    let lab: Lab;
    before(async () => {
      // Without NO_ZERO_DATE: what the server's own ALTER gives a new DATE NOT NULL shall be seen.
      lab = await startLab({ flavor, fast: true, options: { sql_mode: modes } });
    });
    after(() => lab?.stop());

    for (const [i, one] of conversions.entries()) {
      if ((one.only ?? flavor) !== flavor) continue;
      test(`${one.fails ? 'fails before the swap: ' : ''}${one.what}`, async () => {
        const schema = `v${i}`;
        const db = await connectLax(lab.primary);
        try {
          await fill(db, schema);
          const spec = {
            schema,
            table: 't',
            alter: one.alter,
            options: ['--chunk-size', '50', ...(one.options ?? [])],
          };
          if (one.fails) await mustFail(lab, db, spec, one.fails);
          else await mustEqualAlter(lab, db, spec);
        } finally {
          db.destroy();
        }
      });
    }

    test('HAZARDS 121: the next number is carried over, though the rows that had the last ones are gone', async () => {
      const db = await connectLax(lab.primary);
      try {
        await runSql(db, 'CREATE DATABASE counted');
        await runSql(
          db,
          'CREATE TABLE counted.t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) AUTO_INCREMENT = 500',
        );
        await runSql(db, 'INSERT INTO counted.t (v) VALUES (1), (2), (3)');
        await runSql(db, 'DELETE FROM counted.t WHERE id > 500');
        const run = new Run(lab.primary, {
          schema: 'counted',
          table: 't',
          alter: 'ADD COLUMN w INT',
          postpone: true,
        });
        await run.postponed();
        await runSql(db, 'INSERT INTO counted.t (v) VALUES (4), (5)');
        await runSql(db, 'DELETE FROM counted.t WHERE v = 5');
        await run.finish();
        await runSql(db, 'INSERT INTO counted.t (v) VALUES (6)');
        assert.equal(Number(await runSqlForValue(db, 'SELECT MAX(id) FROM counted.t')), 505);
        await migrate(lab.primary, {
          ...{ schema: 'counted', table: 't', alter: 'DROP COLUMN w, AUTO_INCREMENT = 900' },
          options: ['--initially-drop-old-table'],
        });
        await runSql(db, 'INSERT INTO counted.t (v) VALUES (7)');
        assert.equal(Number(await runSqlForValue(db, 'SELECT MAX(id) FROM counted.t')), 900);
      } finally {
        db.destroy();
      }
    });
  });
}

interface Spec {
  readonly schema: string;
  readonly table: string;
  readonly alter: string;
  readonly options: readonly string[];
}

async function mustFail(lab: Lab, db: Connection, spec: Spec, message: RegExp): Promise<void> {
  const columns = (await columnsOf(db, spec.schema, 't')).map(({ name }) => name);
  const before = [await shape(db, 't'), await dumpOf(db, spec.schema, 't', columns)];
  const run = new Run(lab.primary, { ...spec, postpone: true });
  const error = await run.failure();
  assert.match(error.message, message);
  assert.ok((error.hint ?? '') !== '', 'the failure says what to do');
  assert.deepEqual([await shape(db, 't'), await dumpOf(db, spec.schema, 't', columns)], before);
  // What may be gone on with is kept for --resume; never an old table.
  assert.ok(!(await tablesOf(db, spec.schema)).includes('_t_del'));
}

async function mustEqualAlter(lab: Lab, db: Connection, spec: Spec): Promise<void> {
  const shared = 'id, a, b, c, n, big, e, at, d, l';
  await runSql(db, 'CREATE TABLE copy LIKE t');
  await runSql(db, `INSERT INTO copy (${shared}) SELECT ${shared} FROM t`);
  const altered = await lab.primary.connect();
  try {
    await runSql(altered, `SET sql_mode = '${modes}'`);
    await runSql(altered, `ALTER TABLE ${spec.schema}.copy ${spec.alter}`);
  } finally {
    altered.destroy();
  }
  await migrate(lab.primary, spec);
  assert.equal(await shape(db, 't'), await shape(db, 'copy'));
  const columns = (await columnsOf(db, spec.schema, 't')).map(({ name }) => name);
  const [ours, theirs] = [
    await dumpOf(db, spec.schema, 't', columns),
    await dumpOf(db, spec.schema, 'copy', columns),
  ];
  assert.deepEqual(ours, theirs);
  assert.deepEqual(await tablesOf(db, spec.schema), ['_t_del', 'copy', 't']);
}
