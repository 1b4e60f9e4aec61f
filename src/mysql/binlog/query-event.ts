import { uint32 } from './bytes.ts';
import { EventType, HEADER_BYTES } from './event-type.ts';
import { inflateMariadb } from './rows-event.ts';

/** A QUERY event, its text still as bytes in the client's character set. */
export interface QueryEvent {
  readonly threadId: number;
  readonly schema: string;
  readonly sql: Buffer;
  /** sql_mode of the session, low 32 bits; 0 where the event does not tell. */
  readonly sqlMode: number;
  /** Collation id of character_set_client; null where the event does not tell. */
  readonly clientCollation: number | null;
}

const POST_HEADER_BYTES = 13;
/** EXECUTE_LOAD_QUERY has file id, two offsets and a flag more. */
const LOAD_POST_HEADER_BYTES = 13;

/** Offset of the text of a QUERY event (not compressed, not of LOAD DATA) at `start`. */
export function queryTextOffset(bytes: Uint8Array, start: number): number {
  const body = start + HEADER_BYTES;
  const status = bytes[body + 11]! | (bytes[body + 12]! << 8);
  return body + POST_HEADER_BYTES + status + bytes[body + 8]! + 1;
}

/**
 * Reads a QUERY, QUERY_COMPRESSED or EXECUTE_LOAD_QUERY event at `bytes[start..end)`, checksum excluded: thread 4, seconds 4,
 * schema length 1, error 2, status length 2, status variables, schema, 0, text.
 */
export function readQuery(type: number, bytes: Buffer, start: number, end: number): QueryEvent {
  const body = start + HEADER_BYTES;
  const schemaBytes = bytes[body + 8]!;
  const statusBytes = bytes[body + 11]! | (bytes[body + 12]! << 8);
  const extra = type === EventType.ExecuteLoadQuery ? LOAD_POST_HEADER_BYTES : 0;
  const status = body + POST_HEADER_BYTES + extra;
  const schema = status + statusBytes;
  const text = schema + schemaBytes + 1;
  const sql =
    type === EventType.MariadbQueryCompressed ? inflateMariadb(bytes, text, end) : bytes.subarray(text, end);
  return {
    threadId: uint32(bytes, body),
    schema: bytes.toString('utf8', schema, schema + schemaBytes),
    sql,
    ...readStatus(bytes, status, schema),
  };
}

const FLAGS2 = 0;
const SQL_MODE = 1;
const CATALOG = 2;
const AUTO_INCREMENT = 3;
const CHARSET = 4;
const CATALOG_NZ = 6;

/** The status variables come in the order of their codes, as far as we read them; behind CHARSET nothing is of interest. */
function readStatus(
  bytes: Buffer,
  start: number,
  end: number,
): { sqlMode: number; clientCollation: number | null } {
  let sqlMode = 0;
  for (let o = start; o < end; ) {
    switch (bytes[o++]) {
      case FLAGS2:
      case AUTO_INCREMENT:
        o += 4;
        break;
      case SQL_MODE:
        sqlMode = uint32(bytes, o);
        o += 8;
        break;
      case CATALOG:
        o += bytes[o]! + 2;
        break;
      case CATALOG_NZ:
        o += bytes[o]! + 1;
        break;
      case CHARSET:
        return { sqlMode, clientCollation: bytes[o]! | (bytes[o + 1]! << 8) };
      default:
        return { sqlMode, clientCollation: null };
    }
  }
  return { sqlMode, clientCollation: null };
}

/** Statements that only delimit transactions. `other` is everything else. */
export type QueryKind = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'xa' | 'nothing' | 'other';

const WORDS: readonly (readonly [Buffer, QueryKind])[] = [
  [Buffer.from('BEGIN'), 'begin'],
  [Buffer.from('COMMIT'), 'commit'],
  [Buffer.from('ROLLBACK'), 'rollback'],
  [Buffer.from('SAVEPOINT'), 'savepoint'],
  [Buffer.from('RELEASE'), 'savepoint'],
  [Buffer.from('XA'), 'xa'],
];

/**
 * What kind of statement a text of the binlog is, by its first word, without making a string.
 * ROLLBACK TO is a `savepoint`; a text of comments alone (`# Dummy event ..` of MariaDB, `-- dummy`) is `nothing`.
 */
export function queryKind(bytes: Uint8Array, start: number, end: number): QueryKind {
  for (let i = 0; i < WORDS.length; i++) {
    const [word, kind] = WORDS[i]!;
    if (!startsWithWord(bytes, start, end, word)) continue;
    if (kind === 'rollback' && end - start > word.length)
      return isRollbackTo(bytes, start, end) ? 'savepoint' : kind;
    return kind;
  }
  return isComment(bytes, start, end) ? 'nothing' : 'other';
}

function startsWithWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const { length } = word;
  if (end - start < length) return false;
  for (let i = 0; i < length; i++) if ((bytes[start + i]! & 0xdf) !== word[i]) return false;
  if (end - start === length) return true;
  const next = bytes[start + length]! | 0x20;
  return !((next >= 0x61 && next <= 0x7a) || next === 0x5f || (next >= 0x30 && next <= 0x39));
}

function isRollbackTo(bytes: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, 64)).toString(
    'latin1',
  );
  return /^ROLLBACK\s+(?:WORK\s+)?TO\b/i.test(text);
}

/** Whether a text is one line comment and nothing else. */
function isComment(bytes: Uint8Array, start: number, end: number): boolean {
  const isHash = bytes[start] === 0x23;
  const isDashes = bytes[start] === 0x2d && bytes[start + 1] === 0x2d;
  if (start < end && !isHash && !isDashes) return false;
  for (let i = start; i < end; i++) if (bytes[i] === 0x0a) return false;
  return true;
}
