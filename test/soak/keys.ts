import type { Flavor } from '../lab/lab.ts';
import type { TextRow } from '../lab/ledger-table.ts';

/** A primary key of a random table. */
export interface KeyKind {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The server counts it up. */
  readonly auto: boolean;
  /** A type that holds all keys of the first column, for the change; null where there is none that is safe. */
  readonly wider: string | null;
  /** Another key for each number below a million, spread over the whole range. */
  key(number: number): TextRow;
}

const PRIME = 1_000_003;
const STEP = 7919;

/** Neighbours in number are far apart in the key: rows are inserted everywhere, in front of and behind the copy. */
function spread(number: number): number {
  return (number * STEP) % PRIME;
}

const two = (value: number): string => String(value).padStart(2, '0');

function momentOf(n: number, fractionDigits: number): string {
  const at = new Date(Date.UTC(2020, 0, 1) + n * 61_000).toISOString();
  const fraction = String((n * 37) % 10 ** fractionDigits).padStart(fractionDigits, '0');
  return `${at.slice(0, 10)} ${at.slice(11, 19)}.${fraction}`;
}

function dayOf(n: number): string {
  return `${2000 + (n % 30)}-${two(1 + (n % 12))}-${two(1 + (n % 28))}`;
}

function one(type: string, text: (n: number) => string, wider: string | null = null): KeyKind {
  return {
    columns: [{ name: 'id', type }],
    auto: false,
    wider,
    key: (number) => ({ id: text(spread(number)) }),
  };
}

function pair(first: string, second: string, texts: (n: number) => readonly [string, string]): KeyKind {
  return {
    columns: [
      { name: 'part', type: first },
      { name: 'id', type: second },
    ],
    auto: false,
    wider: null,
    key: (number) => {
      const [part, id] = texts(spread(number));
      return { part, id };
    },
  };
}

function counted(type: string, wider: string): KeyKind {
  return { columns: [{ name: 'id', type }], auto: true, wider, key: (number) => ({ id: String(number) }) };
}

const PREFIXES = ['a', 'B', 'Ä', 'z', '日本', 'ß', 'ab'] as const;
const LATIN = ['a', 'B', 'é', 'Z', 'ÿ'] as const;
const hex = (n: number): string => n.toString(16).toUpperCase().padStart(6, '0');
const word = (n: number): string => `${PREFIXES[n % PREFIXES.length]}${n}`;
const price = (n: number): string => ((n - 500_000) / 10_000 || 0).toFixed(4);

/** Kinds of keys; `counted` ones come more often, as they do in life. */
export function keyKinds(flavor: Flavor): readonly KeyKind[] {
  const modern = flavor === 'mysql' ? 'utf8mb4_0900_ai_ci' : 'utf8mb4_unicode_520_ci';
  const folded = 'VARCHAR(24) CHARACTER SET utf8mb4 COLLATE';
  return [
    counted('BIGINT UNSIGNED NOT NULL AUTO_INCREMENT', 'DECIMAL(20,0) NOT NULL'),
    counted('INT NOT NULL AUTO_INCREMENT', 'BIGINT NOT NULL AUTO_INCREMENT'),
    counted('MEDIUMINT UNSIGNED NOT NULL AUTO_INCREMENT', 'INT UNSIGNED NOT NULL AUTO_INCREMENT'),
    one('INT NOT NULL', (n) => String(n - 500_000), 'BIGINT NOT NULL'),
    one('BIGINT UNSIGNED NOT NULL', (n) => String(18_446_744_073_709_551_615n - BigInt(n))),
    one(`${folded} utf8mb4_general_ci NOT NULL`, word),
    one(`${folded} ${modern} NOT NULL`, word, `VARCHAR(60) CHARACTER SET utf8mb4 COLLATE ${modern} NOT NULL`),
    one(`${folded} utf8mb4_bin NOT NULL`, word),
    one('CHAR(20) CHARACTER SET latin1 NOT NULL', (n) => `${LATIN[n % LATIN.length]}${n}`),
    one('BINARY(8) NOT NULL', (n) => `${hex(n)}${'00'.repeat(5)}`),
    one('VARBINARY(12) NOT NULL', (n) => `${hex(n)}${'00'.repeat(n % 3)}`, 'VARBINARY(30) NOT NULL'),
    one('DECIMAL(14,4) NOT NULL', price),
    one('DATETIME(6) NOT NULL', (n) => momentOf(n, 6)),
    one('TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)', (n) => momentOf(n % 4_000_000, 3)),
    one('BIT(40) NOT NULL', (n) => String(n * 1_000_000)),
    pair('DATE NOT NULL', 'INT NOT NULL', (n) => [dayOf(n), String(n)]),
    pair('SMALLINT NOT NULL', `${folded} ${modern} NOT NULL`, (n) => [String((n % 40) - 20), word(n)]),
    pair(`${folded} utf8mb4_unicode_ci NOT NULL`, 'BINARY(4) NOT NULL', (n) => [
      PREFIXES[n % 4] ?? 'a',
      `${hex(n)}00`,
    ]),
    pair("ENUM('z','m','a') NOT NULL", 'INT UNSIGNED NOT NULL', (n) => [
      ['z', 'm', 'a'][n % 3] ?? 'z',
      String(n),
    ]),
    pair('YEAR NOT NULL', 'BIGINT NOT NULL', (n) => [String(1990 + (n % 50)), String(n - 500_000)]),
  ];
}
