import type { QueryEvent } from './query-event.ts';
import type { QuotingMode } from './sql-tokens.ts';

/** Bits of sql_mode. */
const ANSI_QUOTES = 4;
const NO_BACKSLASH_ESCAPES = 1 << 20;

/** Windows of this size are searched for names in the part of a statement that is not read. */
const WINDOW_BYTES = 1 << 20;
const LONGEST_NAME_BYTES = 512;

/** The text of a statement, as far as it can be read. */
export interface ClientText {
  /** At most the given number of bytes of it. Names in it are real text where `readable`. */
  readonly sql: string;
  readonly mode: QuotingMode;
  /** False for a character set in which a quote may be the second byte of a character: tokens cannot be trusted. */
  readonly readable: boolean;
  /** There is more than `sql`. */
  readonly cut: boolean;
  /** Whether the name occurs anywhere, case apart. True where that cannot be told. */
  mentions(name: string): boolean;
  mentionsBehindCut(name: string): boolean;
}

type Encoding = 'utf8' | 'latin1' | 'ascii-superset' | 'unsafe';

/**
 * The text of a statement for reading.
 * @param maxBytes how much of it `sql` shall have at most.
 */
export function clientText(query: QueryEvent, maxBytes: number): ClientText {
  const { sql: bytes, sqlMode } = query;
  const encoding = encodingOf(query.clientCollation);
  const head = bytes.subarray(0, maxBytes);
  const occurs = (name: string, from: number): boolean => {
    // Of a name with other letters the bytes are not known in this character set.
    if (encoding !== 'utf8' && encoding !== 'latin1' && /[^\u0020-\u007e]/.test(name)) return true;
    return spellings(name).some((spelling) => contains(bytes, from, spelling, encoding));
  };
  return {
    sql: head.toString(encoding === 'utf8' ? 'utf8' : 'latin1'),
    mode: {
      ansiQuotes: (sqlMode & ANSI_QUOTES) !== 0,
      noBackslash: (sqlMode & NO_BACKSLASH_ESCAPES) !== 0,
    },
    readable: encoding === 'utf8' || encoding === 'latin1' || encoding === 'ascii-superset',
    cut: bytes.length > maxBytes,
    mentions: (name) => occurs(name, 0),
    mentionsBehindCut: (name) => occurs(name, Math.max(0, maxBytes - LONGEST_NAME_BYTES)),
  };
}

/** How a name may be written: as it is, or with its quotes doubled. */
function spellings(name: string): string[] {
  return [...new Set([name, name.replaceAll('`', '``'), name.replaceAll('"', '""')])];
}

function contains(bytes: Buffer, from: number, name: string, encoding: Encoding): boolean {
  const wanted = name.toLowerCase();
  const decode = encoding === 'utf8' ? 'utf8' : 'latin1';
  for (let o = from; o < bytes.length; o += WINDOW_BYTES - LONGEST_NAME_BYTES) {
    const window = bytes.toString(decode, o, o + WINDOW_BYTES);
    if (window.toLowerCase().includes(wanted)) return true;
  }
  return false;
}

/**
 * The encoding of a text by the collation id of its client. Only families matter: utf8 (mb3, mb4), latin1, those whose
 * bytes below 128 are always ASCII, and the Asian ones with second bytes in the range of ASCII.
 */
function encodingOf(collation: number | null): Encoding {
  if (collation === null) return 'utf8';
  if (isUtf8(collation)) return 'utf8';
  if ([5, 8, 15, 31, 47, 48, 49, 94].includes(collation)) return 'latin1';
  return UNSAFE.has(collation) ? 'unsafe' : 'ascii-superset';
}

function isUtf8(collation: number): boolean {
  return (
    [33, 45, 46, 76, 83].includes(collation) ||
    (collation >= 192 && collation <= 247) ||
    (collation >= 255 && collation <= 323) ||
    // MariaDB: accent and NOPAD variants, and the UCA 14.0.0 family.
    [576, 577, 608, 609, 1057, 1069, 1070, 1107].includes(collation) ||
    (collation >= 1216 && collation <= 1278) ||
    (collation >= 2048 && collation <= 2559)
  );
}

/** big5, sjis, gbk, cp932, gb18030, with MariaDB's NOPAD variants. */
const UNSAFE = new Set([
  1, 84, 13, 88, 28, 87, 95, 96, 248, 249, 250, 1025, 1108, 1037, 1112, 1052, 1111, 1119, 1120,
]);
