import type { Clock } from '../base/clock.ts';

interface Sample {
  readonly atMs: number;
  readonly rows: number;
}

/** The rate is taken over this long, ms: short enough to follow a throttle, long enough to be calm. */
const windowMs = 10_000;

/** How far the copy is, and when it will be done, from samples of the last seconds. */
export class Progress {
  readonly #clock: Clock;
  readonly #samples: Sample[] = [];
  #startedMs: number | null = null;
  #endedMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins, or begins anew. */
  start(): void {
    this.#startedMs = this.#clock.nowMs();
    this.#endedMs = null;
    this.#samples.length = 0;
  }

  end(): void {
    this.#endedMs = this.#clock.nowMs();
  }

  get complete(): boolean {
    return this.#endedMs !== null;
  }

  /** Time spent copying, ms. */
  get elapsedMs(): number {
    if (this.#startedMs === null) return 0;
    return (this.#endedMs ?? this.#clock.nowMs()) - this.#startedMs;
  }

  /**
   * Remaining time of the copy, ms; null while it is not known (nothing copied yet, or nothing lately).
   * @param rows rows copied so far.
   * @param estimate rows there are.
   */
  etaMs(rows: number, estimate: number): number | null {
    if (this.complete) return 0;
    if (this.#startedMs === null) return null;
    const atMs = this.#clock.nowMs();
    this.#samples.push({ atMs, rows });
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs > windowMs) this.#samples.shift();
    const first = this.#samples[0]!;
    const [rowsLately, msLately] = [rows - first.rows, atMs - first.atMs];
    const rate = msLately > 500 && rowsLately > 0 ? rowsLately / msLately : rows / this.elapsedMs;
    if (!(rate > 0) || rows < estimate / 1000) return null;
    return Math.max(0, estimate - rows) / rate;
  }
}
