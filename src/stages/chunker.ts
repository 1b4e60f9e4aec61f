import { invariant } from '../base/errors.ts';
import type { Chunk } from '../core/chunk.ts';
import { ChunkTail } from '../core/chunk-tail.ts';
import type { Key } from '../core/key.ts';
import type { GhostStore } from '../core/store.ts';
import type { Watermark } from '../core/watermark.ts';

/** What a chunker may be told; read again before each chunk. */
export interface ChunkSizing {
  /** Fixed number of rows a chunk, or null for adaptive by time. */
  readonly chunkRows: number | null;
}

/** How large chunks are to be, where their size adapts. */
export interface ChunkerOptions {
  /** Time that one chunk should take, ms; asked again for each. */
  readonly targetMs: () => number;
  readonly rowsStart: number;
  readonly rowsMin: number;
  readonly rowsMax: number;
  /** Told when chunks of the fixed size are too small for the rows that are appended meanwhile. */
  readonly onOutrun?: (rows: number) => void;
}

/** What a chunker does unless it is told otherwise. */
export const chunkerDefaults: ChunkerOptions = {
  targetMs: () => 300,
  rowsStart: 1000,
  rowsMin: 10,
  rowsMax: 100_000,
};

/** Integer keys with this share of rows are so dense that bounds need no looking up. */
const denseShare = 0.8;

/** Smaller chunks are looked up: a YEAR is a number too, but not every number is a YEAR. */
const rowsToReckon = 1000;

/** Growth of the size at one step at the most; shrinking is not bounded. */
const growthMax = 1.5;

/** What a chunker asks the server. */
export type ChunkerStore = Pick<GhostStore, 'bound' | 'last' | 'place'>;

/**
 * Cuts the key space into ranges that tile it: the bounds come from the server, one is looked up ahead while
 * the workers copy. Where keys are integers without many gaps they are reckoned instead: a lookup reads as many
 * keys as the chunk has rows. A reckoned chunk has as many rows as it is wide, at the most; one that has too few
 * (gaps, or the end of the table) makes the next bound a looked-up one. The last range is open-ended, so that rows appended meanwhile belong
 * to it. An end that runs away is caught up with: see core/chunk-tail.ts.
 *
 * States: ready -> looking up (one bound at a time; callers queue) -> ready ... -> ended (the open-ended
 * range was given out).
 */
export class Chunker {
  readonly #store: ChunkerStore;
  readonly #watermark: Watermark;
  readonly #sizing: ChunkSizing;
  readonly #options: ChunkerOptions;
  readonly #tail = new ChunkTail();
  #rows: number;
  /** The bound that was looked up last was about where it can be reckoned to be. */
  #dense = false;
  #queue: Promise<unknown> = Promise.resolve();
  #ahead: { after: Key | null; rows: number; bound: Promise<Key | null> } | null = null;

  constructor(
    store: ChunkerStore,
    watermark: Watermark,
    sizing: ChunkSizing,
    options: Partial<ChunkerOptions> = {},
  ) {
    this.#store = store;
    this.#watermark = watermark;
    this.#sizing = sizing;
    this.#options = { ...chunkerDefaults, ...options };
    this.#rows = this.#options.rowsStart;
  }

  /** Rows that the next chunk aims at. */
  get rows(): number {
    const { chunkRows } = this.#sizing;
    return chunkRows === null ? this.#rows : this.#tail.sized(chunkRows);
  }

  /**
   * Cuts the next chunk and dispatches it in the watermark, in one turn of the event loop: chunks are
   * dispatched in key order.
   * @returns null when the last one has been given out.
   */
  next(signal: AbortSignal): Promise<Chunk | null> {
    const result = this.#queue.then(() => this.#cut(signal));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * Tells how long a chunk took, and how many rows it had: the size follows the target time.
   * @param elapsedMs time of the copy statement alone, without waits for the gate or for marks.
   */
  feedback(chunk: Chunk, rows: number, elapsedMs: number): void {
    if (rows < chunk.rowsAimed * denseShare) this.#dense = false;
    // A chunk measured at another size (looked up before the last change) would make the size swing.
    if (chunk.rowsAimed !== this.#rows) return;
    const { targetMs, rowsMin, rowsMax } = this.#options;
    // An empty or short chunk (gaps, the tail) says nothing of the time a full one takes, but it must be able
    // to grow.
    const measured = Math.max(rows, chunk.rowsAimed / 4);
    const ideal = elapsedMs > 0 ? (measured * targetMs()) / elapsedMs : rowsMax;
    this.#rows = Math.ceil(Math.min(Math.max(ideal, rowsMin), rowsMax, this.#rows * growthMax));
  }

  async #cut(signal: AbortSignal): Promise<Chunk | null> {
    signal.throwIfAborted();
    if (this.#watermark.ended) return null;
    const after = this.#watermark.high;
    await this.#watchTail(after, signal);
    if (this.#ahead === null || this.#ahead.after !== after) this.#lookAhead(after, signal);
    const { rows, bound } = this.#ahead!;
    this.#ahead = null;
    const upTo = await bound;
    invariant(this.#watermark.high === after, 'somebody else dispatched a chunk');
    const chunk = { number: this.#watermark.dispatched, range: { after, upTo }, rowsAimed: rows };
    this.#watermark.dispatch(chunk);
    if (upTo !== null) this.#lookAhead(upTo, signal);
    return chunk;
  }

  async #watchTail(after: Key | null, signal: AbortSignal): Promise<void> {
    const { chunkRows } = this.#sizing;
    if (chunkRows === null) return;
    const outrun = await this.#tail.step({
      last: () => this.#store.last(signal),
      isPassed: async (key) => (await this.#store.place([key], after, [], signal))[0]?.place !== 'above',
    });
    if (outrun) this.#options.onOutrun?.(this.rows);
  }

  #lookAhead(after: Key | null, signal: AbortSignal): void {
    const rows = this.rows;
    const reckoned = this.#dense && typeof after === 'number' && rows >= rowsToReckon ? after + rows : null;
    const bound = Number.isSafeInteger(reckoned)
      ? Promise.resolve(reckoned)
      : this.#store.bound(after, rows, signal).then((found) => {
          const isNear = typeof found === 'number' && typeof after === 'number';
          this.#dense = isNear && (found - after) * denseShare <= rows;
          return found;
        });
    // A failed look-ahead is thrown to the one who asks for the chunk; nobody may ask before the run ends.
    bound.catch(() => undefined);
    this.#ahead = { after, rows, bound };
  }
}
