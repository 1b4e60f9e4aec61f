import type { Mapping } from './mapping.ts';
import { quoteName } from './quote.ts';
import type { Column, TableDefinition } from './table.ts';

const words = /^(char|varchar|binary|varbinary|(tiny|medium|long)?(text|blob)|enum|set|json)$/;
const blob = /^((tiny|medium|long)?(text|blob)|json)$/;

/**
 * The SQL that reads a value of `from` so that its INSERT into `to` stores, or refuses, what the server's own
 * ALTER would. Mostly that is the bare column. Not so (all measured, MySQL 9.7 and MariaDB 10.11):
 *
 *  - Numbers that become text: an ALTER writes them as they are shown, an INSERT .. SELECT what they are:
 *    FLOAT 0.1 as '0.10000000149011612', INT(5) ZEROFILL 7 as '7', YEAR 0 as '0'.
 *  - TEXT and BLOB that become shorter ones: INSERT .. SELECT of MariaDB, strict or not, stores a value that
 *    is too long with its length modulo 2^8, 2^16 or 2^24, without a warning: 256 bytes in a TINYTEXT are ''.
 *    Not so for an expression.
 *  - VARCHAR that becomes shorter: an ALTER fails where trailing spaces would be lost, MariaDB's INSERT ..
 *    SELECT notes it. With one character more that is no space it fails too.
 * @param ref the quoted column, qualified or not.
 */
export function copiedValue(from: Column, to: Column, ref: string): string {
  const shown = /^(float|year)$/.test(from.dataType) || /\bzerofill\b/i.test(from.columnType);
  if (shown && words.test(to.dataType)) return `CAST(${ref} AS CHAR)`;
  if (blob.test(from.dataType) && blob.test(to.dataType) && isShorter(from.lengthBytes, to.lengthBytes))
    return `CONCAT(${ref})`;
  const varchars = from.dataType === 'varchar' && to.dataType === 'varchar' && from.charset === to.charset;
  if (varchars && isShorter(from.lengthChars, to.lengthChars))
    return `IF(CHAR_LENGTH(${ref}) > ${to.lengthChars}, CONCAT(${ref}, 'x'), ${ref})`;
  return ref;
}

function isShorter(from: number | null, to: number | null): boolean {
  return from !== null && to !== null && to < from;
}

/**
 * The SQL of each shared column that is not read as it is, by its name in the original.
 * @param lossy columns of the ghost that may lose data.
 */
export function copiedValues(
  original: TableDefinition,
  ghost: TableDefinition,
  { shared }: Mapping,
  flavor: 'mysql' | 'mariadb',
  lossy: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of shared) {
    const from = original.columns.find(({ name }) => name === pair.from);
    const to = ghost.columns.find(({ name }) => name === pair.to);
    const ref = quoteName(pair.from);
    let value = from && to ? copiedValue(from, to, ref) : ref;
    const guarded = flavor === 'mariadb' && !lossy.has(pair.to);
    if (guarded && from?.nullable && to && to.dataType === 'timestamp' && !to.nullable)
      value = withoutNull(ref, value);
    if (value !== ref) values.set(pair.from, value);
  }
  return values;
}

/**
 * The value, and an error where it is NULL: MariaDB, strict or not, would put the time of the clock into a
 * TIMESTAMP NOT NULL. The message of an integer overflow shows its expression, and so the column.
 */
function withoutNull(ref: string, value: string): string {
  return `IF(9223372036854775807 + (${ref} IS NULL) > 0, ${value}, ${value})`;
}
