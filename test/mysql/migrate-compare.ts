// Whether two tables hold the same rows, byte for byte: the judge of migrations whose writers rest at the cut-over.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { quoteName, runSql } from '../lab/lab.ts';

const examplesMax = 5;

/** Column of the old table to column of the new one, or two SQL expressions; same where only one is given. */
export type Compared = string | readonly [string, string];

interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** Columns of a table, in order. */
export async function columnsOf(
  connection: Connection,
  schema: string,
  table: string,
): Promise<TableColumn[]> {
  const rows = await runSql(
    connection,
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
      WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
    [schema, table],
  );
  return rows.map(({ name, type }) => ({ name: String(name), type: String(type).toLowerCase() }));
}

/** Every row of a table as one text, exact to the byte, sorted. @param columns names, or SQL in brackets. */
export async function dumpOf(
  connection: Connection,
  schema: string,
  table: string,
  columns: readonly string[],
): Promise<string[]> {
  const types = new Map((await columnsOf(connection, schema, table)).map(({ name, type }) => [name, type]));
  const parts = columns.map((name) => `IFNULL(${exact(name, types.get(name))}, 'NULL')`);
  const rows = await runSql(
    connection,
    `SELECT CONCAT_WS(' ', ${parts.join(', ')}) AS line FROM ${quoteName(schema)}.${quoteName(table)}`,
  );
  return rows.map(({ line }) => String(line)).sort();
}

function exact(name: string, type: string | undefined): string {
  const column = name.startsWith('(') ? name : quoteName(name);
  if (type === 'enum' || type === 'set') return `CONCAT(${column} + 0, ':', HEX(CAST(${column} AS BINARY)))`;
  if (type === 'bit') return `CONCAT(${column} + 0)`;
  return `HEX(CAST(${column} AS BINARY))`;
}

/** Asserts that both tables hold the same rows. @returns how many. */
export async function assertSameRows(
  connection: Connection,
  schema: string,
  [before, after]: readonly [string, string],
  columns: readonly Compared[],
): Promise<number> {
  const of = (side: 0 | 1): string[] => columns.map((each) => (typeof each === 'string' ? each : each[side]));
  const old = await dumpOf(connection, schema, before, of(0));
  const now = await dumpOf(connection, schema, after, of(1));
  const [oldRows, nowRows] = [new Set(old), new Set(now)];
  const missing = old.filter((row) => !nowRows.has(row));
  const extra = now.filter((row) => !oldRows.has(row));
  const cut = (rows: readonly string[]): string => rows.slice(0, examplesMax).join('\n  ');
  assert.ok(
    missing.length === 0 && extra.length === 0 && old.length === now.length,
    `${missing.length} of ${old.length} rows are not in the new table:\n  ${cut(missing)}\n` +
      `${extra.length} of ${now.length} rows are in the new table only:\n  ${cut(extra)}`,
  );
  return old.length;
}
