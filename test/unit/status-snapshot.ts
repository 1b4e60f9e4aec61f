import type { Snapshot } from '../../src/core/snapshot.ts';

const plain: Snapshot = {
  version: 1,
  original: { schema: 'shop', name: 'orders' },
  ghost: { schema: 'shop', name: '_orders_gho' },
  old: { schema: 'shop', name: '_orders_del' },
  phase: 'copying',
  startedAtMs: 0,
  elapsedMs: 63_400,
  copyElapsedMs: 59_900,
  rowsCopied: 250,
  rowsEstimate: 1000,
  copyComplete: false,
  changesReceived: 12,
  keysApplied: 7,
  backlog: 3,
  backlogLimit: 1000,
  coordinates: 'binlog.000002:4711',
  streamConnected: true,
  streamReconnects: 0,
  streamLagMs: 12,
  replicationLagMs: 250,
  throttled: null,
  postponing: false,
  cutOverAttempts: 0,
  writerStopMs: null,
  etaMs: 180_900,
  applierHost: 'primary:3306',
  applierVersion: '9.7.4',
  inspectedHost: 'replica:3307',
  inspectedVersion: '9.7.4-log',
  executingHost: 'box',
  chunkRows: 1200,
  chunkRowsFixed: false,
  batchKeys: 10,
  maxLagMs: 1500,
  throttleFlagFile: null,
  postponeFlagFile: null,
  panicFlagFile: null,
  throttleControlReplicas: [],
  socketFile: null,
};

/** A snapshot in the middle of a copy, with some fields changed. */
export function snapshotOf(changes: Partial<Snapshot> = {}): Snapshot {
  return { ...plain, ...changes };
}
