import { Scope } from '../base/scope.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { SessionPool } from '../mysql/pool.ts';
import type { Copier } from '../stages/copier.ts';
import { Pacer } from '../stages/pacer.ts';
import type { MigrationParts } from './config.ts';
import type { Throttling } from './throttling.ts';

/** What a pacer is made of besides the configuration. */
export interface PaceSurroundings {
  readonly throttling: Throttling;
  /** All sessions that may be running a statement of ours. */
  readonly pools: readonly SessionPool[];
  readonly changes: ChangeSet;
  readonly streamLagMs: () => number;
  readonly changesReceived: () => number;
}

const runningThreads = 'Threads_running';
/** Threads that only wait come and go with replicas: counted this often, ms. */
const waitingEveryMs = 5000;

/** Makes the pacer of the copy: fixed by --concurrency, else steered by what others notice of us. */
export function makePacer({ config, settings, clock }: MigrationParts, around: PaceSurroundings): Pacer {
  const { throttling, pools, changes } = around;
  let waitingThreads: { readonly count: number; readonly atMs: number } | null = null;
  const waiting = async (signal: AbortSignal): Promise<number> => {
    if (waitingThreads === null || clock.nowMs() - waitingThreads.atMs > waitingEveryMs)
      waitingThreads = { count: await throttling.countWaitingThreads(signal), atMs: clock.nowMs() };
    return waitingThreads.count;
  };
  const busy = (): number => pools.reduce((sum, pool) => sum + pool.busy, 0);
  return new Pacer(
    {
      clock,
      settings,
      othersRunning: async (signal) => {
        const before = busy();
        const running = (await throttling.readStatus([runningThreads], signal)).get(runningThreads)!;
        // The session that asks runs as well. What of ours ended or began meanwhile is taken for ours.
        return Math.max(0, running - 1 - Math.max(before, busy()) - (await waiting(signal)));
      },
      lagShare: () =>
        Math.max(
          around.streamLagMs() / settings.maxLagMs,
          throttling.lagMs / settings.maxLagMs,
          changes.size / changes.capacity,
        ),
      changes: around.changesReceived,
      throttled: () => throttling.bulk.reason !== null,
    },
    config.copyWorkers,
  );
}

/** A copy and who sets its pace. */
export interface PacedCopy {
  readonly copier: Pick<Copier, 'run'>;
  readonly pacer: Pick<Pacer, 'run'>;
  readonly copyWorkers: number;
}

/**
 * Copies all rows. The pace is measured for that long only: behind it there is nothing to hold back, and a cut-over may be
 * postponed for days.
 * @throws as `Copier.run`.
 */
export async function copyPaced(
  { copier, pacer, copyWorkers }: PacedCopy,
  signal: AbortSignal,
): Promise<void> {
  const scope = new Scope(signal);
  scope.spawn((stop) => pacer.run(stop));
  try {
    await copier.run(copyWorkers, scope.signal);
  } finally {
    await scope.close(new Error('all rows are copied'));
  }
}
