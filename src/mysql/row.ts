import { Bug } from '../base/errors.ts';

/**
 * A value as a session hands it out: integers up to 32 bits and floats are numbers; BIGINT, DECIMAL, JSON and
 * everything temporal are strings exactly as the server wrote them; binary strings and BIT are Buffers.
 */
export type Value = string | number | Buffer | null;

/** A row by the names (or aliases) of its columns. */
export type Row = Readonly<Record<string, Value>>;

/**
 * The text in a column of a row; binary strings (some views of the catalogue have them) are UTF-8.
 * @throws Bug when the row has no such column.
 */
export function textOrNull(row: Row, name: string): string | null {
  const value = row[name];
  if (value === undefined) throw new Bug(`No column ${name} in the row`);
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
}

/** The text in a column that is not NULL; NULL reads as the empty string. */
export function text(row: Row, name: string): string {
  return textOrNull(row, name) ?? '';
}

/** A number that is known to be small enough for one; NULL reads as null. */
export function numberOrNull(row: Row, name: string): number | null {
  const value = textOrNull(row, name);
  return value === null ? null : Number(value);
}
