import { hostname } from 'node:os';
import { batchKeysStart } from '../core/batch-size.ts';
import { plannedNames } from '../core/names.ts';
import { isAtLeast, type Phase } from '../core/phase.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { chunkerDefaults } from '../stages/chunker.ts';
import type { MigrationParts } from './config.ts';
import { changeSetCapacity, type DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';
import type { Progress } from './progress.ts';
import { addressOf } from './topology.ts';

/** What a snapshot is taken of; what is not there yet is null. */
export interface RunState {
  readonly parts: MigrationParts;
  readonly phase: Phase;
  readonly startedWallMs: number;
  readonly startedMs: number;
  readonly survey: Survey | null;
  readonly path: DataPath | null;
  readonly progress: Progress;
  readonly rowCount: { readonly rows: number | null; readonly waitedFor: boolean };
  readonly throttled: string | null;
  readonly lagMs: number;
  readonly postponing: boolean;
  readonly cutOverAttempts: number;
  readonly writerStopMs: number | null;
}

/** The run at this moment. */
export function takeSnapshot(state: RunState): Snapshot {
  const { parts, survey, path, progress, rowCount } = state;
  const { config, settings, clock } = parts;
  const { connection, inspected } = config;
  const { schema } = config.table;
  const planned = plannedNames(config.table.name, config.names);
  const rowsBefore = path?.rowsBefore ?? 0;
  const rowsCopied = rowsBefore + (path?.copier.rows ?? 0);
  // Once everything is copied the estimate has had its day.
  const rowsEstimate = progress.complete
    ? rowsCopied
    : Math.max(rowCount.rows ?? survey?.original.rowsEstimate ?? 0, rowsCopied);
  return {
    version: 1,
    original: survey?.original.ref ?? config.table,
    ghost: survey?.artifacts.ghost ?? { schema, name: planned.ghost },
    old: survey?.artifacts.old ?? { schema, name: planned.old },
    phase: state.phase,
    startedAtMs: state.startedWallMs,
    elapsedMs: clock.nowMs() - state.startedMs,
    copyElapsedMs: progress.elapsedMs,
    rowsCopied,
    rowsEstimate,
    copyComplete: progress.complete,
    countingRows: rowCount.waitedFor,
    ...verifyFigures(path, config.verify.percent, rowsCopied),
    indexBuild: path?.indexBuild?.figures ?? null,
    changesReceived: path?.intake.rows ?? 0,
    keysApplied: path?.applier.applied ?? 0,
    backlog: path?.changes.size ?? 0,
    backlogLimit: path?.changes.capacity ?? changeSetCapacity,
    backlogGrows: path?.backlog.grows ?? null,
    coordinates: coordinatesOf(path),
    streamConnected: path?.stream.stats.connected ?? false,
    streamReconnects: path?.stream.stats.reconnects ?? 0,
    streamLagMs: path && isAtLeast(state.phase, 'copying') ? path.heartbeat.streamLagMs : 0,
    replicationLagMs: state.lagMs,
    throttled: state.throttled,
    postponing: state.postponing,
    cutOverAttempts: state.cutOverAttempts,
    writerStopMs: state.writerStopMs,
    instantDdl: (survey?.directly ?? null) !== null,
    directly: survey?.directly ?? null,
    etaMs: progress.etaMs(rowsCopied - rowsBefore, rowsEstimate - rowsBefore),
    applierHost: addressOf(connection),
    applierVersion: survey?.facts.version ?? '',
    inspectedHost: addressOf(inspected),
    inspectedVersion: survey?.streamed.version ?? '',
    executingHost: hostname(),
    workers: path?.pacer.level ?? config.copyWorkers ?? 0,
    workersFixed: config.copyWorkers !== null,
    chunkRows: path?.chunker.rows ?? settings.chunkRows ?? chunkerDefaults.rowsStart,
    chunkRowsFixed: settings.chunkRows !== null,
    batchKeys: path?.applier.batchKeys ?? settings.batchKeys ?? batchKeysStart,
    batchKeysFixed: settings.batchKeys !== null,
    ...liveFigures(settings),
    throttleFlagFile: config.throttleFlagFile,
    panicFlagFile: config.panicFlagFile,
    socketFile: config.socketFile,
    tcpPort: config.tcpPort,
  };
}

/** As gh-ost shows it: the GTID set without the prefix that tells our checkpoints the kind of a position. */
function coordinatesOf(path: DataPath | null): string {
  const position = path?.stream.stats.position?.toString() ?? '';
  return position.replace(/^(mariadb-)?gtid:/, '');
}

/** What the snapshot says of the verification. */
function verifyFigures(
  path: DataPath | null,
  percent: number,
  rowsCopied: number,
): Pick<
  Snapshot,
  | 'rowsVerified'
  | 'rowsToVerify'
  | 'verifyElapsedMs'
  | 'verifyEtaMs'
  | 'differencesFound'
  | 'differencesRepaired'
  | 'verifyWaiting'
  | 'verifySkipped'
> {
  const verification = path?.verification;
  const report = verification?.verifier.report;
  const rowsVerified = report?.rows ?? 0;
  const rowsBefore = report?.rowsBefore ?? 0;
  const wanted = verification ? Math.round((rowsCopied * percent) / 100) : 0;
  const rowsToVerify = verification?.progress.complete ? rowsVerified : Math.max(wanted, rowsVerified);
  return {
    rowsVerified,
    rowsToVerify,
    verifyElapsedMs: verification?.progress.elapsedMs ?? 0,
    verifyEtaMs: verification?.progress.etaMs(rowsVerified - rowsBefore, rowsToVerify - rowsBefore) ?? null,
    differencesFound: report?.found ?? 0,
    differencesRepaired: report?.repaired ?? 0,
    verifyWaiting: report?.watched ?? 0,
    verifySkipped: report?.notCompared ?? 0,
  };
}

/** The settings in force; sizes that adapt are told by those who adapt them. */
function liveFigures({
  chunkRows: _,
  batchKeys: __,
  ...rest
}: LiveSettings): Omit<LiveSettings, 'chunkRows' | 'batchKeys'> {
  return rest;
}
