import { messageOf } from '../base/errors.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import { exists } from './throttle-signals.ts';
import { streamsElsewhere } from './topology.ts';

/** With more keys waiting than this a drain under the lock would take too long. */
const backlogMax = 2000;

/**
 * Whether the cut-over may begin.
 *
 * States: postponing (the flag file exists, and nobody has said unpostpone) <-> ready | not ready (in step enough to cut over, or not).
 * `unpostpone` stays in force until a cut-over succeeds.
 */
export class Readiness {
  readonly #parts: MigrationParts;
  #postponing = false;
  /** The operator's programs are told of the first time only. */
  #told = false;
  /** The flag file that was overruled: another one that is named later counts again. */
  #unpostponed: string | null = null;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  /** True while the cut-over is put off by the flag file. */
  get postponing(): boolean {
    return this.#postponing;
  }

  /** @returns false when nothing is being postponed. */
  unpostpone(): boolean {
    if (!this.#postponing) return false;
    this.#unpostponed = this.#parts.settings.postponeFlagFile;
    return true;
  }

  /** Looks at the flag file. @returns why the cut-over is put off, or null. A file that cannot be looked at puts it off. */
  async #postponed(signal?: AbortSignal): Promise<string | null> {
    const file = this.#parts.settings.postponeFlagFile;
    const why = file === null || file === this.#unpostponed ? null : await look(file);
    this.#postponing = why !== null;
    if (this.#postponing && !this.#told) {
      this.#told = true;
      await this.#parts.moments?.reach('begin-postponed', signal);
    }
    return why;
  }

  /** Why a cut-over would have to wait, or null. Whoever asks while postponing gets that first. */
  async obstacle(path: DataPath, throttled: string | null, signal?: AbortSignal): Promise<string | null> {
    const postponed = await this.#postponed(signal);
    if (postponed !== null) return postponed;
    if (throttled !== null) return `throttled: ${throttled}`;
    if (path.changes.size > backlogMax) return `${path.changes.size} keys are waiting`;
    const unverified = path.verification?.verifier.obstacle ?? null;
    if (unverified !== null) return unverified;
    const { settings, config } = this.#parts;
    const lockMs = config.cutOver.lockTimeoutSeconds * 1000;
    // Through a replica the drain mark travels as long as replication takes, while writers wait.
    const limitMs = Math.min(settings.maxLagMs, streamsElsewhere(config) ? lockMs / 3 : lockMs);
    const lagMs = path.heartbeat.streamLagMs;
    return lagMs > limitMs ? `the change stream is ${Math.round(lagMs)} ms behind` : null;
  }
}

async function look(file: string): Promise<string | null> {
  try {
    return (await exists(file)) ? 'postponed' : null;
  } catch (error) {
    return `postponed: the flag file cannot be looked at: ${messageOf(error)}`;
  }
}
