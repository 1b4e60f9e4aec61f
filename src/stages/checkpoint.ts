import type { Clock } from '../base/clock.ts';
import { Failure, messageOf } from '../base/errors.ts';
import { Pulse } from '../base/pulse.ts';
import type { CheckpointState } from '../core/checkpoint.ts';

/** Where checkpoints are kept. */
export interface CheckpointPort {
  /**
   * Resolves when the write is committed. @throws Failure when it can never succeed (the row is another
   * run's).
   */
  write(state: CheckpointState, signal: AbortSignal): Promise<void>;
}

/** What checkpoints are made of. */
export interface CheckpointParts {
  readonly port: CheckpointPort;
  /** The state of this moment, taken in one turn: position and prefix belong together (I8). */
  readonly capture: () => CheckpointState;
  /** True while a failure to write must not stand in the way: the cut-over (HAZARDS 94). */
  readonly lenient: () => boolean;
  readonly clock: Clock;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

/** Writes in a row that may fail. */
const failuresMax = 10;
const retryMs = { first: 100, last: 5000 };

/**
 * Writes checkpoints: every interval, and soon after each change of phase.
 *
 * States: resting (until the interval has passed or `soon` was called) -> writing (the state is taken at its
 * begin, so whatever is applied meanwhile is merely not claimed) -> resting | failing (waits a little, takes
 * the state anew and writes that). A checkpoint that fails ten times in a row ends the run, except during the
 * cut-over.
 */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  readonly #wanted = new Pulse();
  readonly #stored = new Pulse();
  #due = false;
  /** States that were taken, and the number of the last one that was written. */
  #taken = 0;
  #written = 0;
  #failures = 0;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  /** Another phase has begun: writes without waiting for the interval. */
  soon(): void {
    this.#due = true;
    this.#wanted.beat();
  }

  /** Resolves when a state that was taken after this call is written. */
  async now(signal: AbortSignal): Promise<void> {
    const wanted = this.#taken + 1;
    this.soon();
    await this.#stored.until(() => this.#written >= wanted, signal);
  }

  /** Writes until the signal aborts, which is no failure. @throws Failure. */
  async run(intervalMs: number, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#step(intervalMs, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #step(intervalMs: number, signal: AbortSignal): Promise<void> {
    this.#due = false;
    const wrote = await this.#write(signal);
    if (!wrote) await this.#parts.clock.sleep(this.#pauseMs(), signal);
    else if (!this.#due) await this.#rest(intervalMs, signal);
  }

  async #rest(intervalMs: number, signal: AbortSignal): Promise<void> {
    const leave = new AbortController();
    const either = AbortSignal.any([signal, leave.signal]);
    const wanted = this.#wanted.next(either);
    await Promise.race([wanted, this.#parts.clock.sleep(intervalMs, either)]).finally(() => leave.abort());
    await wanted.catch(() => undefined);
  }

  #pauseMs(): number {
    return Math.min(retryMs.first * 2 ** Math.min(this.#failures - 1, 10), retryMs.last);
  }

  async #write(signal: AbortSignal): Promise<boolean> {
    const { port, capture, lenient, log } = this.#parts;
    const state = capture();
    this.#taken += 1;
    const number = this.#taken;
    try {
      await port.write(state, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#failures += 1;
      const mayFail = lenient();
      log.warn({ failures: this.#failures }, `checkpoint failed: ${messageOf(error)}`);
      if (!mayFail && error instanceof Failure) throw error;
      if (!mayFail && this.#failures >= failuresMax) throw tooMany(error);
      return false;
    }
    this.#failures = 0;
    this.#written = number;
    this.#stored.beat();
    const { complete, low } = state.prefix;
    const copied = complete ? 'all' : low === null ? 'nothing' : 'part';
    log.info({ phase: state.phase, copied }, `checkpoint success at coords=${state.position}`);
    return true;
  }
}

function tooMany(cause: unknown): Failure {
  return new Failure(`the checkpoint failed ${failuresMax} times in a row: ${messageOf(cause)}`, {
    hint: 'The original is untouched. Without checkpoints all work could be lost: mend this, and resume.',
    cause,
  });
}
