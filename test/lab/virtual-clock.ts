import type { Clock } from '../../src/base/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

const RUN_LIMIT_MS = 7 * 24 * 3600 * 1000;

/**
 * A clock whose time passes only when it is told to. Sleepers wake in the order of their time, and of their
 * call where that is equal; between two of them everything that can run does, so runs are repeatable.
 */
export class VirtualClock implements Clock {
  readonly #wallStartMs: number;
  readonly #sleepers: Sleeper[] = [];
  #nowMs = 0;

  /** @param wallStartMs wall-clock time at the start, in milliseconds since the epoch. */
  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  /** How many sleep now. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#nowMs + Math.max(0, ms), wake };
      this.#insert(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets `ms` milliseconds pass; everybody who is due wakes on the way. */
  async advance(ms: number): Promise<void> {
    const goalMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers[0];
      if (next === undefined || next.dueMs > goalMs) break;
      this.#wakeFirst();
    }
    this.#nowMs = goalMs;
    await settle();
  }

  /**
   * Lets time pass until a promise is settled.
   * @param limitMs virtual time after which it gives up; default a week.
   * @throws what the promise rejects with; an Error when nobody sleeps any more (nothing can ever settle it) or
   *   the limit is over.
   */
  async runUntil<T>(promise: Promise<T>, limitMs = RUN_LIMIT_MS): Promise<T> {
    const goalMs = this.#nowMs + limitMs;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (;;) {
      await settle();
      if (settled) return promise;
      const next = this.#sleepers[0];
      if (next === undefined)
        throw new Error(`stuck at ${this.#nowMs} ms: nobody sleeps, nothing is settled`);
      if (next.dueMs > goalMs) throw new Error(`not settled after ${limitMs} ms of virtual time`);
      this.#wakeFirst();
    }
  }

  #wakeFirst(): void {
    const sleeper = this.#sleepers.shift();
    if (sleeper === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, sleeper.dueMs);
    sleeper.wake();
  }

  /** Behind all that are due at the same time. */
  #insert(sleeper: Sleeper): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sleepers[middle]?.dueMs ?? 0) <= sleeper.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#sleepers.splice(low, 0, sleeper);
  }
}

/** Lets all promises that can go on do so: the event loop gets to its next phase only when none is left. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
