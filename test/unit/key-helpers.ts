import type { Column, Index, TableDefinition } from '../../src/core/table.ts';

const plain: Column = {
  name: 'k',
  ordinal: 0,
  dataType: 'int',
  columnType: 'int',
  unsigned: false,
  nullable: false,
  charset: null,
  collation: null,
  lengthChars: null,
  lengthBytes: null,
  precision: null,
  scale: null,
  fractionDigits: null,
  generated: 'no',
  invisible: false,
  autoIncrement: false,
  defaultText: null,
};

/** A column by its type as SQL: `bigint unsigned`, `decimal(10,2)`, `varchar(20) utf8mb4_bin`. */
export function column(name: string, type: string, more: Partial<Column> = {}): Column {
  const [, dataType = '', first, second] = /^(\w+)(?:\((\d+)?(?:,(\d+))?)?/.exec(type) ?? [];
  const number = first === undefined ? null : Number(first);
  const isText = dataType === 'char' || dataType === 'varchar';
  const collation = isText ? (type.split(' ')[1] ?? 'utf8mb4_general_ci') : null;
  const temporal = ['time', 'datetime', 'timestamp'].includes(dataType);
  return {
    ...plain,
    name,
    dataType,
    columnType: isText ? `${dataType}(${first})` : type,
    unsigned: type.includes('unsigned'),
    charset: collation === null ? null : (collation.split('_')[0] ?? null),
    collation,
    lengthChars: number,
    lengthBytes: isText ? (number ?? 0) * 4 : number,
    precision: ['decimal', 'bit'].includes(dataType) ? number : null,
    scale: dataType === 'decimal' ? Number(second ?? 0) : null,
    fractionDigits: temporal ? (number ?? 0) : null,
    ...more,
  };
}

/** The columns of one table, numbered. */
export function columns(types: Readonly<Record<string, string>>): Column[] {
  return Object.entries(types).map(([name, type], ordinal) => column(name, type, { ordinal }));
}

/** An index on whole columns. */
export function index(name: string, parts: readonly string[], more: Partial<Index> = {}): Index {
  return {
    name,
    primary: name === 'PRIMARY',
    unique: true,
    kind: 'BTREE',
    nullable: false,
    parts: parts.map((part) => ({ column: part, expression: null, prefixChars: null, descending: false })),
    ...more,
  };
}

export function table(types: Readonly<Record<string, string>>, indexes: readonly Index[]): TableDefinition {
  return {
    ref: { schema: 's', name: 't' },
    engine: 'InnoDB',
    columns: columns(types),
    indexes,
    createSql: '',
    autoIncrement: null,
    partitioned: false,
    collation: 'utf8mb4_general_ci',
    rowsEstimate: 0,
    dataBytes: 0,
    indexBytes: 0,
  };
}
