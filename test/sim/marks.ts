import type { MarkPort } from '../../src/stages/heartbeat.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Server } from './server.ts';

/**
 * Writes marks: a transaction of the changelog whose COMMIT returns when it and all before it are visible.
 * The port tries again by itself: a mark whose answer was lost is written twice.
 */
export class SimMarks implements MarkPort {
  readonly #server: Server;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #failure: number;

  constructor(server: Server, scheduler: Scheduler, random: Random, failure: number) {
    this.#server = server;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#failure = failure;
  }

  async writeMark(sequence: number, writtenAtMs: number): Promise<void> {
    for (;;) {
      await this.#scheduler.point();
      if (this.#random.chance(this.#failure)) continue;
      await new Promise<void>((shown) => this.#server.mark(sequence, writtenAtMs, shown));
      await this.#scheduler.point();
      if (!this.#random.chance(this.#failure)) return;
    }
  }
}
