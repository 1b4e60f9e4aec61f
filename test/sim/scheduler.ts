import type { Clock } from '../../src/base/clock.ts';
import type { Random } from './random.ts';

/** Timers at least this far away never ring. */
const farMs = 1e8;
/** Time does not jump further at once: what has a deadline gets on meanwhile. */
const jumpMs = 200;

interface Timer {
  readonly atMs: number;
  readonly ring: () => void;
}

/**
 * Decides what happens next. Everything that takes time waits at a `point`; the simulation lets one of the
 * waiting go on at a time, in an order drawn from the seed. It is the clock too: virtual time moves when the
 * next timer rings, and only then.
 */
export class Scheduler implements Clock {
  readonly #random: Random;
  readonly #points: (() => void)[] = [];
  readonly #timers: Timer[] = [];
  #nowMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many wait to go on. */
  get waiting(): number {
    return this.#points.length;
  }
  get timers(): number {
    return this.#timers.length;
  }

  nowMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        if (ms < farMs) this.#timers.splice(this.#timers.indexOf(timer), 1);
        reject(signal!.reason);
      };
      const ring = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const timer = { atMs: this.#nowMs + ms, ring };
      // Such a deadline is there to be cleared: were it to ring, the run would have ended otherwise.
      if (ms < farMs) this.#timers.push(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** A moment at which anything else may happen first. */
  point(): Promise<void> {
    return new Promise((resolve) => {
      this.#points.push(resolve);
    });
  }

  /** Lets one of the waiting go on. */
  goOn(): void {
    const at = this.#random.int(this.#points.length);
    const chosen = this.#points[at]!;
    const last = this.#points.pop()!;
    if (at < this.#points.length) this.#points[at] = last;
    chosen();
  }

  /** Rings the earliest timer, or brings it nearer. */
  ring(): void {
    let earliest = 0;
    for (let i = 1; i < this.#timers.length; i += 1) {
      if (this.#timers[i]!.atMs < this.#timers[earliest]!.atMs) earliest = i;
    }
    if (this.#timers[earliest]!.atMs > this.#nowMs + jumpMs) {
      this.#nowMs += jumpMs;
      return;
    }
    const [timer] = this.#timers.splice(earliest, 1);
    this.#nowMs = Math.max(this.#nowMs, timer!.atMs);
    timer!.ring();
  }

  /** Resolves when all that could run at once has run: a tick comes only when no microtask is left. */
  static settle(): Promise<void> {
    return new Promise((resolve) => {
      process.nextTick(resolve);
    });
  }
}
