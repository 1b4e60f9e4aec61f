import { invariant } from '../base/errors.ts';
import type { Chunk, KeyRange } from './chunk.ts';
import type { Key } from './key.ts';

/** Where a key lies while chunks are being copied; `unknown` where only the server can tell (I4). */
export type Place =
  /** Above the high watermark: its row will be read by a chunk that has not been dispatched. */
  | 'above'
  /** In a range that is copied. */
  | 'copied'
  /** Only the server's collation can tell. */
  | 'unknown'
  /** In the range of this chunk, which is in flight. */
  | Chunk;

/** What the watermark needs of a KeyCodec. */
export interface KeyOrder {
  readonly comparable: boolean;
  compare(a: Key, b: Key): number;
}

/** Whether a range has this key, by an order that JS knows. */
export function isWithin(order: KeyOrder, { after, upTo }: KeyRange, key: Key): boolean {
  return (
    (after === null || order.compare(key, after) > 0) && (upTo === null || order.compare(key, upTo) <= 0)
  );
}

/**
 * Which ranges of the key space have been handed out and which are copied.
 *
 * States: empty (nothing dispatched: every key is above) -> copying (some chunks dispatched; the high
 * watermark is the upper end of the last of them; out-of-order completions are kept until the gap below them
 * closes) -> complete (the open-ended chunk was dispatched and all have been completed: every key is copied).
 */
export class Watermark {
  readonly #order: KeyOrder;
  readonly #flights = new Map<number, Chunk>();
  /** Completed chunks above a gap, by number. */
  readonly #parked = new Map<number, Chunk>();
  #dispatched = 0;
  #nextToSettle = 0;
  #high: Key | null = null;
  #low: Key | null = null;
  #ended = false;

  constructor(order: KeyOrder) {
    this.#order = order;
  }

  /** True when everything has been dispatched and completed. */
  get complete(): boolean {
    return this.#ended && this.#flights.size === 0;
  }

  /** Upper end of the last chunk dispatched; null before the first and after the open-ended one. */
  get high(): Key | null {
    return this.#high;
  }

  /**
   * All at or below is copied: the contiguous prefix of completed chunks (I8). Null = nothing, or all when
   * `complete`.
   */
  get low(): Key | null {
    return this.#low;
  }

  /** How many chunks have been dispatched so far. */
  get dispatched(): number {
    return this.#dispatched;
  }

  /** True once the open-ended chunk was dispatched. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The chunks in flight, in the order of dispatch. */
  get flights(): readonly Chunk[] {
    return [...this.#flights.values()];
  }

  /**
   * Continues where an earlier run stopped: everything up to `low` counts as copied.
   * Only before the first dispatch.
   */
  resumeAfter(low: Key): void {
    invariant(this.#dispatched === 0, 'the watermark was resumed after a dispatch');
    this.#low = low;
    this.#high = low;
  }

  /** Continues where an earlier run stopped: everything is copied. Only before the first dispatch. */
  resumeComplete(): void {
    invariant(this.#dispatched === 0, 'the watermark was resumed after a dispatch');
    this.#ended = true;
  }

  /**
   * A range is handed to a worker. From now on keys in it are in flight. Ranges must come in order, without
   * gaps.
   */
  dispatch(chunk: Chunk): void {
    invariant(!this.#ended, `chunk ${chunk.number} was dispatched after the last one`);
    invariant(chunk.number === this.#dispatched, `chunk ${chunk.number} was dispatched out of turn`);
    invariant(chunk.range.after === this.#high, `chunk ${chunk.number} does not begin at the high watermark`);
    this.#dispatched += 1;
    this.#flights.set(chunk.number, chunk);
    this.#high = chunk.range.upTo;
    if (chunk.range.upTo === null) this.#ended = true;
  }

  /** The chunk has been committed in the ghost. */
  settle(chunk: Chunk): void {
    invariant(this.#flights.delete(chunk.number), `chunk ${chunk.number} was settled but is not in flight`);
    this.#parked.set(chunk.number, chunk);
    for (;;) {
      const next = this.#parked.get(this.#nextToSettle);
      if (!next) return;
      this.#parked.delete(this.#nextToSettle);
      this.#nextToSettle += 1;
      this.#low = next.range.upTo;
    }
  }

  /** Where `key` lies now. */
  place(key: Key): Place {
    if (this.complete) return 'copied';
    if (!this.#ended && this.#high === null) return 'above';
    if (!this.#order.comparable) return 'unknown';
    if (this.isAbove(key)) return 'above';
    for (const chunk of this.#flights.values()) if (isWithin(this.#order, chunk.range, key)) return chunk;
    return 'copied';
  }

  /** True when `key` provably lies above the high watermark. */
  isAbove(key: Key): boolean {
    if (this.#ended) return false;
    return this.#high === null || this.#order.compare(key, this.#high) > 0;
  }
}
