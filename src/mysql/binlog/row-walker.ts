import { Failure } from '../../base/errors.ts';
import { lenencBytes, lenencValue } from './bytes.ts';
import type { RowsKind } from './event-type.ts';
import type { RowPlan } from './row-plan.ts';

/** In `starts`: the column is not in the image (row_image MINIMAL or NOBLOB). */
export const ABSENT = -2;
/** In `starts`: the column is NULL. */
export const NULL = -1;

/** Where the wanted columns of a row image lie: `starts[ordinal]..ends[ordinal]`, or ABSENT or NULL in `starts`. */
export interface ImagePlaces {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Places for a table of so many columns. */
export function makePlaces(columnCount: number): ImagePlaces {
  return { starts: new Int32Array(columnCount), ends: new Int32Array(columnCount) };
}

/** Who gets the rows of an event. Places are overwritten by the next row. */
export interface RowVisitor {
  readonly plan: RowPlan;
  readonly before: ImagePlaces;
  readonly after: ImagePlaces;
  /** A row was written: its image is in `after`. */
  written(bytes: Buffer): void;
  /** A row was deleted: its image is in `before`. */
  deleted(bytes: Buffer): void;
  /** A row was updated: both images are set. */
  updated(bytes: Buffer): void;
}

/** Which columns an image has: null means all of them. */
export interface PresentColumns {
  readonly count: number;
  readonly flags: Uint8Array;
}

/** Reads a columns-present bitmap of `columnCount` bits at `offset`; null when all are set. */
export function readPresent(bytes: Uint8Array, offset: number, columnCount: number): PresentColumns | null {
  if (allSet(bytes, offset, columnCount)) return null;
  const flags = new Uint8Array(columnCount);
  let count = 0;
  for (let i = 0; i < columnCount; i++) {
    const bit = (bytes[offset + (i >> 3)]! >> (i & 7)) & 1;
    flags[i] = bit;
    count += bit;
  }
  return { count, flags };
}

function allSet(bytes: Uint8Array, offset: number, columnCount: number): boolean {
  const whole = columnCount >> 3;
  for (let i = 0; i < whole; i++) if (bytes[offset + i] !== 0xff) return false;
  const rest = (1 << (columnCount & 7)) - 1;
  return rest === 0 || (bytes[offset + whole]! & rest) === rest;
}

/** What the bitmaps in front of the rows say. */
export interface RowsLayout {
  readonly kind: RowsKind;
  readonly partialJson: boolean;
  /** Columns of the first image (before image of UPDATE and DELETE, the row of WRITE). */
  readonly first: PresentColumns | null;
  /** Columns of the after image of an UPDATE. */
  readonly second: PresentColumns | null;
}

/**
 * Walks the row images of ROWS events to find where the wanted columns lie: the hot path of the stream.
 * Nothing is decoded and nothing allocated. One instance serves all tables.
 *
 * An image is: a bitmap of NULLs (a bit for each column present), then the values of the columns that are present and not
 * NULL. After images of PARTIAL_UPDATE_ROWS begin with value options and, where set, a bit for each JSON column.
 */
export class RowWalker {
  #bytes: Buffer = Buffer.alloc(0);
  #offset = 0;

  /**
   * Walks the rows at `bytes[start..end)`.
   * @returns how many there were.
   * @throws Failure when the last row does not end at `end`: the plan does not fit the rows.
   */
  walk(visitor: RowVisitor, layout: RowsLayout, bytes: Buffer, start: number, end: number): number {
    const { plan, before, after } = visitor;
    let rows = 0;
    this.#bytes = bytes;
    this.#offset = start;
    // At least once: under MINIMAL a row of nothing but defaults is an image of no bytes, which must not go unseen.
    do {
      const rowStart = this.#offset;
      switch (layout.kind) {
        case 'write':
          this.#image(plan, layout.first, after, end);
          visitor.written(bytes);
          break;
        case 'delete':
          this.#image(plan, layout.first, before, end);
          visitor.deleted(bytes);
          break;
        case 'update':
          this.#image(plan, layout.first, before, end);
          if (layout.partialJson) this.#skipValueOptions(plan);
          this.#image(plan, layout.second, after, end);
          visitor.updated(bytes);
          break;
      }
      if (this.#offset === rowStart && rowStart < end) throw malformed();
      rows++;
    } while (this.#offset < end);
    if (this.#offset !== end) throw malformed();
    return rows;
  }

  #image(plan: RowPlan, present: PresentColumns | null, places: ImagePlaces, end: number): void {
    const columns = present === null ? plan.columnCount : present.count;
    const nulls = this.#offset;
    const nullBytes = (columns + 7) >> 3;
    if (present === null && this.#noneNull(nulls, columns)) {
      this.#offset = this.#plainImage(plan, places, nulls + nullBytes);
    } else {
      this.#offset = this.#anyImage(plan, present, places, nulls, nulls + nullBytes);
    }
    // Also where a length was read beyond the buffer: NaN is not within any bound.
    if (!(this.#offset <= end)) throw malformed();
  }

  #noneNull(offset: number, columns: number): boolean {
    const bytes = this.#bytes;
    const whole = columns >> 3;
    for (let i = 0; i < whole; i++) if (bytes[offset + i] !== 0) return false;
    // The server sets the unused bits of the last byte.
    const rest = (1 << (columns & 7)) - 1;
    return rest === 0 || (bytes[offset + whole]! & rest) === 0;
  }

  /** All columns are there and none is NULL. @returns the offset behind the image. */
  #plainImage(plan: RowPlan, places: ImagePlaces, start: number): number {
    const bytes = this.#bytes;
    const { count, skip, fixed, prefix, ordinal, tail } = plan.steps;
    const { starts, ends } = places;
    let o = start;
    for (let i = 0; i < count; i++) {
      o += skip[i]!;
      let length: number;
      switch (prefix[i]) {
        case 0:
          length = fixed[i]!;
          break;
        case 1:
          length = bytes[o++]!;
          break;
        case 2:
          length = bytes[o]! | (bytes[o + 1]! << 8);
          o += 2;
          break;
        case 3:
          length = bytes[o]! | (bytes[o + 1]! << 8) | (bytes[o + 2]! << 16);
          o += 3;
          break;
        default:
          length = (bytes[o]! | (bytes[o + 1]! << 8) | (bytes[o + 2]! << 16) | (bytes[o + 3]! << 24)) >>> 0;
          o += 4;
      }
      const at = ordinal[i]!;
      if (at >= 0) {
        starts[at] = o;
        ends[at] = o + length;
      }
      o += length;
    }
    return o + tail;
  }

  /** Some columns are NULL or absent. @returns the offset behind the image. */
  #anyImage(
    plan: RowPlan,
    present: PresentColumns | null,
    places: ImagePlaces,
    nulls: number,
    start: number,
  ): number {
    const bytes = this.#bytes;
    const { columnCount, fixed, prefix } = plan;
    const { starts, ends } = places;
    let o = start;
    let bit = 0;
    for (let i = 0; i < columnCount; i++) {
      if (present !== null && present.flags[i] === 0) {
        starts[i] = ABSENT;
        continue;
      }
      const isNull = (bytes[nulls + (bit >> 3)]! >> (bit & 7)) & 1;
      bit++;
      if (isNull === 1) {
        starts[i] = NULL;
        continue;
      }
      let length = fixed[i]!;
      const size = prefix[i]!;
      if (size > 0) {
        length = bytes.readUIntLE(Math.min(o, bytes.length - size), size);
        o += size;
      }
      starts[i] = o;
      o += length;
      ends[i] = o;
    }
    return o;
  }

  #skipValueOptions(plan: RowPlan): void {
    const options = lenencValue(this.#bytes, this.#offset);
    this.#offset += lenencBytes(this.#bytes, this.#offset);
    if ((options & 1) === 1) this.#offset += (plan.jsonCount + 7) >> 3;
  }
}

function malformed(): Failure {
  return new Failure('the rows of a binlog event do not have the shape that its TABLE_MAP tells', {
    hint: 'Nothing was lost silently: report this with the table definition and the server version.',
  });
}
