// Two tables compared completely: definition, counter, and every row to the byte.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { quoteName, type Row, runSql } from '../lab/lab.ts';
import type { Difference } from './fidelity-case.ts';

const examplesMax = 4;

/** A table as it is: what two of them are compared by. */
export interface Picture {
  /** SHOW CREATE TABLE without the counter. */
  readonly createSql: string;
  /** The next AUTO_INCREMENT, 0 where there is none. */
  readonly counter: number;
  /** One text a row, sorted; each column labelled. */
  readonly rows: readonly string[];
}

/** Reads a table whole. The connection's zone is UTC. */
export async function pictureOf(
  connection: Connection,
  schema: string,
  table: string,
  without: readonly string[] = [],
): Promise<Picture> {
  const name = `${quoteName(schema)}.${quoteName(table)}`;
  const [created] = await runSql(connection, `SHOW CREATE TABLE ${name}`);
  const createSql = String(created?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
  const columns = await runSql(
    connection,
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [schema, table],
  );
  const compared = columns.filter((column) => !without.includes(String(column.name)));
  const parts = compared.map((column, i) => `${exact(column)} AS c${i}`);
  const found = await runSql(connection, `SELECT ${parts.join(', ')} FROM ${name}`);
  const rows = found.map((row) =>
    compared.map(({ name }, i) => `${name}=${row[`c${i}`] ?? 'NULL'}`).join(' '),
  );
  return { createSql, counter: await counterOf(connection, schema, table), rows: rows.sort() };
}

async function counterOf(connection: Connection, schema: string, table: string): Promise<number> {
  const [row] = await runSql(
    connection,
    'SELECT AUTO_INCREMENT AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    [schema, table],
  );
  return Number(row?.n ?? 0);
}

/** SQL that shows a value exactly: what looks alike is alike. */
function exact({ name, type }: Row): string {
  const column = quoteName(String(name));
  switch (String(type).toLowerCase()) {
    case 'enum':
    case 'set':
      return `CONCAT(${column} + 0, ':', HEX(CAST(${column} AS BINARY)))`;
    case 'bit':
      return `CONCAT(${column} + 0)`;
    case 'float':
    case 'double':
      return `CONCAT(${column} + 0e0, ':', HEX(CAST(${column} AS BINARY)))`;
    case 'json':
      return `CONCAT(JSON_TYPE(${column}), ':', HEX(CAST(${column} AS CHAR)))`;
    case 'vector':
      return `HEX(${column})`;
    case 'geometry':
    case 'point':
    case 'linestring':
    case 'polygon':
    case 'multipoint':
    case 'multilinestring':
    case 'multipolygon':
    case 'geometrycollection':
    case 'geomcollection':
      return `CONCAT(ST_SRID(${column}), ':', HEX(ST_AsBinary(${column})))`;
    default: {
      const bytes = `CAST(${column} AS BINARY)`;
      return `IF(LENGTH(${bytes}) > 2000, CONCAT(LENGTH(${bytes}), ':', SHA2(${bytes}, 256)), HEX(${bytes}))`;
    }
  }
}

/** Asserts that a table is what the reference is. */
export function assertSame(ours: Picture, reference: Picture, except?: Difference): void {
  const adapt = except?.definition ?? ((createSql: string) => createSql);
  assert.equal(adapt(ours.createSql), adapt(reference.createSql), 'the definitions differ');
  const [mine, theirs] = [new Set(ours.rows), new Set(reference.rows)];
  const missing = reference.rows.filter((row) => !mine.has(row));
  const extra = ours.rows.filter((row) => !theirs.has(row));
  const cut = (rows: readonly string[]): string =>
    rows
      .slice(0, examplesMax)
      .map((row) => `  ${row.slice(0, 600)}`)
      .join('\n');
  assert.ok(
    missing.length === 0 && extra.length === 0 && ours.rows.length === reference.rows.length,
    `${missing.length} of the reference's ${reference.rows.length} rows are missing:\n${cut(missing)}\n` +
      `${extra.length} of our ${ours.rows.length} rows are not in it:\n${cut(extra)}`,
  );
  if (except?.counter) assert.ok(ours.counter >= reference.counter, 'the counter is lower');
  else assert.equal(ours.counter, reference.counter, 'the counters differ');
}
