// Keys of every type that servers allow in keys: pools of literals, the ends of each type among them.
import type { Flavor } from '../lab/lab.ts';
import { Random } from '../lab/random.ts';

/** A key, and literals for it: more than its rows, so that there is something to insert. */
export interface KeyPool {
  /** Types of the key's columns k0, k1 ... */
  readonly columns: readonly string[];
  /** Parts of the primary key; default the columns. */
  readonly parts?: readonly string[];
  readonly pool: readonly (readonly string[])[];
  readonly only?: Flavor;
}

const size = 3000;
const random = new Random(7);

function distinct(ends: readonly (string | number | bigint)[], make: (i: number) => string): string[] {
  const all = new Set(ends.map(String));
  for (let i = 0; all.size < size && i < 4 * size; i += 1) all.add(make(i));
  return [...all];
}

function single(column: string, literals: readonly string[], only?: Flavor): KeyPool {
  return { columns: [column], pool: literals.map((literal) => [literal]), ...(only ? { only } : {}) };
}

function bits(count: number): bigint {
  let value = 0n;
  for (let i = 0; i < count; i += 16) value = (value << 16n) | BigInt(random.below(65_536));
  return value & ((1n << BigInt(count)) - 1n);
}

function integers(): KeyPool[] {
  const widths = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };
  return Object.entries(widths).flatMap(([type, count]) => {
    const half = 1n << BigInt(count - 1);
    const signed = distinct([-half, -half + 1n, -1, 0, 1, half - 1n], () => String(bits(count) - half));
    const unsigned = distinct([0, 1, half - 1n, half, 2n * half - 1n], () => String(bits(count)));
    return [single(type, signed), single(`${type} unsigned`, unsigned)];
  });
}

const two = (n: number): string => String(n).padStart(2, '0');
const fraction = (digits: number): string => String(random.below(10 ** digits)).padStart(digits, '0');
const clock = (): string => `${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}`;
const day = (from: number, years: number): string =>
  `${String(from + random.below(years)).padStart(4, '0')}-${two(1 + random.below(12))}-${two(1 + random.below(28))}`;
const zero = "'0000-00-00'";

function temporals(): KeyPool[] {
  const dates = [zero, "'2024-00-10'", "'2024-02-31'", "'0001-01-01'", "'9999-12-31'"];
  const times = [
    "'-838:59:59'",
    "'838:59:59'",
    "'-00:00:00.001'",
    "'00:00:00'",
    "'-01:00:00'",
    "'-00:59:59.5'",
  ];
  const sign = (): string => (random.next() < 0.5 ? '-' : '');
  return [
    single(
      'date',
      distinct(dates, () => `'${day(1000, 3000)}'`),
    ),
    single(
      'datetime',
      distinct([...dates, "'9999-12-31 23:59:59'"], () => `'${day(2020, 2)} ${clock()}'`),
    ),
    single(
      'datetime(6)',
      distinct(
        [...dates, "'9999-12-31 23:59:59.999999'"],
        () => `'${day(2024, 1)} ${clock()}.${fraction(6)}'`,
      ),
    ),
    single(
      'timestamp(3)',
      distinct(
        [zero, "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.000'"],
        () => `'${day(1971, 60)} ${clock()}.${fraction(3)}'`,
      ),
    ),
    single(
      'timestamp',
      distinct([zero, "'1970-01-01 00:00:01'"], () => `'2024-10-27 ${clock()}'`),
    ),
    single(
      'time(3)',
      distinct(times, () => `'${sign()}${random.below(839)}:${two(random.below(60))}:00.${fraction(3)}'`),
    ),
    single(
      'time',
      distinct(times.slice(0, 2), () => `'${sign()}${random.below(838)}:${clock().slice(3)}'`),
    ),
    single('year', ['0', ...Array.from({ length: 155 }, (_, i) => String(1901 + i))]),
  ];
}

const members = (count: number): string => Array.from({ length: count }, (_, i) => `'m${i}'`).join(',');

function labelled(): KeyPool[] {
  const labels = Array.from({ length: 300 }, (_, i) => `'${String.fromCharCode(97 + ((i * 7) % 26))}${i}'`);
  return [
    single(
      `enum(${labels.join(',')})`,
      Array.from({ length: 301 }, (_, i) => String(i)),
    ),
    single(
      `set(${members(63)})`,
      distinct([0, 1, 1n << 62n, (1n << 63n) - 1n], () => String(bits(63))),
    ),
    single(
      'bit(11)',
      distinct([0, 2047], () => String(bits(11))),
    ),
    single(
      'bit(64)',
      distinct([0, 1, 1n << 63n, (1n << 64n) - 1n], () => String(bits(64))),
    ),
  ];
}

const hex = (length: number): string =>
  Array.from({ length }, () => (random.next() < 0.4 ? '00' : two(random.below(256)).slice(-2))).join('');

function binaries(): KeyPool[] {
  return [
    single(
      'binary(5)',
      distinct(["x'0000000000'", "x'61'", "x'6120202020'", "x'ffffffffff'"], () => `x'${hex(5)}'`),
    ),
    single(
      'varbinary(300)',
      distinct(
        ["x''", "x'00'", "x'0000'", "x'6100'", "x'61'", "x'6120'"],
        () => `x'${hex(1 + random.below(6))}'`,
      ),
    ),
    single(
      'binary(16)',
      distinct([], () => `x'${bits(128).toString(16).padStart(32, '0')}'`),
    ),
  ];
}

/** Four spellings of each word, some of which are one key by some collations: case, accent, a space at the end. */
const spell: readonly ((word: string) => string)[] = [
  (word) => word,
  (word) => word.toUpperCase(),
  (word) => word.replace('e', 'é'),
  (word) => `${word} `,
];
const words = Array.from({ length: size }, (_, i) => {
  const word = `e${Math.floor(i / 4).toString(36)}${'xyz'.slice(i % 3)}`;
  return `'${(spell[i % 4] as (word: string) => string)(word)}'`;
});

function texts(): KeyPool[] {
  const of = (type: string, charset: string, collation: string, only?: Flavor): KeyPool =>
    single(`${type} character set ${charset} collate ${charset}_${collation}`, words, only);
  const coded = (charset: string, lead: number): string[] =>
    distinct(
      [],
      () =>
        `_${charset} x'${(lead + random.below(20)).toString(16)}${(0xa1 + random.below(80)).toString(16)}'`,
    );
  return [
    of('varchar(20)', 'utf8mb4', 'general_ci'),
    of('char(20)', 'utf8mb4', 'unicode_ci'),
    of('varchar(20)', 'utf8mb4', 'bin'),
    of('char(20)', 'latin1', 'swedish_ci'),
    of('varchar(20)', 'latin1', 'bin'),
    of('varchar(20)', 'utf16', 'general_ci'),
    of('char(20)', 'utf32', 'bin'),
    of('varchar(20)', 'utf8mb4', '0900_ai_ci', 'mysql'),
    of('char(20)', 'utf8mb4', '0900_as_cs', 'mysql'),
    of('varchar(20)', 'utf8mb4', '0900_bin', 'mysql'),
    of('varchar(20)', 'utf8mb4', 'nopad_bin', 'mariadb'),
    of('varchar(20)', 'utf8mb4', 'uca1400_ai_ci', 'mariadb'),
    single('varchar(20) character set gbk', coded('gbk', 0xb0)),
    single('char(20) character set sjis', coded('sjis', 0x89)),
  ];
}

function addresses(): KeyPool[] {
  const uuid = (): string => {
    const all = bits(128).toString(16).padStart(32, '0');
    return `'${[all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join('-')}'`;
  };
  const inet6 = (): string => `'${bits(128).toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')}'`;
  const inet4 = (): string => `'${[0, 0, 0, 0].map(() => random.below(256)).join('.')}'`;
  return [
    single('uuid', distinct([], uuid), 'mariadb'),
    single('inet6', distinct(["'::'", "'::1'", "'::ffff:1.2.3.4'"], inet6), 'mariadb'),
    single('inet4', distinct(["'0.0.0.0'", "'255.255.255.255'"], inet4), 'mariadb'),
  ];
}

function composites(all: readonly KeyPool[]): KeyPool[] {
  const of = (types: readonly string[], parts?: readonly string[], only?: Flavor): KeyPool => {
    const pools = types.map((type) =>
      all.find(({ columns }) => columns[0] === type)!.pool.map(([one]) => one!),
    );
    // Few values in front: many rows that differ in the last part only.
    const pick = (list: readonly string[], i: number): string =>
      i < pools.length - 1 ? list[random.below(Math.min(12, list.length))]! : random.pick(list);
    const keys = Array.from({ length: size }, () => pools.map(pick));
    return { columns: types, ...(parts ? { parts } : {}), pool: keys, ...(only ? { only } : {}) };
  };
  const text = 'varchar(20) character set utf8mb4 collate utf8mb4_general_ci';
  const padded = 'varchar(20) character set utf8mb4 collate utf8mb4_bin';
  return [
    of(['bigint unsigned', 'int']),
    of(['int', 'bigint'], ['k1 DESC', 'k0 DESC']),
    of(['date', 'time(3)', 'bit(11)'], ['k0', 'k1 DESC', 'k2']),
    of(['binary(5)', 'varbinary(300)']),
    of(['tinyint', text], ['k0 DESC', 'k1']),
    of([padded, 'smallint unsigned', 'bit(64)']),
    of(['year', 'datetime(6)', 'mediumint']),
    of(['uuid', 'inet6'], undefined, 'mariadb'),
  ];
}

const fractions = [
  single(
    'decimal(30,10)',
    distinct(['0', '-0.0000000001', '99999999999999999999.9999999999', '-99999999999999999999.5'], () =>
      String(random.below(2_000_000) / 1000 - 1000),
    ),
  ),
  single(
    'decimal(9,0)',
    distinct(['0', '-999999999', '999999999'], () => String(random.below(2_000_000) - 1_000_000)),
  ),
];

const singles = [
  ...integers(),
  ...fractions,
  ...temporals(),
  ...labelled(),
  ...binaries(),
  ...texts(),
  ...addresses(),
];

/** Every pool that the flavor can have. */
export function keyPools(flavor: Flavor): readonly KeyPool[] {
  return [...singles, ...composites(singles)].filter(({ only }) => (only ?? flavor) === flavor);
}
