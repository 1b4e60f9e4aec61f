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

/**
 * A clock whose wall time goes on evenly from here, whatever becomes of the machine's: where a run compares what it reads with
 * what it has written down itself, a clock that somebody sets would make it hours of difference.
 */
export function steady(clock: Clock): Clock {
  const startMs = clock.wallMs() - clock.nowMs();
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => startMs + clock.nowMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
