import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import { exists } from './throttle-signals.ts';

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
  #unpostponed = false;

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
    this.#unpostponed = true;
    return true;
  }

  /** Looks at the flag file. */
  async isPostponed(): Promise<boolean> {
    const file = this.#parts.settings.postponeFlagFile;
    this.#postponing = file !== null && !this.#unpostponed && (await exists(file));
    return this.#postponing;
  }

  /** Why a cut-over would have to wait, or null. Whoever asks while postponing gets that first. */
  async obstacle(path: DataPath, throttled: string | null): Promise<string | null> {
    if (await this.isPostponed()) return 'postponed';
    if (throttled !== null) return `throttled: ${throttled}`;
    if (path.changes.size > backlogMax) return `${path.changes.size} keys are waiting`;
    const { settings, config } = this.#parts;
    const limitMs = Math.min(settings.maxLagMs, config.cutOver.lockTimeoutSeconds * 1000);
    const lagMs = path.heartbeat.streamLagMs;
    return lagMs > limitMs ? `the change stream is ${Math.round(lagMs)} ms behind` : null;
  }
}
