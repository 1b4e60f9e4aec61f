import type { Random } from './random.ts';

/**
 * A value as the ledger knows it: the text that the server gives for it (`1.50` for a DECIMAL(5,2),
 * `2024-01-31 00:00:00` for a DATETIME in UTC, upper-case hexadecimal digits for a binary column), or null.
 */
export type Text = string | null;

/** A row, or some columns of one, by column name. */
export type TextRow = Readonly<Record<string, Text>>;

/** What the ledger has to know of a table to write to it and to tell afterwards what must be in it. */
export interface LedgerTable {
  readonly database: string;
  readonly name: string;
  /** Columns that identify a row: the primary key or a unique one, of any types that compare exactly. */
  readonly key: readonly string[];
  /** Columns that are compared, the key among them. They must be there before and after the change. */
  readonly columns: readonly string[];
  /** Whether the key is one column that the server counts up: then `makeRow` leaves it out. */
  readonly autoKey?: boolean;
  /** A new row with all of `columns`; `serial` never comes twice. Use it to be unique. */
  makeRow(serial: number, random: Random): TextRow;
  /** New values for some columns of a row: neither key nor counter nor what `swap` swaps. */
  mutate(row: TextRow, serial: number, random: Random): TextRow;
  /** A key that no row has; leave it out where keys shall not be changed. */
  newKey?(serial: number): TextRow;
  /** Unique columns whose values two rows can swap; `park` gives values that no row has. */
  readonly swap?: { readonly columns: readonly string[]; park(serial: number): TextRow };
  /** An integer column that all writers count up in a few hot rows. */
  readonly counter?: string;
  /** What the change makes of a column's values; those not named stay as they are. */
  readonly expect?: Readonly<Record<string, (value: Text, row: TextRow) => Text>>;
}

/** A row's key as one text. */
export function keyText(table: LedgerTable, row: TextRow): string {
  return rowText(table.key, row);
}

/** Some columns of a row as one text; differs between rows that differ. */
export function rowText(columns: readonly string[], row: TextRow): string {
  let text = '';
  for (const column of columns) text += `${row[column] ?? '\u0001NULL'}\u0000`;
  return text;
}

/** The row as it has to be after the change. */
export function expectedRow(table: LedgerTable, row: TextRow): TextRow {
  if (table.expect === undefined) return row;
  const expected: Record<string, Text> = { ...row };
  for (const [column, map] of Object.entries(table.expect)) expected[column] = map(row[column] ?? null, row);
  return expected;
}
