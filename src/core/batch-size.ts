/** How large batches are to be. */
export interface BatchSizeOptions {
  /** Time that one batch should take, ms: so long others wait for its rows, and a replica for all that follows it. */
  readonly targetMs: number;
  readonly keysStart: number;
  readonly keysMin: number;
  readonly keysMax: number;
}

/** Keys of the first batch. */
export const batchKeysStart = 500;

const defaults: BatchSizeOptions = {
  targetMs: 100,
  keysStart: batchKeysStart,
  keysMin: 20,
  keysMax: 5000,
};

/** Growth at one step at the most; shrinking is not bounded. */
const growthMax = 1.5;
/** A batch with a smaller share of the keys aimed at says nothing of what a full one takes. */
const fullShare = 0.8;

/**
 * How many keys one batch has: as many as take the target time, since each commit costs the same however many keys it has.
 * All sessions share one size. Pure: times come from outside.
 */
export class BatchSize {
  readonly #options: BatchSizeOptions;
  #keys: number;

  constructor(options: Partial<BatchSizeOptions> = {}) {
    this.#options = { ...defaults, ...options };
    this.#keys = this.#options.keysStart;
  }

  /** Keys that the next batch may have. */
  get keys(): number {
    return this.#keys;
  }

  /**
   * Keys that the next batch should have where `pending` keys wait or are being synced: what is left is done side by side, and a
   * batch that is under way when the cut-over begins is short.
   */
  shared(pending: number, sessions: number): number {
    return Math.min(this.#keys, Math.max(this.#options.keysStart, Math.ceil(pending / sessions)));
  }

  /** Tells how long a batch took. */
  feedback(keys: number, elapsedMs: number): void {
    const { targetMs, keysMin, keysMax } = this.#options;
    const ideal = elapsedMs > 0 ? (keys * targetMs) / elapsedMs : keysMax;
    const bounded = Math.ceil(Math.min(Math.max(ideal, keysMin), keysMax, this.#keys * growthMax));
    // A small one that was slow is as good a reason to take fewer as a large one.
    if (keys >= this.#keys * fullShare || (elapsedMs > targetMs && bounded < this.#keys))
      this.#keys = bounded;
  }

  /** A batch met others' locks or unique values and was rolled back: the fewer keys it has, the fewer it meets. */
  contended(): void {
    this.#keys = Math.max(this.#options.keysMin, Math.ceil(this.#keys / 2));
  }
}
