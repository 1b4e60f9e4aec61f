import type { Connection } from 'mysql2/promise';
import { type Flavor, quoteName, runSql } from '../lab/lab.ts';
import type { LedgerTable, Text, TextRow } from '../lab/ledger-table.ts';
import type { Random } from '../lab/random.ts';
import { columnKinds, type SoakColumn, valueFor } from './columns.ts';
import { type KeyKind, keyKinds } from './keys.ts';

/**
 * A random table. Besides what the ledger writes it has `spare`, which nobody misses, and `twin`, which writers never
 * mention: 7 in their rows, and in those of the start the checksum of `tag`, so that it can be told under any name.
 */
export interface RandomTable {
  readonly name: string;
  readonly key: KeyKind;
  readonly columns: readonly SoakColumn[];
  /** Values that two rows swap: kept unique by an index, or by the writers' care only, or not there. */
  readonly slot: 'unique' | 'index' | 'none';
  readonly charset: string;
  readonly rows: number;
}

/** What `makeRandomTable` is told. */
export interface TableSpec {
  readonly flavor: Flavor;
  readonly name: string;
  readonly rows: number;
}

const INSERT_ROWS = 500;
/** Where two rows of a swap are for a moment. */
const PARKED = 2_000_000_000;

/** Decides on a table. */
export function makeRandomTable(spec: TableSpec, random: Random): RandomTable {
  const kinds = columnKinds(spec.flavor);
  const count = 1 + random.below(6);
  const columns = Array.from({ length: count }, (_, i) => ({
    name: `v${i}`,
    kind: random.pick(kinds),
    nullable: random.next() < 0.5,
  }));
  return {
    name: spec.name,
    key: random.pick(keyKinds(spec.flavor)),
    columns,
    slot: random.pick(['unique', 'unique', 'index', 'none'] as const),
    charset: random.pick(['utf8mb4', 'utf8mb4', 'latin1']),
    rows: spec.rows,
  };
}

/** The statement that creates it. */
export function createSql(table: RandomTable, database: string): string {
  const { key, columns, slot } = table;
  const lines = [
    ...key.columns.map(({ name, type }) => `${name} ${type}`),
    'tag VARCHAR(40) NOT NULL',
    ...columns.map(({ name, kind, nullable }) => `${name} ${kind.type} ${nullable ? 'NULL' : 'NOT NULL'}`),
    "spare VARCHAR(20) NOT NULL DEFAULT 'spare'",
    'twin INT UNSIGNED NOT NULL DEFAULT 7',
    ...(slot === 'none' ? [] : ['slot BIGINT NOT NULL']),
    'hits INT NOT NULL DEFAULT 0',
    `PRIMARY KEY (${key.columns.map(({ name }) => name).join(', ')})`,
    'KEY tag_i (tag)',
    ...(slot === 'none' ? [] : [`${slot === 'unique' ? 'UNIQUE ' : ''}KEY slot_i (slot)`]),
  ];
  const target = `${quoteName(database)}.${quoteName(table.name)}`;
  return `CREATE TABLE ${target} (${lines.join(', ')}) ENGINE=InnoDB DEFAULT CHARSET=${table.charset}`;
}

/** Creates and fills it. */
export async function createRandomTable(
  connection: Connection,
  table: RandomTable,
  database: string,
  random: Random,
): Promise<void> {
  await runSql(connection, "SET NAMES utf8mb4, time_zone = '+00:00'");
  await runSql(connection, createSql(table, database));
  const target = `${quoteName(database)}.${quoteName(table.name)}`;
  const names = columnNames(table);
  for (let first = 0; first < table.rows; first += INSERT_ROWS) {
    const rows: string[] = [];
    for (let i = first; i < Math.min(first + INSERT_ROWS, table.rows); i++) {
      const row = { ...table.key.key(2 * i + 1), ...body(table, `r${i}`, i, random) };
      rows.push(`(${names.map((name) => literal(connection, table, name, row[name] ?? null)).join(', ')})`);
    }
    await runSql(connection, `INSERT INTO ${target} (${names.join(', ')}) VALUES ${rows.join(', ')}`);
  }
  await runSql(connection, `UPDATE ${target} SET twin = CRC32(tag)`);
}

/** What the ledger has to know of it. */
export function ledgerTableOf(
  table: RandomTable,
  database: string,
  expect: NonNullable<LedgerTable['expect']>,
): LedgerTable {
  const { key, columns, slot, rows } = table;
  const keys = key.columns.map(({ name }) => name);
  return {
    ...{ database, name: table.name, key: keys, columns: columnNames(table), expect, counter: 'hits' },
    ...(key.auto ? { autoKey: true } : {}),
    // Rows of the start have odd numbers.
    makeRow: (serial, random) => ({
      ...(key.auto ? {} : key.key(2 * serial)),
      ...body(table, `w${serial}`, rows + serial, random),
    }),
    mutate: (_, serial, random) => mutation(columns, serial, random),
    newKey: (serial) => key.key(2 * serial),
    ...(slot === 'none'
      ? {}
      : { swap: { columns: ['slot'], park: (serial: number) => ({ slot: String(PARKED + serial) }) } }),
  };
}

function mutation(columns: readonly SoakColumn[], serial: number, random: Random): TextRow {
  const first = columns[serial % columns.length] as SoakColumn;
  const changed = columns.filter((column) => column === first || random.next() < 0.3);
  return Object.fromEntries(changed.map((column) => [column.name, valueFor(column, random)]));
}

function columnNames({ key, columns, slot }: RandomTable): string[] {
  const keys = key.columns.map(({ name }) => name);
  const values = columns.map(({ name }) => name);
  return [...keys, 'tag', ...values, ...(slot === 'none' ? [] : ['slot']), 'hits'];
}

function body(table: RandomTable, tag: string, slot: number, random: Random): Record<string, Text> {
  const values = table.columns.map((column): [string, Text] => [column.name, valueFor(column, random)]);
  return {
    tag,
    ...Object.fromEntries(values),
    ...(table.slot === 'none' ? {} : { slot: String(slot) }),
    hits: '0',
  };
}

function literal(connection: Connection, table: RandomTable, name: string, value: Text): string {
  if (value === null) return 'NULL';
  const type =
    table.columns.find((column) => column.name === name)?.kind.type ??
    table.key.columns.find((column) => column.name === name)?.type ??
    '';
  if (/BINARY|BLOB/.test(type)) return value === '' ? "''" : `0x${value}`;
  return type.startsWith('BIT') ? value : connection.escape(value);
}
