import { labelsOf } from './codec/labels.ts';
import { type ColumnImage, fieldOf, textsOf } from './column-image.ts';
import { isInstant, type Kind, kindOf, sameType } from './column-kind.ts';
import { quoteText } from './quote.ts';
import type { Column } from './table.ts';

/**
 * A column of the original beside the one of the ghost that it was copied into, and how the two are compared.
 */
export interface ComparedColumn {
  readonly from: Column;
  readonly to: Column;
  /** The value of the original as the ghost stores it. */
  readonly source: ColumnImage;
  /** The value that the ghost has. Equal texts mean: the ghost holds what the ALTER means. */
  readonly ghost: ColumnImage;
}

/**
 * How one column is compared, or null where that cannot be said: TIME that becomes DATETIME depends on the
 * day on which it was converted, and unknown types are unknown.
 *
 * The original's value is converted by the server, as its INSERT .. SELECT would; where an expression for
 * that is not exact in some corner (rounding of doubles, an ENUM from words), rows that it takes for
 * different are judged by the conversion itself (src/mysql/verify-store.ts): an image may be too strict,
 * never too lax. Per type:
 *
 *  - integers, YEAR, BIT   the number (ZEROFILL is how it is shown, not what it is)
 *  - DECIMAL               rounded to the ghost's scale by CAST
 *  - FLOAT, DOUBLE         as doubles, all digits; rounded to FLOAT first where the ghost has that
 *  - texts                 in the ghost's character set, with their length in bytes; cut and trimmed as
 *    CHAR(n) does
 *  - binaries              bytes and length, padded for BINARY(n)
 *  - ENUM, SET             the number where the labels are the same; else the place of the label among the
 *    ghost's
 *  - temporals             as text, rounded (MariaDB: cut) by CAST; TIMESTAMP that stays one as seconds, in
 *    any zone
 *  - JSON                  its text image, by its own checksum
 *  - GEOMETRY, VECTOR      the bytes stored (GEOMETRY: SRID and WKB)
 *  - UUID, INET4, INET6    as text
 */
export function compareColumns(from: Column, to: Column): ComparedColumn | null {
  const converted = sourceValue(from, to);
  if (converted === null) return null;
  const nullable = from.nullable || to.nullable;
  const image = (value: Value, ownNullable: boolean): ColumnImage => ({
    text: (ref) => textsOf(to, value(ref), nullable ? ref : null),
    field: (ref) => fieldOf(from, to, value(ref), ownNullable || !isTotal(value)),
  });
  return {
    ...{ from, to },
    source: image(converted, from.nullable),
    ghost: image(ghostValue(from, to), to.nullable),
  };
}

type Value = (ref: string) => string;
const plain: Value = (ref) => ref;
/** Not `+ 0`: MySQL adds to a SET as to a double, and of 64 labels the last would be lost. */
const number: Value = (ref) => `(${ref} | 0)`;
const double: Value = (ref) => `(${ref} + 0e0)`;

/** These make nothing NULL that was not: of others (CAST, CONVERT) nobody knows. */
function isTotal(value: Value): boolean {
  return value === plain || value === number || value === double || value === seconds;
}

/** What the ghost stores, in a form that does not depend on how the column is shown. */
function ghostValue(from: Column, to: Column): Value {
  switch (kindOf(to)) {
    case 'integer':
      return isZerofill(to) ? number : plain;
    case 'decimal':
      return isZerofill(to) ? castTo(decimalOf(to)) : plain;
    case 'float':
    case 'double':
      return double;
    case 'bit':
    case 'year':
    case 'enum':
    case 'set':
      return number;
    case 'temporal':
      return isInstant(from, to) ? seconds : plain;
    default:
      return plain;
  }
}

/** The original's value as the ghost's column would store it; null where nobody can tell. */
function sourceValue(from: Column, to: Column): Value | null {
  const [source, target] = [kindOf(from), kindOf(to)];
  if (source === undefined || target === undefined) {
    return from.columnType === to.columnType ? plain : null;
  }
  switch (target) {
    case 'integer':
      return toInteger(from, to, source);
    case 'decimal':
      return source === 'decimal' && sameType(from, to) ? ghostValue(from, to) : castTo(decimalOf(to));
    case 'float':
    case 'double':
      return toFloat(from, to);
    case 'bit':
      return ['bit', 'integer', 'year'].includes(source) ? number : castTo('UNSIGNED');
    case 'year':
      return source === 'year' ? number : fullYear;
    case 'text':
      return toText(from, to, source);
    case 'binary':
      return toBinary(from, to, source);
    case 'enum':
    case 'set':
      return toLabels(from, to);
    case 'temporal':
      return toTemporal(from, to);
    case 'json':
      return source === 'json' ? plain : (ref) => `CAST(${ref} AS JSON)`;
    case 'bytes':
      return source === 'bytes' ? plain : null;
    case 'words':
      if (from.dataType === to.dataType) return plain;
      return (ref) => `CAST(${ref} AS ${to.dataType.toUpperCase()})`;
  }
}

function toInteger(from: Column, to: Column, source: Kind): Value {
  if (source === 'integer') return isZerofill(from) ? number : plain;
  if (source === 'bit' || source === 'year' || source === 'enum' || source === 'set') return number;
  if (source === 'temporal') return (ref) => castTo(signOf(to))(`(${ref} + 0)`);
  // ROUND goes by halves as the store of the value does: DECIMAL away from zero, doubles to even.
  return (ref) => castTo(signOf(to))(`ROUND(${ref})`);
}

function toFloat(from: Column, to: Column): Value {
  const digits = /\(\d+,(\d+)\)/.exec(to.columnType)?.[1];
  const rounded: Value = digits === undefined ? plain : (ref) => `ROUND(${ref}, ${digits})`;
  if (sameType(from, to) || (from.dataType === 'float' && digits === undefined)) return double;
  if (kindOf(to) === 'float') return (ref) => double(`CAST(${rounded(double(ref))} AS FLOAT)`);
  return (ref) => double(rounded(ref));
}

function toText(from: Column, to: Column, source: Kind): Value {
  const inCharset: Value = (ref) => `CONVERT(${ref} USING ${to.charset})`;
  let value: Value = plain;
  if (source === 'text' || source === 'enum' || source === 'set') {
    if (from.charset !== to.charset) value = inCharset;
    else if (source !== 'text') value = (ref) => `CAST(${ref} AS CHAR)`;
  } else if (source !== 'binary' && source !== 'bytes') value = (ref) => inCharset(`CAST(${ref} AS CHAR)`);
  // CHAR comes without its trailing spaces, and what is cut off in strict mode can only be spaces.
  const limit = to.dataType === 'char' || to.dataType === 'varchar' ? to.lengthChars : null;
  const cut = limit !== null && source !== 'binary' && (from.lengthChars ?? Infinity) > limit;
  const fitted: Value = cut ? (ref) => `LEFT(${value(ref)}, ${limit})` : value;
  if (to.dataType !== 'char' || from.dataType === 'char') return fitted;
  return (ref) => `TRIM(TRAILING ' ' FROM ${fitted(ref)})`;
}

function toBinary(from: Column, to: Column, source: Kind): Value | null {
  const asBytes: Value =
    source === 'binary' ? plain : source === 'text' || source === 'bytes' ? castTo('BINARY') : castTo('CHAR');
  if (to.dataType !== 'binary') return asBytes;
  const length = to.lengthBytes ?? 1;
  if (sameType(from, to)) return plain;
  return (ref) => `RPAD(${asBytes(ref)}, ${length}, x'00')`;
}

function toLabels(from: Column, to: Column): Value {
  const same = from.dataType === to.dataType && from.columnType === to.columnType;
  if (same && from.charset === to.charset) return number;
  const labels = labelsOf(to.columnType).map(quoteText);
  const word: Value = (ref) => `CONVERT(${ref} USING ${to.charset}) COLLATE ${to.collation}`;
  const orNull = (ref: string, value: string): string => `IF(${ref} IS NULL, NULL, ${value})`;
  // The place of the label in the ghost's list: 0 for the empty value, as ENUM numbers it.
  if (to.dataType === 'enum') return (ref) => orNull(ref, `FIELD(${word(ref)}, ${labels.join(', ')})`);
  return (ref) => {
    const bits = labels.map((label, i) => `IF(FIND_IN_SET(${label}, ${word(ref)}), ${1n << BigInt(i)}, 0)`);
    return orNull(ref, `(${bits.join(' | ')})`);
  };
}

function toTemporal(from: Column, to: Column): Value | null {
  if (isInstant(from, to)) return seconds;
  if (from.dataType === 'time' && to.dataType !== 'time') return null;
  const fraction = to.fractionDigits ?? 0;
  if (from.dataType === to.dataType && (from.fractionDigits ?? 0) === fraction) return plain;
  const type = to.dataType === 'timestamp' ? 'DATETIME' : to.dataType.toUpperCase();
  return castTo(type === 'DATE' ? type : `${type}(${fraction})`);
}

/** Seconds since the epoch: where a zone has an hour twice, two instants have one text. */
const seconds: Value = (ref) => `UNIX_TIMESTAMP(${ref})`;
const fullYear: Value = (ref) =>
  `IF(${ref} BETWEEN 1 AND 69, 2000 + ${ref}, IF(${ref} BETWEEN 70 AND 99, 1900 + ${ref}, ${ref} + 0))`;

function castTo(type: string): Value {
  return (ref) => `CAST(${ref} AS ${type})`;
}

function decimalOf({ precision, scale }: Column): string {
  return `DECIMAL(${precision ?? 10},${scale ?? 0})`;
}

function signOf(column: Column): string {
  return column.unsigned ? 'UNSIGNED' : 'SIGNED';
}

function isZerofill(column: Column): boolean {
  return /\bzerofill\b/i.test(column.columnType);
}
