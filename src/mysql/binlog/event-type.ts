/**
 * Type codes of binlog events: MySQL's `mysql::binlog::event::Log_event_type`, and MariaDB's own from 160 on.
 * The layout of an event: a header of 19 bytes (timestamp 4, type 1, server id 4, size 4, end position 4, flags 2),
 * the body, and a CRC32 of 4 bytes where the file has checksums.
 */
export const EventType = {
  Query: 2,
  Stop: 3,
  Rotate: 4,
  FormatDescription: 15,
  Xid: 16,
  ExecuteLoadQuery: 18,
  TableMap: 19,
  WriteRowsV1: 23,
  UpdateRowsV1: 24,
  DeleteRowsV1: 25,
  Incident: 26,
  WriteRows: 30,
  UpdateRows: 31,
  DeleteRows: 32,
  Gtid: 33,
  AnonymousGtid: 34,
  XaPrepare: 38,
  PartialUpdateRows: 39,
  TransactionPayload: 40,
  GtidTagged: 42,
  MariadbGtid: 162,
  MariadbStartEncryption: 164,
  MariadbQueryCompressed: 165,
  MariadbWriteRowsCompressedV1: 166,
  MariadbUpdateRowsCompressedV1: 167,
  MariadbDeleteRowsCompressedV1: 168,
  MariadbWriteRowsCompressed: 169,
  MariadbUpdateRowsCompressed: 170,
  MariadbDeleteRowsCompressed: 171,
} as const;

/** Bytes of the header that every event has. */
export const HEADER_BYTES = 19;

/** Bytes of the CRC32 behind every event of a file with checksums. */
export const CHECKSUM_BYTES = 4;

/** Header flags. */
export const EventFlag = {
  /** Made up by the dump thread: stands in no file, so its position means nothing. */
  Artificial: 0x20,
  /** May be skipped by who does not know its type. */
  Ignorable: 0x80,
} as const;

/** Whether the event at `start` was made up by the dump thread. */
export function isArtificial(bytes: Uint8Array, start: number): boolean {
  return (bytes[start + 17]! & EventFlag.Artificial) !== 0;
}

/** Types without meaning for us: no row changes, no transaction boundary. */
const HARMLESS = new Set<number>([
  EventType.Stop,
  5, // INTVAR
  9, // APPEND_BLOCK: the file of a LOAD DATA statement
  11, // DELETE_FILE
  13, // RAND
  14, // USER_VAR
  17, // BEGIN_LOAD_QUERY
  27, // HEARTBEAT
  28, // IGNORABLE
  29, // ROWS_QUERY
  35, // PREVIOUS_GTIDS
  36, // TRANSACTION_CONTEXT
  37, // VIEW_CHANGE
  41, // HEARTBEAT_V2
  160, // ANNOTATE_ROWS
  161, // BINLOG_CHECKPOINT
  163, // GTID_LIST
]);

/** Whether an event of this type can be passed over without losing a change. */
export function isHarmless(type: number): boolean {
  return HARMLESS.has(type);
}

/** What happened to the rows of a ROWS event. */
export type RowsKind = 'write' | 'update' | 'delete';

/** The variants of ROWS events. */
export interface RowsTraits {
  readonly kind: RowsKind;
  /** Has the extra data field of version 2. */
  readonly version2: boolean;
  /** JSON columns of the after image may be diffs. */
  readonly partialJson: boolean;
  /** Rows are deflated behind the bitmaps (MariaDB log_bin_compress). */
  readonly compressed: boolean;
}

function rows(kind: RowsKind, version2: boolean, partialJson = false, compressed = false): RowsTraits {
  return { kind, version2, partialJson, compressed };
}

/** By type code; undefined for what is no ROWS event. */
export const ROWS_TRAITS: readonly (RowsTraits | undefined)[] = (() => {
  const table: (RowsTraits | undefined)[] = new Array(256).fill(undefined);
  table[EventType.WriteRowsV1] = rows('write', false);
  table[EventType.UpdateRowsV1] = rows('update', false);
  table[EventType.DeleteRowsV1] = rows('delete', false);
  table[EventType.WriteRows] = rows('write', true);
  table[EventType.UpdateRows] = rows('update', true);
  table[EventType.DeleteRows] = rows('delete', true);
  table[EventType.PartialUpdateRows] = rows('update', true, true);
  table[EventType.MariadbWriteRowsCompressedV1] = rows('write', false, false, true);
  table[EventType.MariadbUpdateRowsCompressedV1] = rows('update', false, false, true);
  table[EventType.MariadbDeleteRowsCompressedV1] = rows('delete', false, false, true);
  table[EventType.MariadbWriteRowsCompressed] = rows('write', true, false, true);
  table[EventType.MariadbUpdateRowsCompressed] = rows('update', true, false, true);
  table[EventType.MariadbDeleteRowsCompressed] = rows('delete', true, false, true);
  return table;
})();
