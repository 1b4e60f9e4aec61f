import { Transient } from './errors.ts';

/** Something that happens again and again, and that others may wait for. */
export class Pulse {
  readonly #waiters = new Set<() => void>();

  /** How many wait now. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Wakes everybody who waits now. */
  beat(): void {
    if (this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  /**
   * Resolves at the next beat.
   * @throws the signal's reason, when it aborts first.
   */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.#waiters.delete(wake);
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Resolves at the next beat of any of `pulses`. @throws the signal's reason. */
  static any(pulses: readonly Pulse[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        for (const pulse of pulses) pulse.#waiters.delete(wake);
        signal.removeEventListener('abort', onAbort);
      };
      const wake = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      for (const pulse of pulses) pulse.#waiters.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Waits, beat by beat, until `condition` holds. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition()) await this.next(signal);
  }
}

/** A reason of its own, for nobody sees it: one that the platform makes carries a stack. */
const cleared = new Error('the deadline was cleared');

/**
 * A signal that aborts with a Transient error when the parent does or when the deadline passes.
 * Call `clear` when the work is over.
 */
export function deadline(
  ms: number,
  what: string,
  clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> },
  parent?: AbortSignal,
): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const clear = (): void => {
    parent?.removeEventListener('abort', onParent);
    timer.abort(cleared);
  };
  const onParent = (): void => controller.abort(parent?.reason);
  const timer = new AbortController();
  if (parent?.aborted) controller.abort(parent.reason);
  else parent?.addEventListener('abort', onParent, { once: true });
  clock.sleep(ms, timer.signal).then(
    () => controller.abort(new Transient(`${what} took longer than ${ms} ms`)),
    () => undefined,
  );
  return { signal: controller.signal, clear };
}
