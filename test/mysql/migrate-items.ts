// A table whose second unique values are swapped all the time, and its ledger: writers go on through the cut-over.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type LabServer, runSql } from '../lab/lab.ts';
import { Ledger, type LedgerResult, type LedgerTable, type LoadOptions } from '../lab/ledger.ts';
import { Run, type RunSpec } from './migrate-run.ts';

/** Items with `slot`, which is unique by an index or only by the writers' care. */
export function itemsTable(database: string, name: string, expect: LedgerTable['expect'] = {}): LedgerTable {
  return {
    ...{ database, name, expect },
    key: ['id'],
    columns: ['id', 'slot', 'note', 'hits'],
    makeRow: (serial) => ({
      id: String(100_000 + serial),
      slot: String(100_000 + serial),
      note: `new ${serial}`,
      hits: '0',
    }),
    mutate: (_, serial) => ({ note: `changed ${serial}` }),
    // Far ahead of the copier, and behind it.
    newKey: (serial) => ({ id: String(serial % 2 === 0 ? 1_000_000 + serial : -serial) }),
    swap: { columns: ['slot'], park: (serial) => ({ slot: String(-serial) }) },
    counter: 'hits',
  };
}

/** Creates the table with `rows` rows. @param keys of the table, besides the primary one. */
export async function createItems(
  connection: Connection,
  table: LedgerTable,
  rows: number,
  keys = 'UNIQUE KEY slot (slot)',
): Promise<void> {
  await runSql(
    connection,
    `CREATE TABLE ${table.database}.${table.name} (id BIGINT NOT NULL PRIMARY KEY, slot BIGINT NOT NULL,
       note VARCHAR(40), hits INT NOT NULL${keys === '' ? '' : `, ${keys}`})`,
  );
  const values = Array.from({ length: rows }, (_, i) => [i * 3, i, `note ${i}`, 0]);
  await connection.query(`INSERT INTO ${table.database}.${table.name} VALUES ?`, [values]);
}

/** Swaps above all. */
export const swapping: LoadOptions = {
  writers: 6,
  readers: 1,
  pauseMs: 2,
  mix: { swap: 60, move: 8, insert: 12, delete: 8, update: 12, increment: 4, transaction: 8, rollback: 4 },
};

/** Runs a migration beneath the ledger's load, from before it to after it, and demands that nothing was lost. */
export async function migrateUnderLedger(
  server: LabServer,
  table: LedgerTable,
  spec: Omit<RunSpec, 'schema' | 'table'> & { readonly postponeMs?: number },
  load: LoadOptions = swapping,
  during: (run: Run) => Promise<void> = async () => undefined,
): Promise<LedgerResult & { readonly changes: number; readonly rows: number }> {
  const ledger = await Ledger.open(server, table, { sampleRows: 2000, hotRows: 8 });
  const work = ledger.start(load);
  const run = new Run(server, { ...spec, schema: table.database, table: table.name, postpone: true });
  try {
    await Promise.all([during(run), run.postponed()]);
    await sleep(spec.postponeMs ?? 200);
    const { changesReceived } = await run.finish();
    await sleep(100);
    await work.stop();
    const result = await ledger.compare();
    const { lost, phantom, differing, surprises } = result;
    assert.deepEqual(
      { lost, phantom, differing, surprises },
      { lost: 0, phantom: 0, differing: 0, surprises: 0 },
      `${JSON.stringify(result, undefined, 1)}\n${run.lines.join('\n')}`,
    );
    return { ...result, changes: changesReceived, rows: ledger.initialRows };
  } finally {
    await work.stop().catch(() => undefined);
    await run.stop();
  }
}
