import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { deadline, Pulse } from '../base/pulse.ts';
import type { Gate } from '../core/gate.ts';

/** Something that can ask us to rest. */
export interface ThrottleSignal {
  readonly name: string;
  readonly intervalMs: number;
  /**
   * @returns why we should rest, `<signal> <observed> <op> <threshold>`, or null. A signal that throws
   * throttles.
   */
  read(signal: AbortSignal): Promise<string | null>;
}

/** A signal that gives no answer for this long counts as unreadable, ms. */
const readTimeoutMs = 5000;

/**
 * Signals become one gate with a reason.
 *
 * States: unread (some signal has not been read yet: shut, so that nothing starts on hope) -> open <-> shut.
 * The reason shown is the operator's command first, then the signals in their order. A signal that cannot be
 * read throttles.
 */
export class Throttler implements Gate {
  readonly #signals: readonly ThrottleSignal[];
  readonly #clock: Clock;
  readonly #reasons = new Map<string, string | null>();
  readonly #opened = new Pulse();
  #commanded = false;

  constructor(signals: readonly ThrottleSignal[], clock: Clock) {
    this.#signals = signals;
    this.#clock = clock;
  }

  get reason(): string | null {
    if (this.#commanded) return 'commanded by user';
    for (const { name } of this.#signals) {
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

  async pass(signal: AbortSignal): Promise<void> {
    while (this.reason !== null) await this.#opened.next(signal);
  }

  /** Reads the signals, each at its interval, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#signals.map((each) => this.#watch(each, signal)));
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
