/** A value that comes later, once; many may wait for it, and what comes second is ignored. Nobody has to wait. */
export class Promised<T> {
  readonly #promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A rejection that nobody waits for is no accident.
    this.#promise.catch(() => undefined);
  }

  resolve(value: T): void {
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#reject(error);
  }

  /** @throws the signal's reason, when it aborts first. */
  wait(signal?: AbortSignal): Promise<T> {
    if (signal === undefined) return this.#promise;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }
}
