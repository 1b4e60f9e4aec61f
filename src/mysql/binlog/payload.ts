import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { Failure, messageOf } from '../../base/errors.ts';
import { lenencBytes, lenencValue, uint32 } from './bytes.ts';
import { HEADER_BYTES } from './event-type.ts';

/** Node has it from 22.15 and 23.8 on. */
const nativeZstd = (
  zlib as { zstdDecompressSync?: (data: Uint8Array, options: { maxOutputLength: number }) => Buffer }
).zstdDecompressSync;

/** Payloads of up to this size are unpacked in one go; larger ones piece by piece. */
const ONE_GO_BYTES = 64 << 20;
/** The server's own bound of an event. */
const MAX_EVENT_BYTES = 1 << 30;

const FIELD_END = 0;
const FIELD_COMPRESSION = 2;
const FIELD_UNCOMPRESSED_BYTES = 3;
const COMPRESSION_ZSTD = 0;
const COMPRESSION_NONE = 255;

interface Payload {
  readonly compression: number;
  readonly uncompressedBytes: number;
  readonly data: Buffer;
}

/**
 * Unpacks a TRANSACTION_PAYLOAD event at `bytes[start..end)` (checksum excluded) and hands its inner events, which have no
 * checksums, to `onEvent`. Memory is bounded by the largest inner event, whatever the size of the transaction.
 * The body: fields (type, length, value; all length-encoded) up to a 0, then the events, compressed with zstd.
 * @throws Failure when it cannot be unpacked.
 */
export function readPayload(
  bytes: Buffer,
  start: number,
  end: number,
  onEvent: (bytes: Buffer, start: number, end: number) => void,
): void {
  const payload = readFields(bytes, start + HEADER_BYTES, end);
  const events = new EventAssembler(onEvent);
  if (payload.compression === COMPRESSION_NONE) {
    events.push(payload.data);
  } else if (payload.compression === COMPRESSION_ZSTD) {
    for (const chunk of unpack(payload, events)) events.push(chunk);
  } else {
    throw new Failure(`a transaction payload is compressed in an unknown way (${payload.compression})`);
  }
  events.end();
}

function readFields(bytes: Buffer, start: number, end: number): Payload {
  let o = start;
  let compression = COMPRESSION_ZSTD;
  let uncompressedBytes = 0;
  while (o < end) {
    const field = lenencValue(bytes, o);
    o += lenencBytes(bytes, o);
    if (field === FIELD_END) break;
    const length = lenencValue(bytes, o);
    o += lenencBytes(bytes, o);
    if (field === FIELD_COMPRESSION) compression = lenencValue(bytes, o);
    if (field === FIELD_UNCOMPRESSED_BYTES) uncompressedBytes = lenencValue(bytes, o);
    o += length;
  }
  return { compression, uncompressedBytes, data: bytes.subarray(o, end) };
}

/** Gives the pieces it got at once; others go to `events` while this runs. */
function unpack({ data, uncompressedBytes }: Payload, events: EventAssembler): Buffer[] {
  if (nativeZstd !== undefined && uncompressedBytes <= ONE_GO_BYTES) {
    return [guarded(() => nativeZstd(data, { maxOutputLength: ONE_GO_BYTES }))];
  }
  const stream = new Decompress((chunk) => {
    events.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  });
  // Errors of the receiver of the events must come out as they are, so only fzstd's own are translated.
  guarded(() => stream.push(data, true));
  return [];
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error;
    throw new Failure(`a compressed transaction cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}

/** Cuts a stream of bytes into events, each whole in one buffer. */
class EventAssembler {
  readonly #onEvent: (bytes: Buffer, start: number, end: number) => void;
  /** Pieces of an event that has begun and not ended. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  constructor(onEvent: (bytes: Buffer, start: number, end: number) => void) {
    this.#onEvent = onEvent;
  }

  push(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#pieceBytes += chunk.length;
    if (this.#pieceBytes < this.#wantedBytes()) {
      // A copy: the decompressor may use its buffer again.
      this.#pieces[this.#pieces.length - 1] = Buffer.from(chunk);
      return;
    }
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    let o = 0;
    while (bytes.length - o >= HEADER_BYTES) {
      const size = eventBytes(bytes, o);
      if (bytes.length - o < size) break;
      this.#onEvent(bytes, o, o + size);
      o += size;
    }
    this.#pieces = o === bytes.length ? [] : [Buffer.from(bytes.subarray(o))];
    this.#pieceBytes = bytes.length - o;
  }

  end(): void {
    if (this.#pieceBytes > 0) throw new Failure('a compressed transaction ends within an event');
  }

  /** Bytes that must be there before an event is whole, as far as is known. */
  #wantedBytes(): number {
    const first = this.#pieces[0]!;
    return first.length < HEADER_BYTES ? HEADER_BYTES : eventBytes(first, 0);
  }
}

function eventBytes(bytes: Buffer, start: number): number {
  const size = uint32(bytes, start + 9);
  if (size < HEADER_BYTES || size > MAX_EVENT_BYTES) {
    throw new Failure(`a compressed transaction has an event of ${size} bytes`);
  }
  return size;
}
