import type { Clock } from '../base/clock.ts';
import { Abandoned, messageOf } from '../base/errors.ts';
import { deadline, Pulse } from '../base/pulse.ts';
import type { Gate, Gates } from '../core/gate.ts';

/** Something that can ask us to rest. */
export interface ThrottleSignal {
  readonly name: string;
  readonly intervalMs: number;
  /** True: only bulk work (copy, verification) rests; changes are applied. */
  readonly bulkOnly?: true;
  /**
   * @returns why we should rest, `<signal> <observed> <op> <threshold>`, or null. A signal that throws
   * throttles; one that throws Abandoned ends the run.
   */
  read(signal: AbortSignal): Promise<string | null>;
}

/** A signal that gives no answer for this long counts as unreadable, ms. */
const readTimeoutMs = 5000;

/**
 * Signals become one gate with a reason, and a second one for bulk work, which heeds some more of them.
 *
 * States: unread (some signal has not been read yet: shut, so that nothing starts on hope) -> open <-> shut.
 * The reason shown is the operator's command first, then the signals in their order. A signal that cannot be
 * read throttles.
 */
export class Throttler implements Gates {
  readonly #signals: readonly ThrottleSignal[];
  readonly #clock: Clock;
  readonly #reasons = new Map<string, string | null>();
  readonly #opened = new Pulse();
  #commanded = false;
  readonly bulk: Gate;

  constructor(signals: readonly ThrottleSignal[], clock: Clock) {
    this.#signals = signals;
    this.#clock = clock;
    const reason = (): string | null => this.#reason(true);
    this.bulk = {
      get reason() {
        return reason();
      },
      pass: (signal) => this.#pass(true, signal),
    };
  }

  get reason(): string | null {
    return this.#reason(false);
  }

  #reason(bulk: boolean): string | null {
    if (this.#commanded) return 'commanded by user';
    for (const { name, bulkOnly } of this.#signals) {
      if (bulkOnly && !bulk) continue;
      const reason = this.#reasons.get(name);
      if (reason === undefined) return `${name} not read yet`;
      if (reason !== null) return reason;
    }
    return null;
  }

  /** The operator's own throttle: stays until it is taken back. */
  command(rest: boolean): void {
    this.#commanded = rest;
    this.#opened.beat();
  }

  pass(signal: AbortSignal): Promise<void> {
    return this.#pass(false, signal);
  }

  async #pass(bulk: boolean, signal: AbortSignal): Promise<void> {
    while (this.#reason(bulk) !== null) await this.#opened.next(signal);
  }

  /** Reads the signals, each at its interval, until the signal aborts. @throws Abandoned, of a signal that wants the end. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all(this.#signals.map((each) => this.#watch(each, signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #watch(source: ThrottleSignal, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#reasons.set(source.name, await this.#read(source, signal));
      if (this.reason === null) this.#opened.beat();
      await this.#clock.sleep(source.intervalMs, signal);
    }
  }

  async #read(source: ThrottleSignal, signal: AbortSignal): Promise<string | null> {
    const limit = deadline(readTimeoutMs, `reading ${source.name}`, this.#clock, signal);
    try {
      // A signal that does not listen to its deadline must not keep the gate open on an old answer.
      return await Promise.race([source.read(limit.signal), aborted(limit.signal)]);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Abandoned) throw error;
      return `${source.name} unreadable: ${messageOf(error)}`;
    } finally {
      limit.clear();
    }
  }
}

/** Rejects when the signal aborts; never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
