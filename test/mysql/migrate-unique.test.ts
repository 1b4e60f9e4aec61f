// A second unique key is where peers lose rows: a late write of an old value displaces the row that has it now.
// Here unique values are swapped and passed on all the time, and the keys themselves are changed by the ALTER.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import type { LedgerTable } from '../lab/ledger.ts';
import { createItems, itemsTable, migrateUnderLedger, swapping } from './migrate-items.ts';
import { connectLax } from './migrate-run.ts';

const schema = 'uniq';
const rows = 1200;

interface Case {
  readonly what: string;
  readonly keys?: string;
  readonly alter: string;
  readonly rows?: number;
  readonly load?: typeof swapping;
  /** In place of small chunks. */
  readonly options?: readonly string[];
  /** Its keys stay as they are. */
  readonly keepsKeys?: boolean;
}

const cases: readonly Case[] = [
  { what: 'HAZARDS 14, 17, 120: unique values are swapped all the time', alter: 'MODIFY note VARCHAR(80)' },
  {
    what: 'HAZARDS 14, 120: a dozen rows rotate their unique values',
    alter: 'MODIFY note VARCHAR(80)',
    rows: 24,
    load: { ...swapping, mix: { ...swapping.mix, swap: 300 } },
  },
  {
    what: 'HAZARDS 14, 120: values are swapped faster than a chunk is copied, and none is in its way for ever',
    alter: 'MODIFY note VARCHAR(80)',
    load: { ...swapping, pauseMs: 0, mix: { ...swapping.mix, swap: 300 } },
    options: ['--chunk-size', '600', '--concurrency', '2', '--default-retries', '4'],
  },
  { what: 'a unique key is dropped', alter: 'DROP KEY slot, ADD KEY slot (slot)' },
  {
    what: 'HAZARDS 89: a unique key is added over clean data whose values move about',
    keys: '',
    alter: 'ADD UNIQUE KEY slot (slot)',
  },
  {
    what: 'HAZARDS 89: a unique key is added beside another one whose values are swapped',
    alter: 'ADD UNIQUE KEY pair (note, id)',
  },
  {
    what: 'HAZARDS 89, 120: a unique key is added over one column while the values of another unique key are swapped',
    alter: 'ADD COLUMN twin BIGINT AS (id) STORED, ADD UNIQUE KEY twin (twin)',
  },
  {
    what: 'HAZARDS 89: a unique key is narrowed over clean data',
    keys: 'UNIQUE KEY slot (slot, id)',
    alter: 'DROP KEY slot, ADD UNIQUE KEY slot (slot)',
  },
  {
    what: 'HAZARDS 101: PRIMARY KEY (id) becomes (id, note), and note changes',
    alter: 'MODIFY note VARCHAR(40) NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (id, note)',
  },
  {
    what: 'HAZARDS 101: PRIMARY KEY (id) becomes (id, note), without another unique key',
    keys: '',
    alter: 'MODIFY note VARCHAR(40) NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (id, note)',
  },
  {
    what: 'the other unique key becomes the PRIMARY KEY: swaps are changes of the key',
    alter: 'DROP PRIMARY KEY, DROP KEY slot, ADD PRIMARY KEY (slot), ADD KEY id (id)',
  },
  {
    what: 'the PRIMARY KEY is dropped, its columns without an index: the other unique key leads',
    alter: 'DROP PRIMARY KEY',
  },
  {
    what: 'an AUTO_INCREMENT column is added',
    alter: 'ADD COLUMN seq BIGINT NOT NULL AUTO_INCREMENT FIRST, ADD UNIQUE KEY seq (seq)',
  },
  {
    what: 'an AUTO_INCREMENT column becomes the PRIMARY KEY',
    alter:
      'DROP PRIMARY KEY, ADD COLUMN seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, ADD UNIQUE KEY id (id)',
  },
];

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`unique keys under load, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await connectLax(lab.primary);
      await runSql(db, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
    });
    after(async () => {
      db?.destroy();
      await lab?.stop();
    });

    for (const [i, one] of cases.entries()) {
      test(one.what, async (t) => {
        const table: LedgerTable = itemsTable(schema, `t${i}`);
        await createItems(db, table, one.rows ?? rows, one.keys);
        const spec = { alter: one.alter, options: one.options ?? ['--chunk-size', '10'] };
        const result = await migrateUnderLedger(lab.primary, table, spec, one.load);
        const { changes, writes, writerStopMs } = result;
        assert.ok(changes > 0 && writes > 0);
        t.diagnostic(
          `${result.rows} rows, ${writes} writes, ${changes} changes, stop ${Math.round(writerStopMs.max)} ms`,
        );
      });
    }
  });
}
