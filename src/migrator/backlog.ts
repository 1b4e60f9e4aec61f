import { BacklogTrend } from '../core/backlog-trend.ts';
import type { MigrationParts } from './config.ts';

const pollMs = 1000;
/** A stream that is further behind brings what is old as fast as it can: more keys wait then, and that passes. */
const streamLagMaxMs = 10_000;

/** What of the data path is watched. */
export interface BacklogSources {
  readonly changes: { readonly size: number };
  readonly applier: { readonly applied: number };
  readonly heartbeat: { readonly streamLagMs: number };
  /** How many sessions may apply beside each other. */
  readonly applySessions: number;
}

/** Tells the operator of a backlog that only grows: such a migration never comes to its cut-over. */
export class BacklogWatch {
  readonly #parts: Pick<MigrationParts, 'settings' | 'clock' | 'log'>;
  readonly #codec: { readonly comparable: boolean };
  readonly #sources: BacklogSources;
  readonly #trend = new BacklogTrend();
  #told = false;

  /** @param codec keys that it cannot compare allow one session only (I4). */
  constructor(
    parts: Pick<MigrationParts, 'settings' | 'clock' | 'log'>,
    codec: { readonly comparable: boolean },
    sources: BacklogSources,
  ) {
    this.#parts = parts;
    this.#codec = codec;
    this.#sources = sources;
  }

  /** How it grows, and what to do; null while it does not. */
  get grows(): string | null {
    const { growth } = this.#trend;
    if (growth === null) return null;
    const { keys, keysPerSecond, forMs } = growth;
    const seconds = Math.round(forMs / 1000);
    return `${keys} keys wait, ${Math.round(keysPerSecond)} more each second for ${seconds} s; ${this.#remedy()}`;
  }

  /** Watches until the signal aborts, which is no failure. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (let before = -1; !signal.aborted; ) {
      before = this.#look(before);
      await clock.sleep(pollMs, signal).catch(() => undefined);
    }
  }

  /** @param before keys that had been applied at the last look. @returns those that are now. */
  #look(before: number): number {
    const { clock, log } = this.#parts;
    const { changes, applier, heartbeat } = this.#sources;
    const isResting = applier.applied === before || heartbeat.streamLagMs > streamLagMaxMs;
    if (isResting) this.#trend.reset();
    else this.#trend.add(clock.nowMs(), changes.size);
    const { grows } = this;
    if (grows !== null && !this.#told) log.warn({ backlog: changes.size }, `the backlog grows: ${grows}`);
    this.#told = grows !== null;
    return applier.applied;
  }

  #remedy(): string {
    const { batchKeys } = this.#parts.settings;
    const { applySessions } = this.#sources;
    const { comparable } = this.#codec;
    const alone = comparable ? '' : ' (only one session may apply: the collation of the migration key)';
    if (batchKeys !== null)
      return `--dml-batch-size ${batchKeys} fixes small batches${alone}: set dml-batch-size higher, or start without it`;
    if (!comparable)
      return 'only one session may apply, because of the collation of the migration key: let there be fewer writes';
    return `${applySessions} sessions at the most apply, which is too slow beside these writes: let there be fewer, or throttle`;
  }
}
