import type { Column, TableDefinition } from '../../core/table.ts';
import { ColumnType, type MappedColumn } from './column-shape.ts';
import type { TableMap } from './table-map.ts';

const { Blob: BLOB, Geometry: GEOMETRY, String: STRING } = ColumnType;

/** The event types that a column of a data type can have. Types that are not listed are not checked. */
const TYPES_OF: Readonly<Record<string, readonly number[]>> = {
  tinyint: [ColumnType.Tiny],
  smallint: [ColumnType.Short],
  mediumint: [ColumnType.Int24],
  int: [ColumnType.Long],
  bigint: [ColumnType.LongLong],
  float: [ColumnType.Float],
  double: [ColumnType.Double],
  decimal: [ColumnType.NewDecimal, ColumnType.Decimal],
  bit: [ColumnType.Bit],
  year: [ColumnType.Year],
  date: [ColumnType.Date, ColumnType.NewDate],
  time: [ColumnType.Time2, ColumnType.Time],
  datetime: [ColumnType.Datetime2, ColumnType.Datetime],
  timestamp: [ColumnType.Timestamp2, ColumnType.Timestamp],
  char: [STRING],
  binary: [STRING],
  varchar: [ColumnType.Varchar, ColumnType.VarString, ColumnType.MariadbVarcharCompressed],
  varbinary: [ColumnType.Varchar, ColumnType.VarString, ColumnType.MariadbVarcharCompressed],
  tinyblob: [BLOB, ColumnType.MariadbBlobCompressed],
  blob: [BLOB, ColumnType.MariadbBlobCompressed],
  mediumblob: [BLOB, ColumnType.MariadbBlobCompressed],
  longblob: [BLOB, ColumnType.MariadbBlobCompressed],
  tinytext: [BLOB, ColumnType.MariadbBlobCompressed],
  text: [BLOB, ColumnType.MariadbBlobCompressed],
  mediumtext: [BLOB, ColumnType.MariadbBlobCompressed],
  longtext: [BLOB, ColumnType.MariadbBlobCompressed],
  // On MariaDB JSON is another word for LONGTEXT.
  json: [ColumnType.Json, BLOB],
  enum: [ColumnType.Enum],
  set: [ColumnType.Set],
  geometry: [GEOMETRY],
  point: [GEOMETRY],
  linestring: [GEOMETRY],
  polygon: [GEOMETRY],
  multipoint: [GEOMETRY],
  multilinestring: [GEOMETRY],
  multipolygon: [GEOMETRY],
  geomcollection: [GEOMETRY],
  geometrycollection: [GEOMETRY],
  uuid: [STRING],
  inet4: [STRING],
  inet6: [STRING],
};

/** Bytes of the length of a BLOB or TEXT by data type. */
const BLOB_PREFIX: Readonly<Record<string, number>> = {
  tinyblob: 1,
  tinytext: 1,
  blob: 2,
  text: 2,
  mediumblob: 3,
  mediumtext: 3,
  longblob: 4,
  longtext: 4,
};

/**
 * Compares a TABLE_MAP with the definition that the tool works with.
 * @returns what differs, in words; null where they agree as far as the event can tell (it has no names).
 */
export function disagreement(map: TableMap, definition: TableDefinition): string | null {
  const { columns } = definition;
  if (map.columns.length !== columns.length) {
    return `the binlog has ${map.columns.length} columns, the definition ${columns.length}`;
  }
  for (const [i, column] of columns.entries()) {
    const mapped = map.columns[i]!;
    const unsigned = map.unsigned === null || !isInteger(mapped.type) ? null : map.unsigned[i]!;
    const detail = columnDisagreement(mapped, unsigned, column);
    if (detail !== null) return `column ${i + 1} (${column.name}, ${column.columnType}): ${detail}`;
  }
  return null;
}

function columnDisagreement(mapped: MappedColumn, unsigned: boolean | null, column: Column): string | null {
  const { type, meta } = mapped;
  const types = TYPES_OF[column.dataType];
  if (types !== undefined && !types.includes(type)) return `the binlog has type code ${type}`;
  if (unsigned !== null && unsigned !== column.unsigned) {
    return `the binlog has it ${unsigned ? 'unsigned' : 'signed'}`;
  }
  const expected = types === undefined ? null : expectedMeta(type, column);
  return expected === null || expected === meta
    ? null
    : `the binlog has length or precision ${meta}, not ${expected}`;
}

/** The metadata that the event should have; null where that cannot be told. */
function expectedMeta(type: number, column: Column): number | null {
  switch (type) {
    case ColumnType.Varchar:
      return column.lengthBytes;
    case ColumnType.String:
      return column.dataType === 'char' || column.dataType === 'binary' ? column.lengthBytes : null;
    case ColumnType.Bit:
      return column.precision;
    case ColumnType.NewDecimal:
      return column.precision === null || column.scale === null
        ? null
        : (column.precision << 8) | column.scale;
    case ColumnType.Time2:
    case ColumnType.Datetime2:
    case ColumnType.Timestamp2:
      return column.fractionDigits;
    case ColumnType.Blob:
      return BLOB_PREFIX[column.dataType] ?? null;
    default:
      return null;
  }
}

function isInteger(type: number): boolean {
  return (
    type === ColumnType.Tiny ||
    type === ColumnType.Short ||
    type === ColumnType.Int24 ||
    type === ColumnType.Long ||
    type === ColumnType.LongLong
  );
}
