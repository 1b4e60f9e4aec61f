import { UsageError } from '../base/errors.ts';
import type { TableRef } from './table-ref.ts';

/** The longest name of a schema, table, column or index, in characters. */
export const NAME_CHARACTERS_MAX = 64;

/** Printable ASCII without the backslash (an escape or not, as sql_mode says) and `?` (a driver's placeholder). */
const PLAIN = /^[ -[\]-~]*$/;

/**
 * A name as SQL, in backticks, which are right with and without ANSI_QUOTES.
 * @throws UsageError when no name can look like this: empty, longer than 64 characters, or with NUL in it.
 */
export function quoteName(name: string): string {
  if (name === '') throw new UsageError('A name must not be empty');
  if (name.includes('\0')) throw new UsageError(`The name ${JSON.stringify(name)} contains NUL`);
  if (lengthOf(name) > NAME_CHARACTERS_MAX) {
    throw new UsageError(`The name '${name}' is longer than ${NAME_CHARACTERS_MAX} characters`);
  }
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * The full name of a table as SQL.
 * @throws UsageError as `quoteName` does.
 */
export function quoteTable(table: TableRef): string {
  return `${quoteName(table.schema)}.${quoteName(table.name)}`;
}

/**
 * A text as a literal that means the same under every sql_mode (NO_BACKSLASH_ESCAPES, ANSI_QUOTES) and every
 * connection character set. Plain ASCII comes in single quotes, everything else as `_utf8mb4 x'..'`.
 * COMMENT clauses take no hex literal: use plain text there. The hex form has utf8mb4's default collation: compare
 * it with columns, not with other literals, whose collation is the connection's.
 * @throws UsageError when the text is not Unicode (half of a surrogate pair).
 */
export function quoteText(text: string): string {
  if (PLAIN.test(text) && !text.includes('?')) return `'${text.replaceAll("'", "''")}'`;
  if (/\p{Surrogate}/u.test(text)) throw new UsageError('A text contains half of a surrogate pair');
  return `_utf8mb4 x'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

/** The length in characters as the server counts them (code points, not UTF-16 units). */
export function lengthOf(name: string): number {
  return Array.from(name).length;
}
