import type { Migration, MigrationWorld } from './migration.ts';
import type { Writers } from './writers.ts';

/** What stood where when a run broke off. */
export function describe(
  migration: Migration,
  { server, scheduler }: MigrationWorld,
  writers: Writers,
): unknown {
  const { changes, watermark, stream, heartbeat, gate } = migration;
  const { complete, low, high, flights } = watermark;
  return {
    size: changes.size,
    reserved: changes.reservedCount,
    unplaced: changes.unplaced(99),
    receipt: changes.receipt,
    visible: heartbeat.visible.receipt,
    ...{ complete, low, high, flights },
    entry: stream.entry,
    log: server.log.length,
    shown: server.shown,
    gate: gate.reason,
    waiting: scheduler.waiting,
    timers: scheduler.timers,
    writersDone: writers.done,
    marks: heartbeat.marks,
    now: scheduler.nowMs(),
  };
}
