import { Failure } from '../../base/errors.ts';
import { quoteTable } from '../../core/quote.ts';
import type { Column, Index, IndexPart, TableDefinition } from '../../core/table.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { numberOrNull, type Row, text, textOrNull } from '../row.ts';
import { ServerError } from '../server-error.ts';
import type { Session } from '../session.ts';
import { findTable, type TableEntry, whereTable } from './table-entry.ts';

const READ_ATTEMPTS = 3;
const NO_SUCH_TABLE = 1146;

/**
 * Reads the definition of a table, an original as well as a ghost.
 * @returns null when there is no such table, or it is a view or a sequence.
 * @throws Failure when somebody alters it all the while; ServerError; SessionError.
 */
export async function readTableDefinition(session: Session, ref: TableRef): Promise<TableDefinition | null> {
  for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
    const entry = await findTable(session, ref);
    if (!entry || (entry.kind !== 'table' && entry.kind !== 'system-versioned')) return null;
    const before = await readCreateSql(session, entry.ref);
    if (before === null) continue;
    const columns = await readColumns(session, entry.ref);
    const indexes = await readIndexes(session, entry.ref);
    const createSql = await readCreateSql(session, entry.ref);
    // The answers are of one moment only if nobody altered the table between them.
    if (createSql !== null && withoutCounter(createSql) === withoutCounter(before)) {
      return definitionOf(entry, columns, indexes, createSql);
    }
  }
  throw new Failure(
    `The definition of ${quoteTable(ref)} changed while it was read, ${READ_ATTEMPTS} times over`,
    {
      hint: 'Somebody is altering the table: start again when that is done.',
    },
  );
}

function definitionOf(
  entry: TableEntry,
  columns: readonly Column[],
  indexes: readonly Index[],
  createSql: string,
): TableDefinition {
  const { ref, engine, partitioned, collation, rowsEstimate, dataBytes, indexBytes } = entry;
  const counted = columns.some((column) => column.autoIncrement);
  return {
    ref,
    engine,
    columns,
    indexes,
    createSql,
    // A table that never had a row may have no counter yet.
    autoIncrement: counted ? (entry.autoIncrement ?? 1n) : null,
    partitioned,
    collation,
    rowsEstimate,
    dataBytes,
    indexBytes,
  };
}

/**
 * A definition without its next AUTO_INCREMENT, which is part of SHOW CREATE TABLE and moves with every
 * INSERT.
 */
export function withoutCounter(createSql: string): string {
  return createSql.replace(/^(\) .*?) AUTO_INCREMENT=\d+/m, '$1');
}

/**
 * What SHOW CREATE TABLE says.
 * @returns null when there is no such table, or it is a view.
 * @throws ServerError, SessionError.
 */
export async function readCreateSql(session: Session, ref: TableRef): Promise<string | null> {
  try {
    const [row] = await session.query(`SHOW CREATE TABLE ${quoteTable(ref)}`);
    return row && 'Create Table' in row ? textOrNull(row, 'Create Table') : null;
  } catch (error) {
    if (error instanceof ServerError && error.errno === NO_SUCH_TABLE) return null;
    throw error;
  }
}

async function readColumns(session: Session, ref: TableRef): Promise<readonly Column[]> {
  const rows = await session.query(
    `SELECT COLUMN_NAME AS column_name, DATA_TYPE AS data_type, COLUMN_TYPE AS column_type,
            IS_NULLABLE AS is_nullable, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation_name,
            CHARACTER_MAXIMUM_LENGTH AS length_chars, CHARACTER_OCTET_LENGTH AS length_bytes,
            NUMERIC_PRECISION AS number_precision, NUMERIC_SCALE AS number_scale,
            DATETIME_PRECISION AS fraction_digits, EXTRA AS extra, COLUMN_DEFAULT AS column_default,
            @@version AS server_version
       FROM information_schema.COLUMNS
      WHERE ${whereTable(ref, 'TABLE_SCHEMA', 'TABLE_NAME')}
      ORDER BY ORDINAL_POSITION`,
  );
  return rows.map(columnOf);
}

function columnOf(row: Row, ordinal: number): Column {
  const dataType = text(row, 'data_type').toLowerCase();
  const columnType = text(row, 'column_type');
  const extra = text(row, 'extra').toLowerCase();
  const exact = dataType !== 'float' && dataType !== 'double';
  const defaultText = textOrNull(row, 'column_default');
  // MariaDB writes expressions, in which a bare NULL is none; MySQL writes values, among them the text NULL.
  const noDefault = defaultText === 'NULL' && /mariadb/i.test(text(row, 'server_version'));
  return {
    name: text(row, 'column_name'),
    ordinal,
    dataType,
    columnType,
    unsigned: /^[^'(]*(\([^']*\))?[^']*\bunsigned\b/i.test(columnType),
    nullable: text(row, 'is_nullable') === 'YES',
    charset: textOrNull(row, 'charset'),
    collation: textOrNull(row, 'collation_name'),
    lengthChars: numberOrNull(row, 'length_chars'),
    lengthBytes: numberOrNull(row, 'length_bytes'),
    precision: exact ? numberOrNull(row, 'number_precision') : null,
    scale: exact ? numberOrNull(row, 'number_scale') : null,
    fractionDigits: numberOrNull(row, 'fraction_digits'),
    generated: generatedAs(extra),
    invisible: /\binvisible\b/.test(extra),
    autoIncrement: /\bauto_increment\b/.test(extra),
    defaultText: noDefault ? null : defaultText,
  };
}

function generatedAs(extra: string): Column['generated'] {
  if (/\bvirtual\b/.test(extra)) return 'virtual';
  // `persistent` is MariaDB's older word.
  return /\b(stored|persistent)\b/.test(extra) ? 'stored' : 'no';
}

async function readIndexes(session: Session, ref: TableRef): Promise<readonly Index[]> {
  // With `*`: EXPRESSION exists on some servers only, and then asking for it by name fails.
  const rows = await session.query(
    `SELECT * FROM information_schema.STATISTICS
      WHERE ${whereTable(ref, 'TABLE_SCHEMA', 'TABLE_NAME')}
      ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  );
  const byName = new Map<string, Row[]>();
  for (const row of rows) {
    const name = text(row, 'INDEX_NAME');
    const parts = byName.get(name);
    if (parts) parts.push(row);
    else byName.set(name, [row]);
  }
  return [...byName].map(([name, parts]) => indexOf(name, parts));
}

function indexOf(name: string, rows: readonly Row[]): Index {
  const first = rows[0]!;
  return {
    name,
    // The server keeps this name for itself, in this spelling.
    primary: name === 'PRIMARY',
    unique: numberOrNull(first, 'NON_UNIQUE') === 0,
    kind: text(first, 'INDEX_TYPE').toUpperCase(),
    parts: rows.map(partOf),
    nullable: rows.some((row) => text(row, 'NULLABLE') === 'YES'),
  };
}

function partOf(row: Row): IndexPart {
  return {
    column: textOrNull(row, 'COLUMN_NAME'),
    expression: 'EXPRESSION' in row ? textOrNull(row, 'EXPRESSION') : null,
    prefixChars: numberOrNull(row, 'SUB_PART'),
    descending: textOrNull(row, 'COLLATION') === 'D',
  };
}
