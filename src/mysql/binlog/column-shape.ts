import { Failure } from '../../base/errors.ts';

/** Codes of column types in a TABLE_MAP: `enum_field_types`, with MariaDB's compressed ones. */
export const ColumnType = {
  Decimal: 0,
  Tiny: 1,
  Short: 2,
  Long: 3,
  Float: 4,
  Double: 5,
  Null: 6,
  Timestamp: 7,
  LongLong: 8,
  Int24: 9,
  Date: 10,
  Time: 11,
  Datetime: 12,
  Year: 13,
  NewDate: 14,
  Varchar: 15,
  Bit: 16,
  Timestamp2: 17,
  Datetime2: 18,
  Time2: 19,
  MariadbBlobCompressed: 140,
  MariadbVarcharCompressed: 141,
  Vector: 242,
  Json: 245,
  NewDecimal: 246,
  Enum: 247,
  Set: 248,
  TinyBlob: 249,
  MediumBlob: 250,
  LongBlob: 251,
  Blob: 252,
  VarString: 253,
  String: 254,
  Geometry: 255,
} as const;

/** A column as a TABLE_MAP has it. */
export interface MappedColumn {
  readonly type: number;
  /** Length, precision or the like: means something else for each type. */
  readonly meta: number;
}

/** How long a value is in a row image: `fixed` bytes where `prefix` is 0, else a length of `prefix` bytes and the bytes. */
export interface ColumnShape {
  readonly fixed: number;
  readonly prefix: number;
}

const fixedShape = (fixed: number): ColumnShape => ({ fixed, prefix: 0 });
const prefixedShape = (prefix: number): ColumnShape => ({ fixed: 0, prefix });

/** Bytes that hold the 0 to 9 digits left over from the groups of nine of a DECIMAL. */
const DECIMAL_REST_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

function decimalBytes(digits: number): number {
  return Math.floor(digits / 9) * 4 + DECIMAL_REST_BYTES[digits % 9]!;
}

const FIXED_BYTES: Readonly<Record<number, number>> = {
  [ColumnType.Tiny]: 1,
  [ColumnType.Short]: 2,
  [ColumnType.Long]: 4,
  [ColumnType.Float]: 4,
  [ColumnType.Double]: 8,
  [ColumnType.Null]: 0,
  [ColumnType.Timestamp]: 4,
  [ColumnType.LongLong]: 8,
  [ColumnType.Int24]: 3,
  [ColumnType.Date]: 3,
  [ColumnType.NewDate]: 3,
  [ColumnType.Time]: 3,
  [ColumnType.Datetime]: 8,
  [ColumnType.Year]: 1,
};

/** MariaDB with mysql56_temporal_format=OFF stores fractions of old temporals in these sizes, by digits. */
const HIRES_BYTES: Readonly<Record<number, readonly number[]>> = {
  [ColumnType.Time]: [3, 4, 4, 5, 5, 5, 6],
  [ColumnType.Datetime]: [8, 6, 6, 7, 7, 7, 8],
  [ColumnType.Timestamp]: [4, 5, 5, 6, 6, 7, 7],
};

/**
 * How the values of a column lie in a row image.
 * @param fractionDigits of the column by its definition; only an old MariaDB temporal needs it, whose event does not tell.
 * @throws Failure for a type that is not known.
 */
export function columnShape({ type, meta }: MappedColumn, fractionDigits = 0): ColumnShape {
  const hires = HIRES_BYTES[type];
  if (hires !== undefined && fractionDigits > 0) return fixedShape(hires[fractionDigits]!);
  const fixed = FIXED_BYTES[type];
  if (fixed !== undefined) return fixedShape(fixed);
  switch (type) {
    case ColumnType.NewDecimal: {
      const precision = meta >> 8;
      const scale = meta & 0xff;
      return fixedShape(decimalBytes(precision - scale) + decimalBytes(scale));
    }
    case ColumnType.Bit:
      return fixedShape((meta + 7) >> 3);
    case ColumnType.Timestamp2:
      return fixedShape(4 + ((meta + 1) >> 1));
    case ColumnType.Datetime2:
      return fixedShape(5 + ((meta + 1) >> 1));
    case ColumnType.Time2:
      return fixedShape(3 + ((meta + 1) >> 1));
    case ColumnType.Enum:
    case ColumnType.Set:
      return fixedShape(meta);
    case ColumnType.Varchar:
    case ColumnType.VarString:
    case ColumnType.String:
    case ColumnType.MariadbVarcharCompressed:
      return prefixedShape(meta > 255 ? 2 : 1);
    case ColumnType.Blob:
    case ColumnType.TinyBlob:
    case ColumnType.MediumBlob:
    case ColumnType.LongBlob:
    case ColumnType.Json:
    case ColumnType.Geometry:
    case ColumnType.Vector:
    case ColumnType.MariadbBlobCompressed:
      return prefixedShape(meta);
    default:
      throw new Failure(`the binlog has a column of the unknown type ${type}`, {
        hint: 'This server version has a column type that this version of the tool cannot read.',
      });
  }
}
