import type { Column } from '../table.ts';
import { integerBytes } from './integer.ts';
import { labelsOf } from './labels.ts';
import { isNoPad } from './text.ts';

/** How a column's values fare when they are copied into another column by INSERT .. SELECT in strict mode. */
export interface Conversion {
  /** A literal of the original's value finds the row in the ghost too. */
  readonly findable: boolean;
  /** Values that differ in the original differ in the ghost. */
  readonly distinct: boolean;
  /** Equality and order are the same on both sides. */
  readonly sameComparison: boolean;
}

const none: Conversion = { findable: false, distinct: false, sameComparison: false };
const all: Conversion = { findable: true, distinct: true, sameComparison: true };
const temporal = new Set(['date', 'datetime', 'timestamp', 'time']);
const text = new Set(['char', 'varchar']);
const bytes = new Set(['binary', 'varbinary']);

/** What becomes of values of `from` in `to`. Only what is known to be harmless is called so. */
export function conversionOf(from: Column, to: Column): Conversion {
  if (isNumber(from) && isNumber(to)) return digitsOf(from) <= digitsOf(to) ? all : none;
  if (temporal.has(from.dataType) && temporal.has(to.dataType)) return temporalConversion(from, to);
  if (text.has(from.dataType) && text.has(to.dataType)) return textConversion(from, to);
  if (bytes.has(from.dataType) && bytes.has(to.dataType)) return bytesConversion(from, to);
  if (from.dataType !== to.dataType) return none;
  if (from.dataType === 'enum' || from.dataType === 'set') return labelConversion(from, to);
  // YEAR, BIT, UUID, INET4, INET6: too long values are errors in strict mode. What else there is only unchanged.
  return ['year', 'bit', 'uuid', 'inet4', 'inet6'].includes(from.dataType) ||
    from.columnType === to.columnType
    ? all
    : none;
}

function isNumber(column: Column): boolean {
  return integerBytes(column) !== undefined || ['decimal', 'numeric'].includes(column.dataType);
}

/** Digits after the point: those too many are rounded away, digits before it are an error. */
function digitsOf(column: Column): number {
  return integerBytes(column) === undefined ? (column.scale ?? 0) : 0;
}

function temporalConversion(from: Column, to: Column): Conversion {
  const widened = from.dataType === 'date' && to.dataType === 'datetime';
  if (from.dataType !== to.dataType && !widened) return none;
  return (from.fractionDigits ?? 0) <= (to.fractionDigits ?? 0) ? all : none;
}

function textConversion(from: Column, to: Column): Conversion {
  const target = to.collation ?? '';
  const same = from.collation === to.collation;
  const losesSpaces = from.dataType === 'varchar' && to.dataType === 'char' && isNoPad(target);
  const shorter = (to.lengthChars ?? 0) < (from.lengthChars ?? 0);
  // Code points apart stay apart; but trailing spaces that counted must go on counting.
  const finest = target.endsWith('_bin') && (isNoPad(target) || !isNoPad(from.collation ?? ''));
  // Keys that differ in spaces at the end would become one, and deleting one would delete both.
  const padded = isNoPad(from.collation ?? '') && !isNoPad(target);
  return {
    findable: !losesSpaces && !padded,
    distinct: (same || finest) && !losesSpaces && !shorter,
    sameComparison: same && !losesSpaces,
  };
}

function bytesConversion(from: Column, to: Column): Conversion {
  const unpadded = to.dataType === 'varbinary';
  return unpadded || (from.dataType === 'binary' && from.lengthBytes === to.lengthBytes) ? all : none;
}

/** Literals are ordinals: labels may only be added at the end. */
function labelConversion(from: Column, to: Column): Conversion {
  const labels = labelsOf(to.columnType);
  const kept = labelsOf(from.columnType).every((label, i) => label === labels[i]);
  return kept && from.charset === to.charset ? all : none;
}
