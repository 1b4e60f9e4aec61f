import { Bug } from '../base/errors.ts';
import { inetPart, uuidPart } from './codec/address.ts';
import { binaryPart, varbinaryPart } from './codec/binary.ts';
import { decimalPart } from './codec/decimal.ts';
import { bitPart, integerBytes, integerPart, ordinalPart, yearPart } from './codec/integer.ts';
import { type CodecOptions, type OrderedKeyCodec, type PartCodec, refuseType, textOf } from './codec/part.ts';
import { bigintCodec, numberCodec } from './codec/single.ts';
import { temporalPart } from './codec/temporal.ts';
import { textPart } from './codec/text.ts';
import { joinParts, splitParts } from './codec/tuple.ts';
import type { Key } from './key.ts';
import { quoteName } from './quote.ts';
import type { Column } from './table.ts';

export type { CodecOptions, OrderedKeyCodec } from './codec/part.ts';

/**
 * The codec for the columns of a key, in the key's order. Order is always that of the ascending column values: a
 * descending index part changes how the server stores a key, not what `<` and `>` say of it.
 * @throws Refusal `key-type` for a type that cannot be carried exactly.
 */
export function makeKeyCodec(columns: readonly Column[], options: CodecOptions): OrderedKeyCodec {
  const first = columns[0];
  if (first === undefined) throw new Bug('a key has at least one column');
  if (columns.length === 1) {
    const bytes = integerBytes(first);
    if (first.dataType === 'year' || (bytes !== undefined && bytes < 8)) return numberCodec(first);
    if (bytes === 8) return bigintCodec(first);
  }
  return tupleCodec(
    columns,
    columns.map((column) => makePart(column, options)),
  );
}

/**
 * The codec for the same keys in a table that has other names for the key's columns: the ghost. Keys, and so literals,
 * stay those of the original; `chooseMigrationKey` has made sure that they mean the same there.
 */
export function renamedCodec(codec: OrderedKeyCodec, columns: readonly Column[]): OrderedKeyCodec {
  return {
    ...codec,
    columns,
    fromImage: () => {
      throw new Bug("the ghost's row images may be of other types: they need a codec of their own");
    },
    selectExpressions: (qualifier = '') =>
      codec.selectOf(columns.map(({ name }) => qualifier + quoteName(name))),
  };
}

function makePart(column: Column, options: CodecOptions): PartCodec {
  if (integerBytes(column) !== undefined) return integerPart(column);
  switch (column.dataType) {
    case 'year':
      return yearPart(column);
    case 'bit':
      return bitPart(column);
    case 'enum':
    case 'set':
      return ordinalPart(column);
    case 'decimal':
    case 'numeric':
      return decimalPart(column);
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return temporalPart(column, options);
    case 'char':
    case 'varchar':
      return textPart(column, options);
    case 'uuid':
      return uuidPart();
    case 'inet4':
    case 'inet6':
      return inetPart(column);
    case 'binary':
      return binaryPart(column);
    case 'varbinary':
      return varbinaryPart();
    default:
      throw refuseType(column, 'values of this type cannot be carried exactly from the binlog into SQL');
  }
}

function tupleCodec(columns: readonly Column[], parts: readonly PartCodec[]): OrderedKeyCodec {
  const comparable = parts.every((part) => part.comparable);
  const only = parts.length === 1 ? parts[0] : undefined;
  const split = (key: Key): string[] => {
    if (typeof key !== 'string') throw new Bug(`key ${key} is a number, but this key is not one integer`);
    return splitParts(key, parts);
  };
  const selectOf = (refs: readonly string[]) => refs.map((ref, i) => (parts[i] as PartCodec).select(ref));
  return {
    columns,
    comparable,
    fromImage(bytes, starts, ends) {
      if (only !== undefined) {
        const { ordinal } = columns[0] as Column;
        const start = starts[ordinal] as number;
        return start < 0 ? null : only.fromImage(bytes, start, ends[ordinal] as number);
      }
      const encodings: string[] = [];
      for (let i = 0; i < parts.length; i++) {
        const { ordinal } = columns[i] as Column;
        const start = starts[ordinal] as number;
        if (start < 0) return null;
        encodings.push((parts[i] as PartCodec).fromImage(bytes, start, ends[ordinal] as number));
      }
      return joinParts(encodings, parts);
    },
    selectExpressions: (qualifier = '') => selectOf(columns.map(({ name }) => qualifier + quoteName(name))),
    selectOf,
    fromText: (texts) =>
      joinParts(
        parts.map((part, i) => part.fromText(textOf(texts[i]))),
        parts,
      ),
    literals: (key) => split(key).map((encoding, i) => (parts[i] as PartCodec).literal(encoding)),
    orderLiterals: (key) => split(key).map((encoding, i) => (parts[i] as PartCodec).orderLiteral(encoding)),
    compare(a, b) {
      if (!comparable) throw new Bug('only the server can compare these keys (I4)');
      return a < b ? -1 : a > b ? 1 : 0;
    },
  };
}
