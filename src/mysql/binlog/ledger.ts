import { Failure } from '../../base/errors.ts';
import { uint64 } from './bytes.ts';
import { EventType, HEADER_BYTES } from './event-type.ts';
import { GtidReader, type MysqlGtid, readMariadbGroup } from './gtid-event.ts';
import {
  type DomainGtid,
  FilePosition,
  GtidPosition,
  type MariadbGtidPosition,
  type StreamPosition,
} from './stream-position.ts';

/**
 * Keeps the position after the last whole transaction. Between `begin` and `commit` a transaction is pending and the
 * position stands still; `drop` forgets a pending one that was cut off.
 */
export interface PositionLedger {
  readonly position: StreamPosition;
  /** A GTID event (of whatever kind) begins a transaction. @throws Failure when it cannot be recorded. */
  begin(type: number, bytes: Buffer, start: number, end: number): void;
  /** The pending transaction is whole and ends at this offset (low 32 bits; 0 where the event does not tell). */
  commit(endOffset: number): void;
  /** A new file begins. @returns whether that moved the position. */
  rotate(file: string, offset: number, artificial: boolean): boolean;
  drop(): void;
}

/** The ledger for a start at `position`. */
export function makeLedger(position: StreamPosition): PositionLedger {
  if (position instanceof FilePosition) return new FileLedger(position);
  if (position instanceof GtidPosition) return new GtidLedger(position);
  return new MariadbLedger(position);
}

const WRAP = 0x1_0000_0000;

/** File and offset. In a file of more than 4 GiB the position stays at the last one that can be asked for. */
class FileLedger implements PositionLedger {
  position: FilePosition;
  #file: string;
  #offset: number;

  constructor(position: FilePosition) {
    this.position = position;
    this.#file = position.file;
    this.#offset = position.offset;
  }

  begin(): void {
    // GTIDs do not matter here.
  }

  commit(endOffset: number): void {
    if (endOffset === 0) return;
    // Offsets are written with 32 bits: a smaller one has passed 4 GiB.
    let offset = endOffset + Math.floor(this.#offset / WRAP) * WRAP;
    if (offset < this.#offset) offset += WRAP;
    this.#offset = offset;
    if (offset < WRAP) this.position = new FilePosition(this.#file, offset);
  }

  rotate(file: string, offset: number, artificial: boolean): boolean {
    // At the begin of a connection the server tells where it starts: that is no news, and must not rewind.
    if (artificial && file === this.#file) return false;
    this.#file = file;
    this.#offset = offset;
    this.position = new FilePosition(file, offset);
    return true;
  }

  drop(): void {
    // The offset has not moved.
  }
}

/** A set of GTIDs, on MySQL. */
class GtidLedger implements PositionLedger {
  position: GtidPosition;
  readonly #reader = new GtidReader();
  #pending: MysqlGtid | null = null;

  constructor(position: GtidPosition) {
    this.position = position;
  }

  begin(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === EventType.AnonymousGtid) {
      throw new Failure('the server writes transactions without GTID, but the stream is followed by GTID', {
        hint: 'gtid_mode has been changed on the server. Start again, by binlog file and position.',
      });
    }
    this.#pending = this.#reader.read(type, bytes, start, end);
  }

  commit(): void {
    if (this.#pending === null) return;
    this.position = new GtidPosition(this.position.set.add(this.#pending.source, this.#pending.number));
    this.#pending = null;
  }

  rotate(): boolean {
    return false;
  }

  drop(): void {
    this.#pending = null;
  }
}

/** The last GTID of each domain, on MariaDB. */
class MariadbLedger implements PositionLedger {
  position: MariadbGtidPosition;
  #pending: DomainGtid | null = null;

  constructor(position: MariadbGtidPosition) {
    this.position = position;
  }

  begin(_type: number, bytes: Buffer, start: number): void {
    this.#pending = readMariadbGroup(bytes, start).gtid;
  }

  commit(): void {
    if (this.#pending === null) return;
    this.position = this.position.add(this.#pending);
    this.#pending = null;
  }

  rotate(): boolean {
    return false;
  }

  drop(): void {
    this.#pending = null;
  }
}

/** What a ROTATE event says: the file that comes, and where in it. */
export function readRotate(bytes: Buffer, start: number, end: number): { file: string; offset: number } {
  const body = start + HEADER_BYTES;
  return { offset: uint64(bytes, body), file: bytes.toString('utf8', body + 8, end) };
}
