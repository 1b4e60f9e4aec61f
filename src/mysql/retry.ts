import type { Clock } from '../base/clock.ts';
import { classify, isTransient, type ServerErrorKind } from './server-error.ts';
import { SessionError } from './session-error.ts';

/** The bounds of a retry. */
export interface RetryOptions {
  /** How often to try at most, the first time included. */
  readonly attempts: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** What is worth another try; default: what `isTransient` names. */
  readonly retryOn?: readonly ServerErrorKind[];
  /** The first wait; each further one is twice as long, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** The part of a wait left to chance, 0 to 1, so that peers do not come back together. Default 0.5. */
  readonly jitter?: number;
  /** For tests: a number from 0 to 1. */
  readonly random?: () => number;
  /**
   * Allows another try although the server may have done it. Only for statements that are idempotent:
   * default false, and `connection-lost` with `mayHaveCommitted` is then thrown at once.
   */
  readonly idempotent?: boolean;
  /** Told of each failed try that will be followed by another. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/**
 * Runs `work` until it succeeds, within bounds.
 * @param work gets the number of the try, from 1.
 * @throws the last error; the signal's reason when it aborts during a wait.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= options.attempts || options.signal?.aborted || !isWorthRetrying(error, options))
        throw error;
      const delayMs = backOffMs(attempt, options);
      options.onRetry?.(error, attempt, delayMs);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}

/** The wait after the failure of try number `attempt`, in milliseconds. */
export function backOffMs(
  attempt: number,
  options: Pick<RetryOptions, 'baseDelayMs' | 'maxDelayMs' | 'jitter' | 'random'>,
): number {
  const { baseDelayMs, maxDelayMs, jitter = 0.5, random = Math.random } = options;
  const full = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt - 1, 30));
  return full * (1 - jitter * random());
}

function isWorthRetrying(error: unknown, options: RetryOptions): boolean {
  if (error instanceof SessionError) {
    if (error.code === 'aborted') return false;
    if (error.mayHaveCommitted && !options.idempotent) return false;
  }
  const kind = error instanceof SessionError ? 'connection' : classify(error);
  return options.retryOn ? options.retryOn.includes(kind) : isTransient(kind);
}
