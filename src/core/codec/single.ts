import { Bug } from '../../base/errors.ts';
import type { Key } from '../key.ts';
import { quoteName } from '../quote.ts';
import type { Column } from '../table.ts';
import { integerPart } from './integer.ts';
import { checkWidth, integerTextOf, type OrderedKeyCodec } from './part.ts';

const selectOf = (refs: readonly string[]) => refs.map((ref) => `CAST(${ref} AS CHAR)`);

type ReadNumber = (bytes: Buffer, start: number) => number;

/** The codec of one integer column up to INT, or YEAR: the key is the number itself. */
export function numberCodec(column: Column): OrderedKeyCodec {
  const [width, read] = numberReader(column);
  return {
    columns: [column],
    comparable: true,
    fromImage(bytes, starts, ends) {
      const start = starts[column.ordinal] as number;
      if (start < 0) return null;
      checkWidth(column, start, ends[column.ordinal] as number, width);
      return read(bytes, start);
    },
    selectExpressions: (qualifier = '') => selectOf([qualifier + quoteName(column.name)]),
    selectOf,
    fromText: ([text]) => asSafe(Number(integerTextOf(text))),
    literals: (key) => [String(asSafe(key))],
    orderLiterals: (key) => [String(asSafe(key))],
    compare: (a, b) => asSafe(a) - asSafe(b),
  };
}

function numberReader(column: Column): [number, ReadNumber] {
  const { unsigned } = column;
  switch (column.dataType) {
    case 'tinyint':
      return [1, unsigned ? (b, at) => b[at] as number : (b, at) => b.readInt8(at)];
    case 'smallint':
      return [2, unsigned ? (b, at) => b.readUInt16LE(at) : (b, at) => b.readInt16LE(at)];
    case 'mediumint':
      return [3, unsigned ? (b, at) => b.readUIntLE(at, 3) : (b, at) => b.readIntLE(at, 3)];
    case 'int':
    case 'integer':
      return [4, unsigned ? (b, at) => b.readUInt32LE(at) : (b, at) => b.readInt32LE(at)];
    case 'year':
      return [1, (b, at) => (b[at] === 0 ? 0 : 1900 + (b[at] as number))];
    default:
      throw new Bug(`a key of ${column.columnType} is not a number`);
  }
}

function asSafe(key: Key): number {
  if (typeof key === 'number' && Number.isSafeInteger(key)) return key;
  throw new Bug(`key '${key}' is not an integer`);
}

/**
 * The codec of one BIGINT column: a number where the value is a safe integer, else its 8 bytes as `integerPart` has
 * them. So every value has exactly one form, and all strings lie outside of all numbers.
 */
export function bigintCodec(column: Column): OrderedKeyCodec {
  const part = integerPart(column);
  const literals = (key: Key) => [typeof key === 'number' ? String(key) : part.literal(key)];
  return {
    columns: [column],
    comparable: true,
    fromImage(bytes, starts, ends) {
      const start = starts[column.ordinal] as number;
      if (start < 0) return null;
      const end = ends[column.ordinal] as number;
      checkWidth(column, start, end, 8);
      const high = column.unsigned ? bytes.readUInt32LE(start + 4) : bytes.readInt32LE(start + 4);
      // Exact up to 2^53; rounding never brings an unsafe value back into the safe range.
      const value = high * 0x1_0000_0000 + bytes.readUInt32LE(start);
      return Number.isSafeInteger(value) ? value : part.fromImage(bytes, start, end);
    },
    selectExpressions: (qualifier = '') => selectOf([qualifier + quoteName(column.name)]),
    selectOf,
    fromText([value]) {
      const text = integerTextOf(value);
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : part.fromText(text);
    },
    literals,
    orderLiterals: literals,
    compare(a, b) {
      const bySide = side(a, column.unsigned) - side(b, column.unsigned);
      return bySide !== 0 ? bySide : a < b ? -1 : a > b ? 1 : 0;
    },
  };
}

/** -1 below the safe integers, 0 among them, 1 above. */
function side(key: Key, unsigned: boolean): number {
  if (typeof key === 'number') return 0;
  return !unsigned && key.charCodeAt(0) < 0x80 ? -1 : 1;
}
