import { Refusal } from '../base/errors.ts';
import type { Column } from './table.ts';

/** A column of the ghost that is filled with a constant while rows are copied. */
export interface FilledColumn {
  readonly column: string;
  /** SQL literal. */
  readonly literal: string;
}

const zeroes: { readonly [type: string]: string } = {
  date: "'0000-00-00'",
  datetime: "'0000-00-00 00:00:00'",
  timestamp: "'0000-00-00 00:00:00'",
  time: "'00:00:00'",
  year: '0',
  enum: '1',
  set: "''",
  json: "'null'",
  uuid: "'00000000-0000-0000-0000-000000000000'",
  inet4: "'0.0.0.0'",
  inet6: "'::'",
};

const strings = /^(char|varchar|binary|varbinary|(tiny|medium|long)?(text|blob))$/;
const numbers = /^(tinyint|smallint|mediumint|int|bigint|decimal|float|double|bit)$/;

/**
 * The values that the server's own ALTER gives to existing rows in a new NOT NULL column without a default:
 * the implicit default of the type (MySQL manual, "Data Type Default Values"). A strict INSERT that leaves
 * such a column out would fail. Types without an implicit default (GEOMETRY, VECTOR) are left to the server,
 * which refuses them as its ALTER would.
 * @param added names of the ghost's columns that take nothing from the original.
 */
export function implicitDefaults(columns: readonly Column[], added: readonly string[]): FilledColumn[] {
  const filled: FilledColumn[] = [];
  for (const column of columns) {
    const needs =
      added.includes(column.name) &&
      !column.nullable &&
      column.defaultText === null &&
      column.generated === 'no' &&
      !column.autoIncrement;
    if (!needs) continue;
    const literal = zeroes[column.dataType] ?? (numbers.test(column.dataType) ? '0' : null);
    if (literal !== null) filled.push({ column: column.name, literal });
    else if (strings.test(column.dataType)) filled.push({ column: column.name, literal: "''" });
  }
  return filled;
}

/**
 * Existing rows would get zero dates. Under NO_ZERO_DATE the server's own ALTER fails then; our sessions are
 * without that mode, for the sake of zero dates that are there.
 * @param sqlMode the server's global one.
 * @throws Refusal `zero-date`.
 */
export function refuseZeroDates(filled: readonly FilledColumn[], sqlMode: string): void {
  if (!/\bNO_ZERO_DATE\b/i.test(sqlMode)) return;
  const zero = filled.find(({ literal }) => literal.startsWith("'0000-00-00"));
  if (zero === undefined) return;
  throw new Refusal(
    'zero-date',
    `existing rows would get ${zero.literal} in the new column ${zero.column}, which NO_ZERO_DATE ` +
      "in the server's sql_mode forbids",
    { hint: 'Give the column a DEFAULT, let it be NULL, or say --allow-zero-in-date.' },
  );
}
