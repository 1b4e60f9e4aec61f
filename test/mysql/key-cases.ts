import type { Flavor } from '../lab/lab.ts';

/** A type of key column and values that have gone wrong somewhere. */
export interface KeyCase {
  readonly type: string;
  /** As SQL. */
  readonly values: readonly string[];
  readonly only?: Flavor;
  /** Whether the codec may compare; default true. */
  readonly comparable?: boolean;
  readonly sameComparison?: boolean;
  /** The server has no index range for `<` and `>` on this type. */
  readonly rangesScan?: boolean;
}

const integer = (type: string, bits: bigint): KeyCase[] => {
  const half = 1n << (bits - 1n);
  const signed = [-half, -half + 1n, -1n, 0n, 1n, 255n < half ? 255n : 5n, half - 1n];
  const unsigned = [0n, 1n, half - 1n, half, 2n * half - 1n];
  return [
    { type, values: signed.map(String) },
    { type: `${type} unsigned`, values: unsigned.map(String) },
  ];
};

const hex = (charset: string, codes: readonly string[]) => codes.map((code) => `_${charset} x'${code}'`);
const trickyText = [
  "'a'",
  "'b'",
  "'C '",
  "''",
  "'a-#-b'",
  "'é'",
  "'日本'",
  "'😀'",
  "'a\\0b'",
  "'a\\tb'",
  "'ß'",
];
const padText = [
  "'a'",
  "'a\\t'",
  "'a \\t'",
  "'a  \\t'",
  "'a b'",
  "'a  b'",
  "'ab'",
  "''",
  "'\\t'",
  "'  x'",
  "'é'",
];
const members = Array.from({ length: 63 }, (_, i) => `'m${i}'`).join(',');

/** Every type that can be in a key. */
export const keyCases: readonly KeyCase[] = [
  ...integer('tinyint', 8n),
  ...integer('smallint', 16n),
  ...integer('mediumint', 24n),
  ...integer('int', 32n),
  ...integer('bigint', 64n),
  {
    type: 'bigint',
    values: [53n, 54n].flatMap((b) =>
      [-1n, 0n, 1n].flatMap((d) => [`${(1n << b) + d}`, `${-(1n << b) + d}`]),
    ),
  },
  { type: 'int(8) unsigned zerofill', values: ['0', '42', '4294967295'] },
  {
    type: 'decimal(65,30)',
    values: [
      '0',
      '-1e-30',
      '1e-30',
      '-99999999999999999999999999999999999.5',
      '99999999999999999999999999999999999.999999999999999999999999999999',
      '12.34',
      '-12.34',
    ],
  },
  { type: 'decimal(10,0)', values: ['0', '-1', '-9999999999', '9999999999', '1000000000'] },
  { type: 'decimal(5,5)', values: ['-0.00001', '0.00001', '-0.99999', '0.5', '-0.000001'] },
  { type: 'bit(1)', values: ["b'0'", "b'1'"] },
  { type: 'bit(13)', values: ['0', '1', '255', '256', '8191'] },
  {
    type: 'bit(64)',
    values: ['0', '1', '9223372036854775807', '9223372036854775808', '18446744073709551615'],
  },
  { type: 'year', values: ['0', '1901', '2000', '2155', '1999'] },
  {
    type: 'date',
    values: [
      "'0000-00-00'",
      "'2024-00-10'",
      "'2024-01-00'",
      "'2024-02-31'",
      "'0000-01-01'",
      "'9999-12-31'",
      "'1969-12-31'",
    ],
  },
  ...[0, 1, 2, 3, 4, 5, 6].map((digits) => ({
    type: `datetime(${digits})`,
    values: [
      "'0000-00-00'",
      "'2024-00-10 01:02:03'",
      "'9999-12-31 23:59:59'",
      "'2024-02-31 23:59:59'",
      "'0001-01-01'",
      ...(digits > 0
        ? ["'2024-02-31 23:59:58.9'", "'2024-02-31 23:59:58.1'", "'0000-00-00 00:00:00.5'"]
        : []),
    ],
  })),
  ...[0, 1, 2, 3, 4, 5, 6].map((digits) => ({
    type: `timestamp(${digits})`,
    values: [
      "'0000-00-00'",
      "'1970-01-01 00:00:01'",
      "'2038-01-19 03:14:07'",
      "'2024-10-27 00:30:00'",
      "'2024-10-27 01:30:00'",
      ...(digits > 0 ? ["'2024-10-27 01:30:00.9'", "'1970-01-01 00:00:01.1'"] : []),
    ],
  })),
  ...[0, 1, 2, 3, 4, 5, 6].map((digits) => ({
    type: `time(${digits})`,
    values: [
      "'-838:59:59'",
      "'838:59:59'",
      "'-00:01:00'",
      "'-01:00:00'",
      "'-12:34:00'",
      "'00:00:00'",
      "'-00:00:01'",
      ...(digits > 0 ? ["'-00:00:00.1'", "'-00:01:00.9'", "'00:00:00.1'", "'-01:00:00.5'"] : []),
    ],
  })),
  { type: "enum('z','a,b','m''q','é')", values: ["'no such'", "'z'", "'a,b'", "'m''q'", "'é'"] },
  {
    type: `enum(${Array.from({ length: 300 }, (_, i) => `'v${i}'`).join(',')})`,
    values: ['1', '2', '255', '256', '300'],
  },
  { type: "set('z','a','m')", values: ['0', '1', '2', '3', '4', '7'], rangesScan: true },
  {
    type: `set(${members})`,
    values: ['0', '1', '4294967296', '4611686018427387904', '9223372036854775807'],
    rangesScan: true,
  },
  {
    type: 'binary(4)',
    values: ["x'00000000'", "x'61'", "x'6100ff'", "x'61202020'", "x'ffffffff'", "x'00000001'"],
  },
  { type: 'binary(255)', values: ["x''", "x'61'", "x'6120'"] },
  {
    type: 'varbinary(300)',
    values: ["x''", "x'00'", "x'0000'", "x'00ff'", "x'61'", "x'6100'", "x'6120'", "x'6100ff'", "x'ff'"],
  },
  ...['utf8mb4_general_ci', 'utf8mb4_unicode_ci', 'utf8mb4_bin'].map((collation) => ({
    type: `varchar(20) character set utf8mb4 collate ${collation}`,
    values: trickyText,
    comparable: false,
  })),
  {
    type: 'varchar(20) character set utf8mb4 collate utf8mb4_0900_ai_ci',
    values: trickyText,
    comparable: false,
    only: 'mysql',
  },
  {
    type: 'varchar(20) character set utf8mb4 collate utf8mb4_0900_bin',
    values: [...trickyText, "'a '", "'B'", ...padText.slice(1, 6)],
    only: 'mysql',
  },
  { type: 'char(20) character set utf8mb4 collate utf8mb4_0900_bin', values: padText, only: 'mysql' },
  {
    type: 'varchar(20) character set utf8mb4 collate utf8mb4_nopad_bin',
    values: [...trickyText, "'a '", "'B'", ...padText.slice(1, 6)],
    only: 'mariadb',
  },
  { type: 'char(20) character set utf8mb4 collate utf8mb4_bin', values: padText },
  { type: 'char(20) character set latin1 collate latin1_bin', values: padText },
  {
    type: 'varchar(20) character set utf8mb4 collate utf8mb4_bin',
    values: [...padText, "'c '"],
    sameComparison: true,
  },
  {
    type: 'varchar(300) character set ascii collate ascii_bin',
    values: padText.slice(0, -1),
    sameComparison: true,
  },
  { type: 'char(20) character set utf8mb4 collate utf8mb4_general_ci', values: padText, comparable: false },
  {
    type: 'varchar(20) character set latin1',
    values: hex('latin1', ['81', '8d', '8f', '90', '9d', 'e9', '5c', '27', '00', '7e']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set gbk',
    values: hex('gbk', ['b0a1', 'a1a4', 'a2e3', 'fe50', '5c', 'bf5c', 'df5c']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set sjis',
    values: hex('sjis', ['5c', '815f', '8160', '889f', 'b1', '835c', '7e']),
    comparable: false,
  },
  {
    type: 'char(20) character set cp932',
    values: hex('cp932', ['ed40', 'fa4a', '8160', '5c', '835c']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set big5',
    values: hex('big5', ['a15a', 'a1c3', 'c9fc', 'a440', '5c', 'a55c']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set tis620',
    values: hex('tis620', ['a1', 'fb', '5c', 'a0']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set ucs2',
    values: hex('ucs2', ['4e00', '0020', '0061', '2000', 'd800']),
    comparable: false,
  },
  {
    type: 'char(20) character set ucs2',
    values: hex('ucs2', ['4e00', '0061', '2000', '00612000', '']),
    comparable: false,
  },
  {
    type: 'varchar(20) character set utf16',
    values: hex('utf16', ['d83dde00', '0061', 'ffee', '005c']),
    comparable: false,
  },
  {
    type: 'char(20) character set utf16le',
    values: hex('utf16le', ['3dd800de', '6100', '0020', '5c00']),
    comparable: false,
  },
  {
    type: 'char(20) character set utf32',
    values: hex('utf32', ['0001f600', '00000061', '00002000']),
    comparable: false,
  },
  {
    type: 'uuid',
    only: 'mariadb',
    comparable: false,
    values: [
      "'00000000-0000-0000-0000-000000000000'",
      "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
      "'12345678-9abc-1def-8123-456789abcdef'",
      "'02345678-9abc-1def-8123-556789abcdef'",
      "'12345678-9abc-4def-8123-456789abcd00'",
      "'12345678-9abc-7def-8123-456789abcd20'",
      "'a2345678-9abc-7def-0123-006789ab2020'",
    ],
  },
  {
    type: 'inet6',
    only: 'mariadb',
    values: ["'::'", "'::1'", "'ffff::'", "'1:2:3:4:5:6:7:2020'", "'::ffff:1.2.3.4'"],
  },
  {
    type: 'inet4',
    only: 'mariadb',
    values: ["'0.0.0.0'", "'1.2.3.0'", "'255.255.255.255'", "'10.0.0.32'", "'128.0.0.1'"],
  },
];
