import { toError } from './errors.ts';

/**
 * A group of background loops that live and die together.
 *
 * States: open -> closing -> closed.
 *  - open     `spawn` accepts tasks. The first task that rejects aborts `signal`; its error is kept.
 *  - closing  entered by `close`, or by a failed task: `signal` is aborted and tasks are expected to end.
 *  - closed   all tasks, and the work that `run` gave up waiting for, have ended; `close` has resolved.
 *
 * Errors thrown by tasks because the scope was aborted are not failures of their own.
 */
export class Scope {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #unlink: () => void;
  #failure: Error | undefined;

  /** @param parent when it aborts, this scope aborts with the same reason. */
  constructor(parent?: AbortSignal) {
    this.signal = this.#controller.signal;
    const onAbort = (): void => this.#controller.abort(parent?.reason);
    if (parent?.aborted) onAbort();
    else parent?.addEventListener('abort', onAbort, { once: true });
    this.#unlink = () => parent?.removeEventListener('abort', onAbort);
  }

  /** The first failure of a task, while there is one. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Runs `task` in the background; its failure stops the whole scope. */
  spawn(task: (signal: AbortSignal) => Promise<void>): void {
    const run = task(this.signal)
      .catch((thrown: unknown) => {
        if (!this.signal.aborted) this.fail(toError(thrown));
      })
      .finally(() => this.#tasks.delete(run));
    this.#tasks.add(run);
  }

  /** Stops the scope with an error, as a failed task would. The first error wins. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#controller.abort(this.#failure);
  }

  /**
   * Runs `work` in the foreground of the scope: it loses against a failure of any background task.
   * @throws the first failure of a task, or what `work` throws.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(this.signal.reason);
      this.signal.addEventListener('abort', onAbort, { once: true });
    });
    const running = work(this.signal);
    // Work that lost the race goes on until it sees the signal: nothing may be cleaned up under it.
    const ended: Promise<void> = running.then(noop, noop).finally(() => this.#tasks.delete(ended));
    this.#tasks.add(ended);
    try {
      return await Promise.race([running, aborted]);
    } finally {
      if (onAbort) this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Aborts the tasks and waits until all have ended. Never throws; ask `failure`. */
  async close(reason: unknown = new Error('scope closed')): Promise<void> {
    this.#controller.abort(reason);
    while (this.#tasks.size > 0) await Promise.allSettled([...this.#tasks]);
    this.#unlink();
  }
}

function noop(): void {}
