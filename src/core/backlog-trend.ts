/** How a backlog has grown. */
export interface BacklogGrowth {
  readonly keys: number;
  readonly keysPerSecond: number;
  readonly forMs: number;
}

const sliceMs = 10_000;
/** So many slices in a row must each have had more keys waiting than the one before. */
const growsMin = 6;
/** Fewer keys than this are drained in no time. */
const keysMin = 2000;

/**
 * Whether the keys that wait become more and more: the mean of each slice of time is above that of the slice before, for a minute
 * or longer. A burst of writes is over by then. Pure: times come from outside.
 */
export class BacklogTrend {
  #startMs: number | null = null;
  #sum = 0;
  #count = 0;
  /** Means of the first and the last of the ended slices that were each above the one before, and how many were. */
  #first = 0;
  #last = -1;
  #grows = 0;

  /** Tells how many keys wait now. */
  add(atMs: number, keys: number): void {
    this.#startMs ??= atMs;
    if (atMs - this.#startMs >= sliceMs) this.#end(atMs);
    this.#sum += keys;
    this.#count += 1;
  }

  /** Nothing is applied on purpose, or what comes is of old: growth says nothing. */
  reset(): void {
    [this.#startMs, this.#sum, this.#count] = [null, 0, 0];
    [this.#first, this.#last, this.#grows] = [0, -1, 0];
  }

  /** Null where it does not grow, or not for long. */
  get growth(): BacklogGrowth | null {
    if (this.#grows < growsMin || this.#last < keysMin) return null;
    const forMs = this.#grows * sliceMs;
    return {
      keys: Math.round(this.#last),
      keysPerSecond: ((this.#last - this.#first) * 1000) / forMs,
      forMs,
    };
  }

  #end(atMs: number): void {
    const mean = this.#sum / this.#count;
    if (this.#last >= 0 && mean > this.#last) this.#grows += 1;
    else [this.#first, this.#grows] = [mean, 0];
    this.#last = mean;
    [this.#startMs, this.#sum, this.#count] = [atMs, 0, 0];
  }
}
