import type { Flavor } from '../lab/lab.ts';
import type { Text } from '../lab/ledger-table.ts';
import type { Random } from '../lab/random.ts';

/** A type that holds all values of another one. */
export interface Widening {
  readonly type: string;
  /** What it makes of a value's text; default: nothing. */
  readonly expect?: (value: Text) => Text;
}

/** A type of column with values for it, as the texts that the server gives for them. */
export interface ColumnKind {
  readonly type: string;
  readonly wider: readonly Widening[];
  /** Whether an index can be made on the whole column. */
  readonly indexable: boolean;
  value(random: Random): string;
}

/** A column of a random table. */
export interface SoakColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
}

const NULL_SHARE = 0.15;
const WORDS = [
  '',
  'a',
  'A ',
  'straße',
  'Ärger',
  "it's",
  'back\\slash',
  '日本語',
  '👻 boo',
  'tab\tnew\nline',
  'NULL',
];
const LATIN_WORDS = ['', 'a', 'Ä', 'é', "o'clock", 'ÿ', 'Straße', '\\'];

const digits = (value: number, width: number): string => String(value).padStart(width, '0');
const append =
  (tail: string): ((value: Text) => Text) =>
  // A value that a writer gave after the change may have the longer form already.
  (value) =>
    value === null ? null : `${value}${tail}`;

function hex(random: Random, bytes: number): string {
  let text = '';
  // Zero bytes at the ends are what gets lost on the way.
  for (let i = 0; i < bytes; i++) text += random.next() < 0.3 ? '00' : digits16(random.below(256));
  return text;
}

function digits16(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

function day(random: Random): string {
  return `${1970 + random.below(60)}-${digits(1 + random.below(12), 2)}-${digits(1 + random.below(28), 2)}`;
}

function time(random: Random): string {
  return [random.below(24), random.below(60), random.below(60)].map((part) => digits(part, 2)).join(':');
}

function integer(type: string, low: number, span: number, wider: readonly string[]): ColumnKind {
  return {
    type,
    wider: wider.map((name) => ({ type: name })),
    indexable: true,
    value: (random) => String(low + random.below(span)),
  };
}

function text(
  type: string,
  wider: readonly string[],
  words: readonly string[],
  indexable: boolean,
): ColumnKind {
  return {
    type,
    wider: wider.map((name) => ({ type: name })),
    indexable,
    value: (random) => `${random.pick(words)}${random.next() < 0.5 ? random.below(1000) : ''}`,
  };
}

function bytes(type: string, wider: readonly Widening[], length: (random: Random) => number): ColumnKind {
  return {
    type,
    wider,
    indexable: false,
    value: (random) => hex(random, length(random)),
  };
}

const temporal: readonly ColumnKind[] = [
  {
    type: 'DATETIME(3)',
    wider: [{ type: 'DATETIME(6)', expect: append('000') }],
    indexable: true,
    value: (random) => `${day(random)} ${time(random)}.${digits(random.below(1000), 3)}`,
  },
  {
    type: 'DATETIME',
    wider: [{ type: 'DATETIME(2)', expect: append('.00') }],
    indexable: true,
    value: (random) => `${day(random)} ${time(random)}`,
  },
  {
    type: 'TIMESTAMP(2)',
    wider: [{ type: 'TIMESTAMP(4)', expect: append('00') }],
    indexable: true,
    // From the second year on, so that no zone of the session leads out of the range.
    value: (random) =>
      `${1 + Number(day(random).slice(0, 4))}-07-01 ${time(random)}.${digits(random.below(100), 2)}`,
  },
  {
    type: 'DATE',
    wider: [{ type: 'DATETIME', expect: append(' 00:00:00') }],
    indexable: true,
    value: day,
  },
  {
    type: 'TIME(1)',
    wider: [{ type: 'TIME(3)', expect: append('00') }],
    indexable: true,
    value: (random) => `${random.next() < 0.3 ? '-' : ''}${time(random)}.${1 + random.below(9)}`,
  },
  { type: 'YEAR', wider: [], indexable: true, value: (random) => String(1901 + random.below(200)) },
];

const decimals: readonly ColumnKind[] = [
  {
    type: 'DECIMAL(10,2)',
    wider: [{ type: 'DECIMAL(16,4)', expect: append('00') }, { type: 'DECIMAL(12,2)' }],
    indexable: true,
    value: (random) => ((random.below(2_000_000) - 1_000_000) / 100 || 0).toFixed(2),
  },
  // Quarters are exact in binary and come back as they went in.
  { type: 'DOUBLE', wider: [], indexable: true, value: (random) => String((random.below(8000) - 4000) / 4) },
  {
    type: 'FLOAT',
    wider: [{ type: 'DOUBLE' }],
    indexable: true,
    value: (random) => String(random.below(4000) / 4),
  },
];

const others: readonly ColumnKind[] = [
  {
    type: "ENUM('red','green','blue')",
    wider: [
      { type: "ENUM('red','green','blue','violet')" },
      { type: "ENUM('blue','black','red','green')" },
      { type: 'VARCHAR(20)' },
    ],
    indexable: true,
    value: (random) => random.pick(['red', 'green', 'blue']),
  },
  {
    type: "SET('r','w','x')",
    wider: [{ type: "SET('r','w','x','s')" }],
    indexable: true,
    value: (random) => random.pick(['', 'r', 'w', 'r,w', 'r,x', 'r,w,x']),
  },
  {
    type: 'BIT(7)',
    wider: [{ type: 'BIT(16)' }],
    indexable: true,
    value: (random) => String(random.below(128)),
  },
];

/** Types of columns that a random table may have. */
export function columnKinds(flavor: Flavor): readonly ColumnKind[] {
  const json: ColumnKind = {
    type: 'JSON',
    wider: flavor === 'mysql' ? [] : [{ type: 'LONGTEXT CHARACTER SET utf8mb4' }],
    indexable: false,
    value: (random) => `{"a": ${random.below(100)}, "b": ["${random.pick(['x', 'ü', '👻'])}", null, 1.5]}`,
  };
  return [
    integer('TINYINT', -128, 256, ['SMALLINT', 'INT']),
    integer('MEDIUMINT UNSIGNED', 0, 16_777_216, ['INT UNSIGNED', 'BIGINT']),
    integer('INT', -2_000_000_000, 4_000_000_000, ['BIGINT']),
    integer('BIGINT', -9_000_000_000, 18_000_000_000, []),
    text(
      'VARCHAR(40) CHARACTER SET utf8mb4',
      ['VARCHAR(90) CHARACTER SET utf8mb4', 'TEXT CHARACTER SET utf8mb4'],
      WORDS,
      true,
    ),
    text(
      'VARCHAR(30) CHARACTER SET latin1',
      ['VARCHAR(30) CHARACTER SET utf8mb4', 'VARCHAR(60) CHARACTER SET latin1'],
      LATIN_WORDS,
      true,
    ),
    text('TEXT CHARACTER SET utf8mb4', ['MEDIUMTEXT CHARACTER SET utf8mb4'], WORDS, false),
    bytes('BINARY(6)', [{ type: 'BINARY(8)', expect: append('0000') }], () => 6),
    bytes('VARBINARY(20)', [{ type: 'VARBINARY(40)' }, { type: 'BLOB' }], (random) => random.below(20)),
    bytes('BLOB', [{ type: 'MEDIUMBLOB' }], (random) => random.below(200)),
    ...temporal,
    ...decimals,
    ...others,
    json,
  ];
}

/** A value for a column, null now and then where it may be. */
export function valueFor(column: SoakColumn, random: Random): Text {
  if (column.nullable && random.next() < NULL_SHARE) return null;
  return column.kind.value(random);
}
