import { inflateSync } from 'node:zlib';
import { Failure, messageOf } from '../../base/errors.ts';
import { lenencBytes, lenencValue } from './bytes.ts';
import { HEADER_BYTES, type RowsTraits } from './event-type.ts';
import { type PresentColumns, type RowVisitor, type RowWalker, readPresent } from './row-walker.ts';

/** MariaDB bounds packets, and so events, at a gigabyte. */
const MAX_INFLATED_BYTES = 1 << 30;

/**
 * Reads a ROWS event at `bytes[start..end)` (checksum excluded) and walks its rows.
 * The body: table id 6, flags 2, in version 2 a length-prefixed extra part, the number of columns, a bitmap of the columns
 * present (two for UPDATE), the rows.
 * @returns how many rows there were.
 * @throws Failure when the event does not have the shape of the plan.
 */
export function walkRowsEvent(
  walker: RowWalker,
  visitor: RowVisitor,
  traits: RowsTraits,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  let o = start + HEADER_BYTES + 8;
  if (traits.version2) o += bytes[o]! | (bytes[o + 1]! << 8);
  const columnCount = lenencValue(bytes, o);
  o += lenencBytes(bytes, o);
  if (columnCount !== visitor.plan.columnCount) {
    throw new Failure(
      `a rows event has ${columnCount} columns where its TABLE_MAP has ${visitor.plan.columnCount}`,
    );
  }
  const bitmapBytes = (columnCount + 7) >> 3;
  const first = readPresent(bytes, o, columnCount);
  o += bitmapBytes;
  let second: PresentColumns | null = null;
  if (traits.kind === 'update') {
    second = readPresent(bytes, o, columnCount);
    o += bitmapBytes;
  }
  const layout = { kind: traits.kind, partialJson: traits.partialJson, first, second };
  if (!traits.compressed) return walker.walk(visitor, layout, bytes, o, end);
  const rows = inflateMariadb(bytes, o, end);
  return walker.walk(visitor, layout, rows, 0, rows.length);
}

/**
 * What MariaDB's log_bin_compress packed: a byte with the number of length bytes in its low three bits, the length of the
 * result (big-endian), and a zlib stream.
 * @throws Failure when it is not that.
 */
export function inflateMariadb(bytes: Buffer, start: number, end: number): Buffer {
  const head = bytes[start]!;
  const lengthBytes = head & 0x07;
  if ((head & 0xf0) !== 0x80 || lengthBytes < 1 || lengthBytes > 4) {
    throw new Failure('a compressed binlog event is packed in an unknown way');
  }
  const length = bytes.readUIntBE(start + 1, lengthBytes);
  if (length > MAX_INFLATED_BYTES) throw new Failure(`a compressed binlog event claims ${length} bytes`);
  let inflated: Buffer;
  try {
    inflated = inflateSync(bytes.subarray(start + 1 + lengthBytes, end), { maxOutputLength: length + 1 });
  } catch (error) {
    throw new Failure(`a compressed binlog event cannot be inflated: ${messageOf(error)}`, { cause: error });
  }
  if (inflated.length !== length) {
    throw new Failure(`a compressed binlog event has ${inflated.length} bytes, not ${length}`);
  }
  return inflated;
}
