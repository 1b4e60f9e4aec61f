import type { Key, KeyCodec } from './key.ts';
import type { Position } from './position.ts';
import type { TableDefinition } from './table.ts';
import type { TableRef } from './table-ref.ts';

/** One row of the changelog as it came back through the stream. */
export interface ChangelogRow {
  readonly id: number;
  /** Number of the mark. */
  readonly sequence: number;
  /** Wall-clock time at which the mark was written, ms since the epoch, by our own clock. */
  readonly writtenAtMs: number;
}

/** Something in the stream that is not a row change of a table that we follow, but that a migration must know. */
export type StreamNotice =
  /** DDL that names one of the watched tables (or cannot be parsed and mentions one of their names). */
  | { readonly kind: 'ddl'; readonly sql: string; readonly schema: string; readonly threadId: number }
  /** A data change to a followed table that came as a statement (binlog_format=STATEMENT): rows unknown. */
  | { readonly kind: 'statement'; readonly sql: string; readonly schema: string }
  /** A row image without the key's columns (MINIMAL or NOBLOB with another key than the primary). */
  | { readonly kind: 'key-absent'; readonly table: TableRef }
  /** A TABLE_MAP of a followed table that disagrees with the captured definition. */
  | { readonly kind: 'definition-changed'; readonly table: TableRef; readonly detail: string };

/**
 * Who receives the stream. All calls are synchronous, in the order of the binlog, between two turns of the event loop;
 * after a reconnect the transactions since the last whole one come again.
 */
export interface ChangeSink {
  /**
   * A row change touched this key. Comes as soon as it is read; for an XA transaction when its XA COMMIT is read.
   * An update that keeps its key touches it once; one that changes it touches the old key (deleted) and the new.
   * @param table the subscription's `role`.
   */
  touched(role: string, key: Key, deleted: boolean): void;
  /** A row of the changelog was written. */
  marked(row: ChangelogRow): void;
  /** The transaction (or stand-alone event) that ends here is whole. */
  committed(position: Position): void;
  /** See StreamNotice; the receiver decides what it means. It may change subscriptions before it returns. */
  noticed(notice: StreamNotice): void;
}

/** A table whose row changes are followed. */
export interface Subscription {
  readonly role: string;
  readonly definition: TableDefinition;
  readonly codec: KeyCodec;
}

/** The change stream as stages and migrator see it. */
export interface ChangeStream {
  /** Follow row changes of `table` from here on, replacing a former subscription; null stops. Synchronous. */
  subscribe(table: TableRef, subscription: Subscription | null): void;
  /** Watch DDL and statements that name these tables, besides the subscribed ones. */
  watch(tables: readonly TableRef[]): void;
  /** The changelog's rows are handed to `marked`. */
  followChangelog(table: TableRef): void;
  /** Where the server is now: a position that a later `start` can begin from (I1). */
  currentPosition(): Promise<Position>;
  /** Reads until `signal` aborts; reconnects by itself within its bounds. @throws Failure when it cannot go on. */
  run(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void>;
  /** Resolves when the first connection of `run` delivers. */
  ready(signal: AbortSignal): Promise<void>;
  /** Stops reading from the socket; at most one read chunk is still delivered. Idempotent. */
  pause(): void;
  resume(): void;
  /** A position from the text of an earlier one. @throws UsageError when it is not one. */
  parsePosition(text: string): Position;
  /** Figures for status and metrics. */
  readonly stats: StreamStats;
}

/** Figures of a change stream. */
export interface StreamStats {
  readonly connected: boolean;
  readonly paused: boolean;
  readonly bytes: number;
  readonly events: number;
  readonly transactions: number;
  readonly rows: number;
  readonly reconnects: number;
  /** Time of the last packet (clock.nowMs), heartbeats included. */
  readonly lastPacketMs: number;
  /** Position after the last whole transaction read. */
  readonly position: Position | null;
  /** Rows inserted into the subscribed tables less those deleted, as read so far; what is read twice counts twice. */
  readonly growth: number;
}
