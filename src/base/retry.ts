import type { Clock } from './clock.ts';
import { Failure, messageOf, Transient } from './errors.ts';

/** Runs an action again after Transient errors, within its own bounds; other errors pass through at once. */
export type Retry = <T>(
  what: string,
  action: (attempt: number) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/** The bounds of a Retry. */
export interface RetryOptions {
  /** Tries in all. */
  readonly attempts: number;
  /**
   * First pause, doubled each time up to `delayMsMax`; half of it is random, so that many do not try in step.
   */
  readonly delayMs: number;
  readonly delayMsMax: number;
  /** Told of every failed try; what it returns is waited for. */
  readonly onRetry?: (what: string, attempt: number, error: Transient) => void | Promise<void>;
}

/**
 * Makes a Retry. Exponential back-off with jitter.
 * @returns a function that throws Failure when the tries are used up.
 */
export function makeRetry(clock: Clock, options: RetryOptions, random: () => number = Math.random): Retry {
  return async (what, action, signal) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await action(attempt);
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        signal.throwIfAborted();
        await options.onRetry?.(what, attempt + 1, error);
        if (attempt + 1 >= options.attempts) {
          throw new Failure(
            `${what} failed ${options.attempts} times, the last time with: ${messageOf(error)}`,
            {
              hint: error.hint ?? 'The original table is untouched. See the log for what stood in the way.',
              cause: error,
            },
          );
        }
        const ceiling = Math.min(options.delayMs * 2 ** Math.min(attempt, 30), options.delayMsMax);
        await clock.sleep(ceiling * (0.5 + random() / 2), signal);
      }
    }
  };
}
