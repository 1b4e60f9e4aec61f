/** How the number of sessions adapts. */
export interface SessionLevelOptions {
  readonly start: number;
  /** How long a level is measured, ms. */
  readonly windowMs: number;
  /** Gain in keys for which one more session is kept. */
  readonly gain: number;
  /** After a session that brought nothing, or stood in another's way, the next is tried so much later; twice as far each time. */
  readonly holdMs: number;
  readonly holdMaxMs: number;
}

const defaults: SessionLevelOptions = {
  ...{ start: 2, windowMs: 2000, gain: 1.1 },
  ...{ holdMs: 20_000, holdMaxMs: 160_000 },
};

/**
 * How many sessions apply beside each other. One more is tried while there is more to do than they get done, and is kept if more
 * gets done then (hill climbing); one fewer after locks that they met. Pure: times come from outside.
 *
 * States: steady (at `level`; while behind, its rate is measured) -> trying (one more, for a window) -> steady, one more or as before.
 */
export class SessionLevel {
  readonly #max: number;
  readonly #options: SessionLevelOptions;
  #level: number;
  /** Keys a ms of the level below, while one more is tried. */
  #rateBefore: number | null = null;
  #sinceMs: number | null = null;
  #keys = 0;
  #holdMs: number;
  #holdUntilMs = 0;

  /** @param max sessions that there can be. */
  constructor(max: number, options: Partial<SessionLevelOptions> = {}) {
    this.#options = { ...defaults, ...options };
    this.#max = max;
    this.#level = Math.min(max, this.#options.start);
    this.#holdMs = this.#options.holdMs;
  }

  /** Sessions that may work now. */
  get level(): number {
    return this.#level;
  }

  /** A batch was committed. @param behind as many keys were waiting as all sessions could take. */
  done(nowMs: number, keys: number, behind: boolean): void {
    if (!behind || this.#sinceMs === null) {
      this.#measureAgain(behind ? nowMs : null);
      return;
    }
    this.#keys += keys;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < this.#options.windowMs) return;
    this.#judge(nowMs, this.#keys / elapsedMs);
    this.#measureAgain(nowMs);
  }

  /** A batch met others' locks and was rolled back. */
  contended(nowMs: number): void {
    this.#level = Math.max(1, this.#level - 1);
    this.#rateBefore = null;
    this.#measureAgain(null);
    this.#hold(nowMs);
  }

  #judge(nowMs: number, rate: number): void {
    const before = this.#rateBefore;
    this.#rateBefore = null;
    if (before !== null && rate < before * this.#options.gain) {
      this.#level -= 1;
      this.#hold(nowMs);
    } else if (nowMs >= this.#holdUntilMs && this.#level < this.#max) {
      this.#rateBefore = rate;
      this.#level += 1;
    }
  }

  #hold(nowMs: number): void {
    // Many that meet at once are one reason.
    if (nowMs < this.#holdUntilMs) return;
    this.#holdUntilMs = nowMs + this.#holdMs;
    this.#holdMs = Math.min(this.#options.holdMaxMs, this.#holdMs * 2);
  }

  #measureAgain(sinceMs: number | null): void {
    this.#sinceMs = sinceMs;
    this.#keys = 0;
  }
}
