import type { Thresholds } from './thresholds.ts';

/**
 * The settings that may change while a migration runs (control socket, SIGHUP). Stages read them at each step
 * and never keep a copy. Ranges are those of the options table, which checks them.
 */
export interface LiveSettings {
  /** Rows a chunk; null = adaptive by time. */
  chunkRows: number | null;
  /** Keys a batch at the most; null = adaptive by time. */
  batchKeys: number | null;
  /** Replication lag above which we rest, ms. */
  maxLagMs: number;
  /** Replicas whose lag counts, as `host:port`. */
  throttleControlReplicas: readonly string[];
  /** The cut-over waits while this file exists; null = never. */
  postponeFlagFile: string | null;
  /** Status variables at which we rest, and at which the run is abandoned. */
  maxLoad: Thresholds;
  criticalLoad: Thresholds;
  /** Time to sleep after a chunk, as a multiple of the time that it took. */
  niceRatio: number;
  /** A query on the server that is written to; above 0 we rest. Empty: none. */
  throttleQuery: string;
  /** A URL that is asked by HEAD; anything but 200 and we rest. Empty: none. */
  throttleHttp: string;
}

/** A struct with its maps as objects, which JSON can hold. */
export function plainRecord(struct: object): Record<string, unknown> {
  const fields = Object.entries(struct).map(([name, value]) => [
    name,
    value instanceof Map ? Object.fromEntries(value) : value,
  ]);
  return Object.fromEntries(fields) as Record<string, unknown>;
}
