/**
 * Time as everything in this tool sees it. The clock is injected, so that tests can run whole migrations
 * in virtual time; nothing else in `src` calls `Date.now`, `setTimeout` or `performance.now`.
 */
export interface Clock {
  /** Monotonic time in milliseconds, with fractions; only differences mean anything. */
  nowMs(): number;
  /** Wall-clock time in milliseconds since the epoch. */
  wallMs(): number;
  /**
   * Resolves after `ms` milliseconds.
   * @throws the signal's reason, when it aborts first.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
