import { uint32 } from './bytes.ts';
import { HEADER_BYTES } from './event-type.ts';

/**
 * The name of an XA transaction as the stream uses it: `X'gtrid',X'bqual',format`, which is also how the servers write it
 * in the binlog and XA RECOVER (FORMAT='SQL') prints it.
 */
export function formatXid(gtridHex: string, bqualHex: string, format: number): string {
  return `X'${gtridHex.toLowerCase()}',X'${bqualHex.toLowerCase()}',${format}`;
}

/** The XID whose bytes (gtrid, then bqual) lie at `offset`. */
export function xidKey(
  format: number,
  bytes: Buffer,
  offset: number,
  gtridBytes: number,
  bqualBytes: number,
): string {
  const middle = offset + gtridBytes;
  const gtrid = bytes.toString('hex', offset, middle);
  return formatXid(gtrid, bytes.toString('hex', middle, middle + bqualBytes), format);
}

/** What an XA_PREPARE event says. */
export interface XaPrepareEvent {
  readonly xid: string;
  /** XA COMMIT .. ONE PHASE: the transaction is committed by this event. */
  readonly onePhase: boolean;
}

/** Reads an XA_PREPARE event: one phase 1, format 4, length of gtrid 4, length of bqual 4, the bytes. */
export function readXaPrepare(bytes: Buffer, start: number): XaPrepareEvent {
  const o = start + HEADER_BYTES;
  const xid = xidKey(uint32(bytes, o + 1), bytes, o + 13, uint32(bytes, o + 5), uint32(bytes, o + 9));
  return { xid, onePhase: bytes[o] !== 0 };
}

/** A statement of the XA family in the binlog. */
export interface XaStatement {
  readonly verb: 'start' | 'end' | 'prepare' | 'commit' | 'rollback';
  readonly xid: string;
  readonly onePhase: boolean;
}

const XA_STATEMENT =
  /^\s*XA\s+(START|BEGIN|END|PREPARE|COMMIT|ROLLBACK)\s+X'([0-9a-f]*)'(?:\s*,\s*X'([0-9a-f]*)')?(?:\s*,\s*(\d+))?\s*(ONE\s+PHASE)?/i;

/** Reads `XA COMMIT X'..',X'..',1` and its like; null when the text is something else. */
export function parseXaStatement(sql: string): XaStatement | null {
  const match = XA_STATEMENT.exec(sql);
  if (match === null) return null;
  const word = match[1]!.toLowerCase();
  return {
    verb: (word === 'begin' ? 'start' : word) as XaStatement['verb'],
    xid: formatXid(match[2]!, match[3] ?? '', Number(match[4] ?? 1)),
    onePhase: match[5] !== undefined,
  };
}
