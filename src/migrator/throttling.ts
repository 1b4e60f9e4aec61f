import type { Gate } from '../core/gate.ts';
import type { TableRef } from '../core/table-ref.ts';
import { ReplicaLag } from '../mysql/replica-lag.ts';
import { Throttler } from '../stages/throttler.ts';
import type { MigrationParts } from './config.ts';
import { flagFileSignal, ReplicaLagSignal } from './throttle-signals.ts';

/**
 * All that may make a migration rest, as one gate: the signals that its configuration and its live settings ask for.
 *
 * States: made (nothing is read, the gate is shut) -> following (`follow` has named the changelog) -> running (`run`) -> closed.
 */
export class Throttling implements Gate {
  readonly #parts: MigrationParts;
  readonly #throttler: Throttler;
  readonly #lag: ReplicaLagSignal;
  #replicas: ReplicaLag | null = null;

  constructor(parts: MigrationParts) {
    const { config, settings, clock } = parts;
    this.#parts = parts;
    this.#lag = new ReplicaLagSignal(
      { read: async (replica, signal) => (await this.#replicas?.read(replica, signal)) ?? 0 },
      settings,
    );
    this.#throttler = new Throttler([...config.throttleFlagFiles.map(flagFileSignal), this.#lag], clock);
  }

  /** Why we rest; null while we do not. */
  get reason(): string | null {
    return this.#throttler.reason;
  }

  /** The greatest lag of the control replicas at the last reading, ms. */
  get lagMs(): number {
    return this.#lag.lagMs;
  }

  /** The operator's own throttle. */
  command(rest: boolean): void {
    this.#throttler.command(rest);
  }

  pass(signal: AbortSignal): Promise<void> {
    return this.#throttler.pass(signal);
  }

  /** From now on the heartbeat is written to this changelog: replicas are read. */
  follow(changelog: TableRef): void {
    const { config, clock } = this.#parts;
    this.#replicas = new ReplicaLag(config.connection, changelog, clock);
  }

  /** Reads the signals until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#throttler.run(signal);
  }

  async close(): Promise<void> {
    await this.#replicas?.close();
  }
}
