/**
 * The settings that may change while a migration runs (control socket, SIGHUP). Stages read them at each step
 * and never keep a copy. Ranges are those of the options table, which checks them.
 */
export interface LiveSettings {
  /** Rows a chunk; null = adaptive by time. */
  chunkRows: number | null;
  /** Keys a batch at the most. */
  batchKeys: number;
  /** Replication lag above which we rest, ms. */
  maxLagMs: number;
  /** Replicas whose lag counts, as `host:port`. */
  throttleControlReplicas: readonly string[];
  /** The cut-over waits while this file exists; null = never. */
  postponeFlagFile: string | null;
}
