import { Pulse } from './pulse.ts';

/**
 * Many may pass together, or one alone.
 *
 * States: open (any number inside by `shared`) -> closing (somebody wants to be alone: nobody new is let in,
 * those inside finish) -> exclusive (one inside by `exclusive`) -> open. Those who want to be alone go before
 * those who share, in no particular order among themselves.
 */
export class Turnstile {
  readonly #changed = new Pulse();
  #inside = 0;
  #alone = false;
  #wanted = 0;

  /** True while somebody is alone inside or waits to be. */
  get contended(): boolean {
    return this.#alone || this.#wanted > 0;
  }

  /** Runs `work` beside others. @throws the signal's reason before `work` has begun; what `work` throws. */
  async shared<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    // The check and the step inside must not be parted by an await: two would pass on one beat.
    while (this.contended) await this.#changed.next(signal);
    // Who was alone before may have ended all that would come after.
    signal.throwIfAborted();
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      this.#changed.beat();
    }
  }

  /** Runs `work` alone: what is inside ends first, nothing new starts. */
  async exclusive<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#wanted += 1;
    try {
      while (this.#alone || this.#inside > 0) await this.#changed.next(signal);
      signal.throwIfAborted();
      this.#alone = true;
    } finally {
      this.#wanted -= 1;
      if (!this.#alone) this.#changed.beat();
    }
    try {
      return await work();
    } finally {
      this.#alone = false;
      this.#changed.beat();
    }
  }
}
