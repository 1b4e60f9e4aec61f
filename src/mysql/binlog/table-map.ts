import { Failure } from '../../base/errors.ts';
import { lenencBytes, lenencValue, uint48 } from './bytes.ts';
import { ColumnType, type MappedColumn } from './column-shape.ts';
import { HEADER_BYTES } from './event-type.ts';

/** A TABLE_MAP event: which table an id stands for, and the shape of its row images. */
export interface TableMap {
  readonly tableId: number;
  readonly columns: readonly MappedColumn[];
  /** By column, true where the event says that it is unsigned; null where the event does not tell (MariaDB NO_LOG). */
  readonly unsigned: readonly boolean[] | null;
}

/** Field of the optional metadata that has a bit for each numeric column: set where it is unsigned. */
const SIGNEDNESS_FIELD = 1;

const NUMERIC = new Set<number>([
  ColumnType.Decimal,
  ColumnType.Tiny,
  ColumnType.Short,
  ColumnType.Int24,
  ColumnType.Long,
  ColumnType.LongLong,
  ColumnType.NewDecimal,
  ColumnType.Float,
  ColumnType.Double,
  ColumnType.Year,
]);

/** Offset of the names in a TABLE_MAP event: schema length, schema, 0, table length, table, 0. */
export const NAMES_OFFSET = HEADER_BYTES + 8;

/** The table id of a TABLE_MAP or ROWS event that starts at `start`. */
export function tableIdOf(bytes: Uint8Array, start: number): number {
  return uint48(bytes, start + HEADER_BYTES);
}

/**
 * Reads a TABLE_MAP event at `bytes[start..end)` (checksum excluded).
 * @throws Failure when it does not end where it should.
 */
export function parseTableMap(bytes: Uint8Array, start: number, end: number): TableMap {
  let o = start + NAMES_OFFSET;
  o += bytes[o]! + 2;
  o += bytes[o]! + 2;
  const count = lenencValue(bytes, o);
  o += lenencBytes(bytes, o);
  const types = bytes.subarray(o, o + count);
  o += count;
  const metaEnd = o + lenencBytes(bytes, o) + lenencValue(bytes, o);
  o += lenencBytes(bytes, o);
  const columns: MappedColumn[] = [];
  for (const type of types) {
    const column = mappedColumn(bytes, o, type);
    columns.push(column);
    o += metaBytes(type);
  }
  const optional = metaEnd + ((count + 7) >> 3);
  if (o !== metaEnd || columns.length !== count || !(optional <= end)) {
    throw new Failure('a TABLE_MAP event of the binlog is malformed or of an unknown layout');
  }
  return {
    tableId: tableIdOf(bytes, start),
    columns,
    unsigned: readSignedness(bytes, optional, end, columns),
  };
}

/** Bytes of metadata that a type has in the event. */
function metaBytes(type: number): number {
  switch (type) {
    case ColumnType.Float:
    case ColumnType.Double:
    case ColumnType.Blob:
    case ColumnType.TinyBlob:
    case ColumnType.MediumBlob:
    case ColumnType.LongBlob:
    case ColumnType.Json:
    case ColumnType.Geometry:
    case ColumnType.Vector:
    case ColumnType.Timestamp2:
    case ColumnType.Datetime2:
    case ColumnType.Time2:
    case ColumnType.MariadbBlobCompressed:
      return 1;
    case ColumnType.Varchar:
    case ColumnType.MariadbVarcharCompressed:
    case ColumnType.Bit:
    case ColumnType.NewDecimal:
    case ColumnType.Enum:
    case ColumnType.Set:
    case ColumnType.VarString:
    case ColumnType.String:
      return 2;
    default:
      return 0;
  }
}

function mappedColumn(bytes: Uint8Array, o: number, type: number): MappedColumn {
  const first = bytes[o]!;
  const second = bytes[o + 1]!;
  switch (metaBytes(type)) {
    case 0:
      return { type, meta: 0 };
    case 1:
      return { type, meta: first };
    default:
  }
  switch (type) {
    case ColumnType.Bit:
      return { type, meta: first + second * 8 };
    case ColumnType.NewDecimal:
      return { type, meta: (first << 8) | second };
    case ColumnType.Enum:
    case ColumnType.Set:
    case ColumnType.VarString:
    case ColumnType.String:
      // The first byte is the real type; two of its bits are turned over where the length needs more than a byte.
      if (first === ColumnType.Enum || first === ColumnType.Set) return { type: first, meta: second };
      return { type, meta: (((first << 4) & 0x300) ^ 0x300) + second };
    default:
      return { type, meta: first | (second << 8) };
  }
}

function readSignedness(
  bytes: Uint8Array,
  start: number,
  end: number,
  columns: readonly MappedColumn[],
): readonly boolean[] | null {
  for (let o = start; o < end; ) {
    const field = bytes[o]!;
    const length = lenencValue(bytes, o + 1);
    o += 1 + lenencBytes(bytes, o + 1);
    if (field === SIGNEDNESS_FIELD) {
      let bit = -1;
      return columns.map(({ type }) => {
        if (!NUMERIC.has(type)) return false;
        bit++;
        return ((bytes[o + (bit >> 3)]! >> (7 - (bit & 7))) & 1) === 1;
      });
    }
    o += length;
  }
  return null;
}
