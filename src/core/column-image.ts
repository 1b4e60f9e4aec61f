import { isInstant, kindOf, sameType } from './column-kind.ts';
import type { HashField } from './row-hash.ts';
import type { Column } from './table.ts';

/** A column of one table, as it is compared; `ref` is the quoted column. */
export interface ColumnImage {
  /** SQL of texts that say all of the value: for a strong checksum of rows that are in doubt. */
  text(ref: string): readonly string[];
  /** SQL of a number for the hash of every row. */
  field(ref: string): HashField;
}

/** Of these a value can be longer than a packet: it goes into the strong checksum by its own. */
const long = /^((medium|long)?(text|blob)|json)$/;

/**
 * What of a value goes into the strong checksum: enough that neither NULL and '' and 0 look alike, nor 'a','bc' and
 * 'ab','c'. CONCAT_WS leaves NULLs out, so that each says whether it is one.
 */
export function textsOf(to: Column, value: string, nullable: string | null): string[] {
  const kind = kindOf(to);
  const orNone = (text: string): string => (nullable === null ? text : `IFNULL(${text}, -1)`);
  if (long.test(to.dataType) || kind === 'bytes')
    return [orNone(`CRC32(${value})`), orNone(`LENGTH(${value})`)];
  if (kind === 'text' || kind === 'binary') return [bytesOf(to, value), orNone(`LENGTH(${value})`)];
  return nullable === null ? [value] : [value, `ISNULL(${nullable})`];
}

/** The number itself where the value is one, else CRC32 of its text or bytes. */
export function fieldOf(from: Column, to: Column, value: string, nullable: boolean): HashField {
  const bits = isInstant(from, to) && (to.fractionDigits ?? 0) === 0 ? instantBits : numberBits(to);
  if (bits === null) return { sql: `CRC32(${value})`, bits: 32, nullable };
  // What is converted may be anything before the server has judged it.
  return { sql: value, bits: sameType(from, to) ? bits : 64, nullable };
}

/** Bits of a TIMESTAMP in seconds (MySQL's end in the year 3001). */
const instantBits = 36;
const integerBits: { readonly [type: string]: number } = { tinyint: 8, smallint: 16, mediumint: 24, int: 32 };

function numberBits(column: Column): number | null {
  switch (kindOf(column)) {
    case 'integer':
      return integerBits[column.dataType] ?? 64;
    case 'year':
    case 'enum':
      return 16;
    case 'bit':
    case 'set':
      return 64;
    default:
      return null;
  }
}

/**
 * The bytes of a text. CONCAT_WS takes those of Unicode's UTF-8 as they are, and would convert the others.
 */
function bytesOf(column: Column, value: string): string {
  if (/^(utf8|utf8mb3|utf8mb4|ascii)$/.test(column.charset ?? '')) return value;
  return `CAST(${value} AS BINARY)`;
}
