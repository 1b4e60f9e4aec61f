import { Failure } from '../../base/errors.ts';
import { sameBytes, uint32, uint64 } from './bytes.ts';
import { EventType, HEADER_BYTES } from './event-type.ts';
import type { DomainGtid } from './stream-position.ts';
import { xidKey } from './xid.ts';

/** A MySQL GTID: source (`uuid` or `uuid:tag`) and number. */
export interface MysqlGtid {
  source: string;
  number: number;
}

/**
 * Reads MySQL's GTID events. Keeps the last source, so that the text of a uuid is built when it changes, not once per
 * transaction.
 */
export class GtidReader {
  readonly #lastUuid = Buffer.alloc(16);
  #lastSource = '';

  /** @throws Failure for a number that JavaScript cannot hold, or an unknown layout. */
  read(type: number, bytes: Buffer, start: number, end: number): MysqlGtid {
    const gtid =
      type === EventType.GtidTagged ? readTagged(bytes, start, end) : this.#readClassic(bytes, start);
    if (!Number.isSafeInteger(gtid.number)) {
      throw new Failure(`GTID number ${gtid.number} of ${gtid.source} is too large to be followed exactly`, {
        hint: 'Use binlog file and position instead (gtid off).',
      });
    }
    return gtid;
  }

  /** Layout: flags 1, uuid 16, number 8, and times that we do not need. */
  #readClassic(bytes: Buffer, start: number): MysqlGtid {
    const uuid = start + HEADER_BYTES + 1;
    if (this.#lastSource === '' || !sameBytes(this.#lastUuid, 0, bytes, uuid, 16)) {
      bytes.copy(this.#lastUuid, 0, uuid, uuid + 16);
      this.#lastSource = formatUuid(this.#lastUuid);
    }
    return { source: this.#lastSource, number: uint64(bytes, uuid + 16) };
  }
}

function formatUuid(uuid: Buffer): string {
  const hex = uuid.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const FIELD_FLAGS = 0;
const FIELD_UUID = 1;
const FIELD_NUMBER = 2;
const FIELD_TAG = 3;

/**
 * GTID_TAGGED (8.3 and later): a message of mysql::serialization, of which we need the fields uuid (16 numbers), number
 * (signed) and tag (string); see Gtid_event::define_fields of the server's libs/mysql/binlog/event/control_events.h.
 */
function readTagged(bytes: Buffer, start: number, end: number): MysqlGtid {
  const message = new Varints(bytes, start + HEADER_BYTES, end);
  const version = message.next();
  message.next(); // size of the message
  message.next(); // last field that must be understood
  let field = message.next();
  if (field === FIELD_FLAGS) {
    message.next();
    field = message.next();
  }
  const uuid = Buffer.alloc(16);
  if (field === FIELD_UUID) for (let i = 0; i < 16; i++) uuid[i] = message.next();
  const numberField = message.next();
  const coded = message.next();
  // Signed numbers are zigzag coded, and a GTID's is positive.
  if (version !== 1 || field !== FIELD_UUID || numberField !== FIELD_NUMBER || coded % 2 !== 0) {
    throw new Failure('a tagged GTID event has an unknown layout');
  }
  const number = coded / 2;
  const tag = message.next() === FIELD_TAG ? message.text(message.next()) : '';
  const name = formatUuid(uuid);
  return { source: tag === '' ? name : `${name}:${tag}`, number };
}

/** Variable-length numbers of mysql::serialization: the ones at the low end of the first byte count the bytes that follow. */
class Varints {
  readonly #bytes: Buffer;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  next(): number {
    if (this.#offset >= this.#end) return -1;
    const first = this.#bytes[this.#offset++]!;
    let more = 0;
    while (more < 8 && (first >> more) & 1) more++;
    let rest = 0;
    for (let i = 0; i < more; i++) rest += this.#bytes[this.#offset + i]! * 2 ** (8 * i);
    this.#offset += more;
    if (more >= 7) return rest;
    return (first >> (more + 1)) + rest * 2 ** (7 - more);
  }

  text(length: number): string {
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.toString('latin1', start, Math.min(this.#offset, this.#end)).toLowerCase();
  }
}

/** What a MariaDB GTID event says about the group of events that it begins. */
export interface MariadbGroup {
  readonly gtid: DomainGtid;
  /** A single event follows (DDL, XA COMMIT): no COMMIT ends it. */
  readonly standalone: boolean;
  /** The XID, where the group is an XA transaction up to its PREPARE. */
  readonly preparedXid: string | null;
}

const STANDALONE = 0x01;
const GROUP_COMMIT_ID = 0x02;
const PREPARED_XA = 0x40;

/**
 * Reads MariaDB's GTID event: sequence 8, domain 4, flags 1, where flagged a commit id 8, where flagged an XID (format 4,
 * two lengths, the bytes); the server id is in the header.
 * @throws Failure for a number that JavaScript cannot hold.
 */
export function readMariadbGroup(bytes: Buffer, start: number): MariadbGroup {
  let o = start + HEADER_BYTES;
  const gtid = { domain: uint32(bytes, o + 8), server: uint32(bytes, start + 5), sequence: uint64(bytes, o) };
  if (!Number.isSafeInteger(gtid.sequence)) {
    throw new Failure(
      `GTID ${gtid.domain}-${gtid.server}-${gtid.sequence} is too large to be followed exactly`,
    );
  }
  const flags = bytes[o + 12]!;
  o += 13;
  if (flags & GROUP_COMMIT_ID) o += 8;
  const preparedXid = flags & PREPARED_XA ? readXid(bytes, o) : null;
  return { gtid, standalone: (flags & STANDALONE) !== 0, preparedXid };
}

function readXid(bytes: Buffer, o: number): string {
  return xidKey(uint32(bytes, o), bytes, o + 6, bytes[o + 4]!, bytes[o + 5]!);
}
