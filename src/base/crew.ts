/** What a worker of a crew is given. */
export interface Shift {
  /** Its number, from 0. */
  readonly worker: number;
  /** Aborts when the work is to stop, or another worker has failed. */
  readonly signal: AbortSignal;
  /** Waits for something. @returns false where the work was over before it came. @throws what the wait throws. */
  wait(something: (signal: AbortSignal) => Promise<void>): Promise<boolean>;
  /** There is nothing left to begin: who waits goes home. */
  end(): void;
}

/**
 * Several workers at one task. @param work resolves when its worker has nothing left to do.
 * @throws the first failure of a worker, after all have stopped.
 */
export async function runCrew(
  workers: number,
  signal: AbortSignal,
  work: (shift: Shift) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const over = new AbortController();
  const together = AbortSignal.any([signal, stop.signal]);
  const either = AbortSignal.any([together, over.signal]);
  const wait: Shift['wait'] = async (something) => {
    if (over.signal.aborted) return false;
    try {
      await something(either);
      return true;
    } catch (error) {
      together.throwIfAborted();
      if (!over.signal.aborted) throw error;
      return false;
    }
  };
  const end = (): void => over.abort();
  const all = Array.from({ length: workers }, (_, worker) => work({ worker, signal: together, wait, end }));
  try {
    await Promise.all(all);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(all);
    throw error;
  }
}
