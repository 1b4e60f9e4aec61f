import { access } from 'node:fs/promises';
import type { LiveSettings } from '../core/settings.ts';
import type { ThrottleSignal } from '../stages/throttler.ts';
import { secondsOf } from './load-signals.ts';

/** Rest while the file exists. A path that cannot be looked at for another reason than absence throttles. */
export function flagFileSignal(path: string): ThrottleSignal {
  return {
    // Names tell signals apart: with one name for both files, the one would take back what the other says.
    name: `flag-file ${path}`,
    intervalMs: 250,
    read: async () => ((await exists(path)) ? 'flag-file' : null),
  };
}

/** Who reads replicas. */
export interface LagReader {
  /** Replicas besides those that the operator names; found again where it is time to. */
  discovered(signal: AbortSignal): Promise<readonly string[]>;
  read(replica: string, signal: AbortSignal): Promise<number>;
}

/** The lag of the control replicas, named and discovered, and what the last reading found, for the status. */
export class ReplicaLagSignal implements ThrottleSignal {
  readonly name = 'replica-lag';
  readonly #reader: LagReader;
  readonly #settings: LiveSettings;
  #lagMs = 0;

  constructor(reader: LagReader, settings: LiveSettings) {
    this.#reader = reader;
    this.#settings = settings;
  }

  /** Ten times a second where less than a second counts, as often as a heartbeat arrives; else a quarter of what counts. */
  get intervalMs(): number {
    const { maxLagMs } = this.#settings;
    return maxLagMs < 1000 ? 100 : Math.min(1000, maxLagMs / 4);
  }

  /** The greatest lag at the last reading, ms. */
  get lagMs(): number {
    return this.#lagMs;
  }

  async read(signal: AbortSignal): Promise<string | null> {
    const found = await this.#reader.discovered(signal);
    const { throttleControlReplicas, maxLagMs } = this.#settings;
    const replicas = [...new Set([...throttleControlReplicas, ...found])];
    const lags = await Promise.all(
      replicas.map(async (replica) => ({ replica, lagMs: await this.#readOne(replica, signal) })),
    );
    const worst = lags.reduce((a, b) => (b.lagMs > a.lagMs ? b : a), { replica: '', lagMs: 0 });
    this.#lagMs = worst.lagMs;
    if (worst.lagMs < maxLagMs) return null;
    return `${worst.replica} replica-lag=${secondsOf(worst.lagMs)}s >= ${secondsOf(maxLagMs)}s`;
  }

  async #readOne(replica: string, signal: AbortSignal): Promise<number> {
    try {
      return await this.#reader.read(replica, signal);
    } catch (error) {
      throw new Error(`${replica}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

/** Whether a flag file exists. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
