import { Pulse } from '../../src/base/pulse.ts';
import type { Gate } from '../../src/core/gate.ts';

/** A gate that somebody opens and shuts. */
export class SimGate implements Gate {
  readonly #opened = new Pulse();
  #reason: string | null = null;

  get reason(): string | null {
    return this.#reason;
  }
  turn(): void {
    this.#reason = this.#reason === null ? 'replica-lag 9 > 1' : null;
    this.#opened.beat();
  }
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#reason !== null) await this.#opened.next(signal);
  }
}
