import type { Key } from './key.ts';

/** What is asked about the end of the table. */
export interface TailQuestions {
  /** The last key there is. */
  last(): Promise<Key | null>;
  /** Whether chunks up to this key have been given out. */
  isPassed(key: Key): Promise<boolean>;
}

/** Chunks between two questions. */
const chunksApart = 10;
/** A lap of so few chunks need not be shorter than the one before. */
const shortLap = 20;
const lapsMax = 8;
/** Larger ones are not needed by any server. */
const rowsMax = 100_000;

/**
 * Sees to it that a copy in chunks of a fixed size ends, although rows may be appended as fast as such chunks copy them.
 *
 * The copy goes in laps: each ends where the table ended when the lap began. The first is what was there at the start. A lap
 * that takes less than half of the chunks of the one before is on its way to the end; after one that does not, or after too many
 * laps, chunks are twice as large from there on. So the size is as it was asked for until only rows that have been appended since
 * are left, and the number of laps is bounded by the logarithms of the first one and of the speed of the appends.
 */
export class ChunkTail {
  #factor = 1;
  #lap = 0;
  #chunks = 0;
  #chunksBefore = 0;
  /** Where the lap ends. */
  #goal: Key | null | undefined;

  /** Rows of the next chunk, where `rows` were asked for. */
  sized(rows: number): number {
    return Math.max(rows, Math.min(rows * this.#factor, rowsMax));
  }

  /** A chunk is about to be cut. @returns true when chunks have grown. */
  async step(questions: TailQuestions): Promise<boolean> {
    if (this.#goal === undefined) {
      this.#goal = await questions.last();
      return false;
    }
    this.#chunks += 1;
    if (this.#chunks % chunksApart !== 0) return false;
    if (this.#goal !== null && !(await questions.isPassed(this.#goal))) return false;
    this.#goal = await questions.last();
    const outrun =
      this.#lap > 0 && (this.#lap > lapsMax || this.#chunks > Math.max(this.#chunksBefore / 2, shortLap));
    this.#lap += 1;
    this.#chunksBefore = this.#chunks;
    this.#chunks = 0;
    if (outrun) this.#factor *= 2;
    return outrun;
  }
}
