import { isAtLeast, type Phase } from '../core/phase.ts';
import { quoteTable } from '../core/quote.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { formatThresholds } from '../core/thresholds.ts';
import { rubyDate, wholeSeconds } from './duration.ts';

/** What the header needs to know besides the snapshot: it is looked up when the header is printed. */
export interface HeaderFacts {
  /** True when this flag file exists now. */
  readonly exists: (path: string) => boolean;
  /** The pause file shared by many migrations; null = none. */
  readonly additionalFlagFile: string | null;
}

/** Remaining time of the copy: not known, over or as good as over, or ms. */
type Eta = 'unknown' | 'due' | number;

/** Share of the rows that is copied, in percent. The estimate may be too low: then it grows beyond 100. */
export function progressPercent({ copyComplete, rowsCopied, rowsEstimate, phase }: Snapshot): number {
  if (copyComplete) return 100;
  if (rowsEstimate <= 0) return isRunning(phase) ? 100 : 0;
  return (100 * rowsCopied) / rowsEstimate;
}

/** The remaining time as it may be shown: below 0.1 % any extrapolation would be noise. */
export function etaOf(snapshot: Snapshot): Eta {
  if (snapshot.postponing) return 'due';
  // Keys that become more and more have no end that could be told.
  if (snapshot.copyComplete) return snapshot.backlogGrows === null ? 'due' : 'unknown';
  const percent = progressPercent(snapshot);
  if (percent < 0.1) return 'unknown';
  if (percent >= 100) return 'due';
  if (snapshot.etaMs === null) return 'unknown';
  return snapshot.etaMs < 1000 ? 'due' : snapshot.etaMs;
}

/** The state in a word, as scripts look for it. */
export function stateOf(snapshot: Snapshot): string {
  const { postponing, throttled, phase, indexBuild, countingRows } = snapshot;
  if (phase === 'indexing' && indexBuild !== null) {
    const { built, total, percent } = indexBuild;
    return `building indexes, ${built}/${total} built${percent === null ? '' : `, ${Math.round(percent)}%`}`;
  }
  if (countingRows) return 'counting rows';
  if (postponing) return 'postponing cut-over';
  // Before the copy nothing rests yet, and the signals have not all been read.
  if (!isAtLeast(phase, 'copying')) return 'starting';
  if (throttled !== null) return `throttled, ${throttled}`;
  return phase === 'verifying' ? `verifying, ${verifiedPercent(snapshot).toFixed(1)}%` : 'migrating';
}

function verifiedPercent({ rowsVerified, rowsToVerify }: Snapshot): number {
  return rowsToVerify <= 0 ? 100 : (100 * rowsVerified) / rowsToVerify;
}

/** What the status line calls ETA: the remaining time of the copy, and after it that of the verification. */
function lineEta(snapshot: Snapshot): Eta {
  const { phase, postponing, verifyEtaMs } = snapshot;
  if (phase !== 'verifying' || postponing || verifiedPercent(snapshot) >= 100) return etaOf(snapshot);
  return verifyEtaMs ?? 'unknown';
}

/** The status line, without a line break. */
export function statusLine(snapshot: Snapshot): string {
  const eta = lineEta(snapshot);
  const { rowsCopied, copyComplete } = snapshot;
  const rows = copyComplete ? rowsCopied : snapshot.rowsEstimate;
  const total = wholeSeconds(snapshot.elapsedMs);
  const copy = wholeSeconds(snapshot.copyElapsedMs);
  const lag = seconds(snapshot.replicationLagMs);
  const streamLag = seconds(snapshot.streamLagMs);
  return [
    `Copy: ${rowsCopied}/${rows} ${progressPercent(snapshot).toFixed(1)}%`,
    `Applied: ${snapshot.keysApplied}`,
    `Backlog: ${snapshot.backlog}/${snapshot.backlogLimit}`,
    `Time: ${total}(total), ${copy}(copy)`,
    `streamer: ${snapshot.coordinates}`,
    `Lag: ${lag}, HeartbeatLag: ${streamLag}, State: ${stateOf(snapshot)}`,
    `ETA: ${eta === 'unknown' ? 'N/A' : eta === 'due' ? 'due' : wholeSeconds(eta)}`,
  ].join('; ');
}

/** The lines of the header, each with `# ` before it. */
export function statusHeader(snapshot: Snapshot, { exists, additionalFlagFile }: HeaderFacts): string[] {
  const { original, ghost, throttleControlReplicas: replicas, socketFile } = snapshot;
  const { applierHost, inspectedHost, executingHost } = snapshot;
  const lines = [
    `Migrating ${quoteTable(original)}; Ghost table is ${quoteTable(ghost)}`,
    `Migrating ${applierHost}; inspecting ${inspectedHost}; executing on ${executingHost}`,
    `Migration started at ${rubyDate(snapshot.startedAtMs)}`,
    [
      `chunk-size: ${snapshot.chunkRows}`,
      `max-lag-millis: ${snapshot.maxLagMs}ms`,
      `dml-batch-size: ${snapshot.batchKeys}`,
      `max-load: ${formatThresholds(snapshot.maxLoad)}`,
      `critical-load: ${formatThresholds(snapshot.criticalLoad)}`,
      `nice-ratio: ${snapshot.niceRatio.toFixed(6)}`,
    ].join('; '),
  ];
  const { coordinates, streamConnected, streamReconnects, phase } = snapshot;
  if (coordinates !== '' && !streamConnected && isRunning(phase))
    lines.push(`Change stream: ${inspectedHost} is lost; connecting again (${streamReconnects} so far)`);
  if (snapshot.backlogGrows !== null) lines.push(`Backlog grows: ${snapshot.backlogGrows}`);
  const flagFile = (name: string, path: string | null): void => {
    if (path !== null) lines.push(`${name}: ${path}${exists(path) ? ' [set]' : ''}`);
  };
  flagFile('throttle-flag-file', snapshot.throttleFlagFile);
  flagFile('throttle-additional-flag-file', additionalFlagFile);
  if (snapshot.throttleQuery !== '') lines.push(`throttle-query: ${snapshot.throttleQuery}`);
  if (replicas.length > 0) lines.push(`throttle-control-replicas count: ${replicas.length}`);
  flagFile('postpone-cut-over-flag-file', snapshot.postponeFlagFile);
  if (snapshot.panicFlagFile !== null) lines.push(`panic-flag-file: ${snapshot.panicFlagFile}`);
  if (socketFile !== null) lines.push(`Serving on unix socket: ${socketFile}`);
  if (snapshot.tcpPort !== null) lines.push(`Serving on TCP port: ${snapshot.tcpPort}`);
  if (snapshot.workers > 0) lines.push(`copy workers: ${workersOf(snapshot)}`);
  return lines.map((line) => `# ${line}`);
}

/** In the other phases the stream has not begun, or is over. */
function isRunning(phase: Phase): boolean {
  return isAtLeast(phase, 'copying') && !isAtLeast(phase, 'done');
}

/** `2`, `3 (auto)`, or where not even one may work all the time `1 (auto, 40% of the time)`. */
function workersOf({ workers, workersFixed }: Snapshot): string {
  if (workersFixed) return String(workers);
  return workers >= 1
    ? `${Math.floor(workers)} (auto)`
    : `1 (auto, ${Math.round(workers * 100)}% of the time)`;
}

/** When what was last printed, in ms of `elapsedMs`. */
export interface PrintedBefore {
  /** Null: nothing was printed yet. */
  readonly elapsedMs: number | null;
  /**
   * When something happened that is worth watching closely (a cut-over attempt, a reconnect); null = never.
   */
  readonly pointOfInterestMs: number | null;
}

/** Whether there is something to tell: at first there is neither a row nor a lag, and most refusals come then. */
export function isWorthPrinting({ phase, countingRows, elapsedMs }: Snapshot): boolean {
  return isRunning(phase) || countingRows || elapsedMs >= 5000;
}

/**
 * Whether the status line is due: every second at the start, near the end, and while the end is not known;
 * every 5 seconds soon after the start, near the end and after a point of interest; else every 30 seconds.
 * Intervals are counted on the clock of the run, so that a late tick prints late but is not left out.
 */
export function shouldPrint(snapshot: Snapshot, before: PrintedBefore): boolean {
  if (before.elapsedMs === null) return true;
  return crosses(before.elapsedMs, snapshot.elapsedMs, intervalMs(snapshot, before.pointOfInterestMs));
}

/** Whether the header is due: at the start and every 10 minutes (and after an attempt of the cut-over: StatusPrinter). */
export function shouldPrintHeader(snapshot: Snapshot, before: PrintedBefore): boolean {
  return before.elapsedMs === null || crosses(before.elapsedMs, snapshot.elapsedMs, 600_000);
}

function intervalMs(snapshot: Snapshot, pointOfInterestMs: number | null): number {
  const eta = lineEta(snapshot);
  const { elapsedMs } = snapshot;
  const sinceInterestMs = pointOfInterestMs === null ? Infinity : elapsedMs - pointOfInterestMs;
  if (elapsedMs <= 60_000 || typeof eta === 'string' || eta <= 60_000) return 1000;
  return elapsedMs <= 180_000 || eta <= 180_000 || sinceInterestMs <= 60_000 ? 5000 : 30_000;
}

function crosses(fromMs: number, toMs: number, everyMs: number): boolean {
  return Math.floor(toMs / everyMs) > Math.floor(fromMs / everyMs);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)}s`;
}
