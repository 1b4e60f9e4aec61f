import type { Phase } from './phase.ts';
import type { TableRef } from './table-ref.ts';
import type { Thresholds } from './thresholds.ts';

/** How far the building of deferred indexes is. */
export interface IndexBuildFigures {
  readonly built: number;
  readonly total: number;
  /** Of the statement that builds now, where the server tells it. */
  readonly percent: number | null;
}

/**
 * The run at one moment. Status line, `status --json`, metrics, hooks and web page are all printed from it.
 * Durations and ages in ms; sizes in rows or bytes as named.
 */
export interface Snapshot {
  /** Version of this struct; grows when a field changes its meaning or goes away. */
  readonly version: 1;
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly old: TableRef;
  readonly phase: Phase;
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  /** Time spent copying so far, or in all once the copy is complete. */
  readonly copyElapsedMs: number;
  readonly rowsCopied: number;
  readonly rowsEstimate: number;
  readonly copyComplete: boolean;
  /** The run waits until the rows are counted (--exact-rowcount, --concurrent-rowcount=false). */
  readonly countingRows: boolean;
  /** Rows verified so far, of how many; time spent on it, and what remains (null: not known, or nothing is verified). */
  readonly rowsVerified: number;
  readonly rowsToVerify: number;
  readonly verifyElapsedMs: number;
  readonly verifyEtaMs: number | null;
  /** Rows of the ghost that differed from the original without a change to explain it, and those put right since. */
  readonly differencesFound: number;
  readonly differencesRepaired: number;
  /** Changed rows that wait to be compared again, and those that never will be (sampling). */
  readonly verifyWaiting: number;
  readonly verifySkipped: number;
  /** The building of deferred indexes; null where none are deferred. */
  readonly indexBuild: IndexBuildFigures | null;
  /** Changes received for the original (row events), keys applied, keys waiting, and the most that may wait. */
  readonly changesReceived: number;
  readonly keysApplied: number;
  readonly backlog: number;
  readonly backlogLimit: number;
  /** How the backlog grows and what to do, where it has grown for a minute or longer; null where it has not. */
  readonly backlogGrows: string | null;
  /** Text of the stream's position. */
  readonly coordinates: string;
  readonly streamConnected: boolean;
  readonly streamReconnects: number;
  /** Age of the last mark seen in the stream: stream lag. */
  readonly streamLagMs: number;
  /** The greatest lag of the control replicas; 0 where there are none. */
  readonly replicationLagMs: number;
  /** Why we rest, `<signal> <observed> <op> <threshold>`; null when we do not. */
  readonly throttled: string | null;
  /** True while the cut-over is put off by the flag file. */
  readonly postponing: boolean;
  readonly cutOverAttempts: number;
  /** How long writers were stopped by the last cut-over attempt; null before the first. */
  readonly writerStopMs: number | null;
  /** True once the server has made the change by itself: nothing was copied. */
  readonly instantDdl: boolean;
  /** How the server did the ALTER by itself, so that nothing was copied; null when it did not. */
  readonly directly: 'instant' | 'in-place' | null;
  /** Remaining time of the copy: null = not known yet. */
  readonly etaMs: number | null;
  /** Identity of the servers, `host:port`. */
  readonly applierHost: string;
  readonly applierVersion: string;
  readonly inspectedHost: string;
  readonly inspectedVersion: string;
  readonly executingHost: string;
  /** Workers of the copy, or below 1 the share of its time in which one works; whether --concurrency fixes it. */
  readonly workers: number;
  readonly workersFixed: boolean;
  readonly chunkRows: number;
  readonly chunkRowsFixed: boolean;
  readonly batchKeys: number;
  readonly batchKeysFixed: boolean;
  readonly maxLagMs: number;
  /** Live settings of the throttle; see core/settings.ts. */
  readonly maxLoad: Thresholds;
  readonly criticalLoad: Thresholds;
  readonly niceRatio: number;
  readonly throttleQuery: string;
  readonly throttleHttp: string;
  readonly throttleFlagFile: string | null;
  readonly postponeFlagFile: string | null;
  readonly panicFlagFile: string | null;
  readonly throttleControlReplicas: readonly string[];
  readonly socketFile: string | null;
  readonly tcpPort: number | null;
}

/** What an operator can do to a running migration, by socket, flag file or signal. */
export interface MigrationControls {
  snapshot(): Snapshot;
  /** Rests until `unthrottle`. */
  throttle(): void;
  unthrottle(): void;
  /** Lets the cut-over go on; stays in force until one succeeds. @returns false when nothing is being postponed. */
  unpostpone(): boolean;
  /** Abandons the run without cleaning up. */
  panic(reason: string): void;
}
