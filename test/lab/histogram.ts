/** Times of a run in figures, in milliseconds. */
export interface StopTimes {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const BUCKETS_PER_DOUBLING = 32;
const BUCKET_COUNT = 1024;
const SMALLEST_MS = 0.001;

/** Counts times in buckets about 2 percent wide: any number of them in a few kilobytes. The longest is exact. */
export class Histogram {
  readonly #buckets = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds a time in milliseconds. */
  add(ms: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * BUCKETS_PER_DOUBLING);
    const index = Math.min(bucket, BUCKET_COUNT - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** Adds all times of another one. */
  addAll(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + (other.#buckets[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** The time that the share `part` (0 to 1) of all does not exceed. */
  quantile(part: number): number {
    let left = Math.ceil(this.#count * part);
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      left -= this.#buckets[bucket] ?? 0;
      if (left <= 0) return Math.min(SMALLEST_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING), this.#maxMs);
    }
    return this.#maxMs;
  }

  /** Median, 99th percentile and the longest, to a tenth of a millisecond. */
  times(): StopTimes {
    const round = (ms: number): number => Math.round(ms * 10) / 10;
    return { p50: round(this.quantile(0.5)), p99: round(this.quantile(0.99)), max: round(this.#maxMs) };
  }
}
