import { Failure, Transient } from '../../base/errors.ts';
import type { ChangeSink } from '../../core/stream.ts';
import { uint32 } from './bytes.ts';
import { ChecksumGuard } from './checksum-guard.ts';
import { EventFlag, EventType, HEADER_BYTES, isArtificial, isHarmless, ROWS_TRAITS } from './event-type.ts';
import type { FollowedTables } from './followed-tables.ts';
import { readMariadbGroup } from './gtid-event.ts';
import { type PositionLedger, readRotate } from './ledger.ts';
import { readPayload } from './payload.ts';
import type { HeldTouches, PreparedTransactions } from './prepared-transactions.ts';
import { queryKind, queryTextOffset, readQuery } from './query-event.ts';
import { RowWalker } from './row-walker.ts';
import { walkRowsEvent } from './rows-event.ts';
import { statementMeaning } from './statement.ts';
import type { StreamFigures } from './stream-figures.ts';
import { tableIdOf } from './table-map.ts';
import type { WatchedTables } from './watched-tables.ts';
import { parseXaStatement, readXaPrepare } from './xid.ts';

/** What a reader works on; all of it outlives a connection. */
export interface EventReaderParts {
  readonly tables: FollowedTables;
  readonly watched: WatchedTables;
  readonly prepared: PreparedTransactions;
  readonly ledger: PositionLedger;
  readonly sink: ChangeSink;
  readonly figures: StreamFigures;
  /** Whether the XID may have been prepared before the stream began with rows that nobody saw. */
  readonly mayBeUnseen: (xid: string) => boolean;
}

/**
 * Reads the events of one connection: rows become touches, ends of transactions become positions, statements notices.
 *
 * States of a transaction, by `#open`:
 *  - none  outside. BEGIN, XA START or a GTID event of MariaDB that is not standalone open one; a statement that comes
 *          here is a transaction of its own and ends where it ends.
 *  - open  until XID, COMMIT, ROLLBACK or XA PREPARE. Statements inside (SAVEPOINT, CREATE TABLE of CREATE .. SELECT) end nothing.
 * An XA transaction keeps its touches in `#collected` while it is open, and leaves them with `prepared` at its PREPARE.
 * What is open when a file begins or the connection ends was cut off: it is dropped, and comes again if it was real.
 */
export class EventReader {
  readonly #parts: EventReaderParts;
  readonly #walker = new RowWalker();
  #open = false;
  #collected: HeldTouches | null = null;
  /** A GTID event was read and its transaction has not ended. */
  #pending = false;
  readonly #checksums = new ChecksumGuard();
  /** End offset of the event on the wire; inner events of a payload have none of their own. */
  #endOffset = 0;

  constructor(parts: EventReaderParts) {
    this.#parts = parts;
    this.#cutOff();
  }

  /**
   * Takes one event as it came over the wire, at `bytes[start..end)`.
   * @throws Transient for damage on the way; Failure for what cannot be read; whatever the sink throws.
   */
  packet(bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size < HEADER_BYTES || uint32(bytes, start + 9) !== size) {
      throw new Transient(`a binlog event has ${size} bytes, which is not what its header says`);
    }
    const type = bytes[start + 4]!;
    const { figures } = this.#parts;
    figures.bytes += size;
    figures.events++;
    const bodyEnd = this.#checksums.bodyEnd(type, bytes, start, end);
    this.#endOffset = uint32(bytes, start + 13);
    this.#event(type, bytes, start, bodyEnd);
  }

  #event(type: number, bytes: Buffer, start: number, end: number): void {
    const { tables, figures } = this.#parts;
    const traits = ROWS_TRAITS[type];
    if (traits !== undefined) {
      const visitor = tables.visitor(tableIdOf(bytes, start));
      if (visitor == null) return;
      figures.rows += walkRowsEvent(this.#walker, visitor, traits, bytes, start, end);
      return;
    }
    switch (type) {
      case EventType.TableMap:
        tables.map(bytes, start, end);
        return;
      case EventType.Xid:
        this.#commit();
        return;
      case EventType.Query:
        this.#query(type, bytes, start, end, queryTextOffset(bytes, start));
        return;
      case EventType.MariadbQueryCompressed:
      case EventType.ExecuteLoadQuery:
        this.#statement(type, bytes, start, end);
        return;
      case EventType.Gtid:
      case EventType.GtidTagged:
      case EventType.AnonymousGtid:
      case EventType.MariadbGtid:
        this.#begin(type, bytes, start, end);
        return;
      case EventType.XaPrepare:
        this.#xaPrepare(bytes, start);
        return;
      case EventType.TransactionPayload:
        readPayload(bytes, start, end, (inner, from, to) => this.#event(inner[from + 4]!, inner, from, to));
        return;
      case EventType.FormatDescription:
        // A file begins: the server may have restarted, and numbers its tables anew.
        this.#cutOff();
        return;
      case EventType.Rotate:
        this.#rotate(bytes, start, end);
        return;
      default:
        this.#unknown(type, bytes, start);
    }
  }

  #begin(type: number, bytes: Buffer, start: number, end: number): void {
    const { ledger, prepared } = this.#parts;
    // Nothing ended the last one: it ended where this begins.
    if (this.#pending) this.#commit(this.#endOffset - uint32(bytes, start + 9));
    ledger.begin(type, bytes, start, end);
    this.#pending = true;
    if (type !== EventType.MariadbGtid) return;
    const group = readMariadbGroup(bytes, start);
    this.#open = !group.standalone;
    if (group.preparedXid !== null) this.#collect(prepared.collect());
  }

  #collect(touches: HeldTouches): void {
    if (this.#collected !== null) this.#parts.prepared.discard(this.#collected);
    this.#collected = touches;
    this.#parts.tables.target = touches;
  }

  /** The transaction is whole. */
  #commit(endOffset = this.#endOffset): void {
    const { ledger, figures, prepared, sink } = this.#parts;
    this.#close();
    ledger.commit(endOffset);
    figures.transactions++;
    figures.position = ledger.position;
    sink.committed(prepared.oldest ?? ledger.position);
  }

  #close(): void {
    this.#open = false;
    this.#pending = false;
    if (this.#collected !== null) this.#parts.prepared.discard(this.#collected);
    this.#collected = null;
    this.#parts.tables.target = this.#parts.sink;
  }

  #cutOff(): void {
    this.#close();
    this.#parts.ledger.drop();
    this.#parts.tables.forgetIds();
  }

  #rotate(bytes: Buffer, start: number, end: number): void {
    const { ledger, figures, prepared, sink } = this.#parts;
    const artificial = isArtificial(bytes, start);
    const { file, offset } = readRotate(bytes, start, end);
    this.#cutOff();
    if (!ledger.rotate(file, offset, artificial)) return;
    figures.position = ledger.position;
    sink.committed(prepared.oldest ?? ledger.position);
  }

  #query(type: number, bytes: Buffer, start: number, end: number, text: number): void {
    switch (queryKind(bytes, text, end)) {
      case 'begin':
        this.#open = true;
        return;
      case 'commit':
      case 'rollback':
        this.#commit();
        return;
      case 'savepoint':
      case 'nothing':
        return;
      case 'xa':
        this.#xaStatement(bytes.toString('latin1', text, end));
        return;
      case 'other':
        this.#statement(type, bytes, start, end);
        return;
    }
  }

  #statement(type: number, bytes: Buffer, start: number, end: number): void {
    const { watched, sink } = this.#parts;
    const query = readQuery(type, bytes, start, end);
    if (type === EventType.MariadbQueryCompressed) {
      const kind = queryKind(query.sql, 0, query.sql.length);
      if (kind === 'commit' || kind === 'rollback') {
        this.#commit();
        return;
      }
      if (kind === 'begin') this.#open = true;
      if (kind === 'xa') {
        this.#xaStatement(query.sql.toString('latin1'));
        return;
      }
      if (kind !== 'other') return;
    }
    const meaning = statementMeaning(query, watched.scope());
    if (meaning !== null) {
      const { schema, threadId } = query;
      const sql = watched.describe(query);
      sink.noticed(
        meaning === 'ddl' ? { kind: meaning, sql, schema, threadId } : { kind: meaning, sql, schema },
      );
    }
    if (!this.#open) this.#commit();
  }

  #xaStatement(sql: string): void {
    const { prepared, sink, mayBeUnseen } = this.#parts;
    const statement = parseXaStatement(sql);
    if (statement === null) throw new Failure(`an XA statement cannot be read: ${sql.slice(0, 200)}`);
    const { verb, xid } = statement;
    switch (verb) {
      case 'start':
        this.#open = true;
        this.#collect(prepared.collect());
        return;
      case 'end':
      case 'prepare':
        return;
      case 'rollback':
        prepared.rollback(xid);
        this.#commit();
        return;
      case 'commit':
        if (this.#collected !== null) {
          // One phase: the rows are of this very transaction.
          this.#collected.deliver(sink);
        } else if (prepared.commit(xid, sink) === 'unknown' && mayBeUnseen(xid)) {
          sink.noticed({ kind: 'statement', sql, schema: '' });
        }
        this.#commit();
        return;
    }
  }

  #xaPrepare(bytes: Buffer, start: number): void {
    const { prepared, ledger, sink } = this.#parts;
    const { xid, onePhase } = readXaPrepare(bytes, start);
    const touches = this.#collected ?? prepared.collect();
    this.#collected = null;
    if (onePhase) {
      touches.deliver(sink);
      prepared.discard(touches);
    } else {
      prepared.prepared(xid, touches, ledger.position);
    }
    this.#commit();
  }

  #unknown(type: number, bytes: Buffer, start: number): void {
    if (isHarmless(type) || (bytes[start + 17]! & EventFlag.Ignorable) !== 0) return;
    if (type === EventType.Incident) {
      throw new Failure('the server says in its binlog that events were lost (incident event)', {
        hint: 'Changes are missing in the binlog. Look into the error log of the server, then start over.',
      });
    }
    if (type === EventType.MariadbStartEncryption) return;
    throw new Failure(`the binlog has an event of the unknown type ${type}`, {
      hint: 'It may hold row changes. This server version is not supported yet.',
    });
  }
}
