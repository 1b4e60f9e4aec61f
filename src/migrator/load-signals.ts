import type { Clock } from '../base/clock.ts';
import { Abandoned, messageOf } from '../base/errors.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { Thresholds } from '../core/thresholds.ts';
import type { ThrottleSignal } from '../stages/throttler.ts';
import type { MigrationLog } from './config.ts';

/** Who reads the server's status variables, as numbers. */
export type StatusReader = (
  names: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, number>>;

const readEveryMs = 1000;

/** Rest while a status variable is at its threshold of `--max-load` or above. */
export function maxLoadSignal(settings: Pick<LiveSettings, 'maxLoad'>, read: StatusReader): ThrottleSignal {
  return {
    name: 'max-load',
    intervalMs: readEveryMs,
    read: async (signal) => {
      const met = await firstMet(settings.maxLoad, read, signal);
      return met === null ? null : `max-load ${met}`;
    },
  };
}

/** When a critical load is one, and what then. */
export interface CriticalLoadOptions {
  /** Above 0: the run is abandoned only if the load is met again after this, ms. */
  readonly intervalMs: number;
  /** Above 0: the run hibernates for this long, and is never abandoned, ms. */
  readonly hibernateMs: number;
}

/** What a critical load signal works with. */
export interface CriticalLoadParts {
  readonly settings: Pick<LiveSettings, 'criticalLoad'>;
  readonly read: StatusReader;
  readonly clock: Clock;
  readonly log: MigrationLog;
}

/**
 * `--critical-load`.
 *
 * States: watching -> (met) abandoned; with an interval: watching -> doubtful (at rest until the second look) -> abandoned |
 * watching; with a hibernation: watching -> hibernating (at rest, nothing is read) -> leaving (at rest until the load has been read
 * again) -> watching | hibernating. A load that cannot be read throttles and abandons nothing.
 */
export class CriticalLoadSignal implements ThrottleSignal {
  readonly name = 'critical-load';
  readonly #parts: CriticalLoadParts;
  readonly #options: CriticalLoadOptions;
  #doubtfulUntilMs: number | null = null;
  #hibernation: { readonly untilMs: number; readonly reason: string } | null = null;
  #leaving = false;

  constructor(parts: CriticalLoadParts, options: CriticalLoadOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** The second look may be due earlier than the next reading. */
  get intervalMs(): number {
    const dueMs = this.#doubtfulUntilMs ?? this.#hibernation?.untilMs ?? null;
    if (dueMs === null) return this.#leaving ? 100 : readEveryMs;
    return Math.min(readEveryMs, Math.max(10, dueMs - this.#parts.clock.nowMs()));
  }

  async read(signal: AbortSignal): Promise<string | null> {
    const { settings, read, clock, log } = this.#parts;
    if (this.#hibernation) {
      if (clock.nowMs() < this.#hibernation.untilMs) return this.#hibernation.reason;
      this.#hibernation = null;
      this.#leaving = true;
      log.info({}, 'leaving hibernation');
      return 'leaving hibernation';
    }
    const met = await firstMet(settings.criticalLoad, read, signal);
    this.#leaving = false;
    if (met === null) {
      if (this.#doubtfulUntilMs !== null)
        log.info({}, 'critical-load is not met at the second look: going on');
      this.#doubtfulUntilMs = null;
      return null;
    }
    return this.#options.hibernateMs > 0 ? this.#hibernate(met) : this.#lookTwice(met);
  }

  #hibernate(met: string): string {
    const { clock, log } = this.#parts;
    const { hibernateMs } = this.#options;
    const until = new Date(clock.wallMs() + hibernateMs).toISOString();
    const reason = `critical-load-hibernate until ${until}`;
    log.warn({}, `critical-load ${met}: hibernating for ${hibernateMs / 1000} s, until ${until}`);
    this.#hibernation = { untilMs: clock.nowMs() + hibernateMs, reason };
    return reason;
  }

  #lookTwice(met: string): string {
    const { clock, log } = this.#parts;
    const { intervalMs } = this.#options;
    const nowMs = clock.nowMs();
    if (intervalMs > 0) {
      if (this.#doubtfulUntilMs === null) {
        this.#doubtfulUntilMs = nowMs + intervalMs;
        log.warn({}, `critical-load ${met}: the run is abandoned if it is met again in ${intervalMs} ms`);
      }
      if (nowMs < this.#doubtfulUntilMs) return `critical-load ${met}`;
    }
    throw new Abandoned(`critical-load ${met}: the migration is abandoned`, {
      hint: 'The original table is as it was, and what has been copied is kept: --resume goes on from there.',
    });
  }
}

/** Rest while `--throttle-query` gives more than 0. An error of it throttles (gh-ost goes on). */
export function throttleQuerySignal(
  settings: Pick<LiveSettings, 'throttleQuery'>,
  ask: (query: string, signal: AbortSignal) => Promise<number>,
): ThrottleSignal {
  return {
    name: 'throttle-query',
    intervalMs: readEveryMs,
    read: async (signal) => {
      if (settings.throttleQuery.trim() === '') return null;
      const value = await ask(settings.throttleQuery, signal);
      return value > 0 ? `throttle-query ${value} > 0` : null;
    },
  };
}

/** What is asked at `--throttle-http`. */
export interface HttpSignalOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** A service that does not answer at all throttles nothing. */
  readonly ignoreErrors: boolean;
}

/** Rest while HEAD of `--throttle-http` gives anything but 200. */
export function throttleHttpSignal(
  settings: Pick<LiveSettings, 'throttleHttp'>,
  head: (url: string, timeoutMs: number, signal: AbortSignal) => Promise<number>,
  { intervalMs, timeoutMs, ignoreErrors }: HttpSignalOptions,
): ThrottleSignal {
  return {
    name: 'throttle-http',
    intervalMs,
    read: async (signal) => {
      if (settings.throttleHttp === '') return null;
      try {
        const status = await head(settings.throttleHttp, timeoutMs, signal);
        return status === 200 ? null : `throttle-http http=${status} != 200`;
      } catch (error) {
        if (ignoreErrors && !signal.aborted) return null;
        throw new Error(messageOf(error), { cause: error });
      }
    },
  };
}

/** Bulk work rests while our own change stream is too far behind; what it brings is applied meanwhile. */
export function streamLagSignal(
  settings: Pick<LiveSettings, 'maxLagMs'>,
  streamLagMs: () => number,
): ThrottleSignal {
  return {
    name: 'lag',
    intervalMs: 100,
    bulkOnly: true,
    read: async () => {
      const lagMs = streamLagMs();
      if (lagMs < settings.maxLagMs) return null;
      return `lag=${secondsOf(lagMs)}s >= ${secondsOf(settings.maxLagMs)}s`;
    },
  };
}

/** Milliseconds as seconds, in gh-ost's format. */
export function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(6);
}

/** The first threshold that is met, as `Threads_running=30 >= 25`; null when none is. */
async function firstMet(
  thresholds: Thresholds,
  read: StatusReader,
  signal: AbortSignal,
): Promise<string | null> {
  if (thresholds.size === 0) return null;
  const values = await read([...thresholds.keys()], signal);
  for (const [name, threshold] of thresholds) {
    const value = values.get(name)!;
    if (value >= threshold) return `${name}=${value} >= ${threshold}`;
  }
  return null;
}
