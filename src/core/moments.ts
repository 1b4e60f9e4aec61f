/**
 * Moments of a run at which the operator may have something done: hooks, run by ops/hooks.ts. Named as gh-ost's hooks are,
 * without their `gh-ost-on-`. Who gets there calls `reach` and waits: what is done there may take its time, and may veto.
 *
 *  - startup               before anything is connected
 *  - validated             everything is inspected, the ghost is there and altered
 *  - rowcount-complete     the rows have been counted (--exact-rowcount)
 *  - before-row-copy       changes are followed; nothing is copied yet
 *  - batch-copy-retry      a chunk could not be copied and will be tried again
 *  - row-copy-complete     all rows are copied
 *  - before-cut-over       before the first attempt, and before postponing
 *  - begin-postponed       the postpone flag file is seen for the first time
 *  - stop-replication      before replication is stopped, --test-on-replica
 *  - start-replication     replication is to go on after a cut-over that failed, --test-on-replica
 *  - success, failure      the run is over
 *  - status                a status is printed (from time to time)
 *  - interactive-command   a command has come in, and has not been obeyed yet
 */
export type Moment =
  | 'startup'
  | 'validated'
  | 'rowcount-complete'
  | 'before-row-copy'
  | 'batch-copy-retry'
  | 'row-copy-complete'
  | 'before-cut-over'
  | 'begin-postponed'
  | 'stop-replication'
  | 'start-replication'
  | 'success'
  | 'failure'
  | 'status'
  | 'interactive-command';

/** What belongs to one moment only. */
export interface MomentFacts {
  /** batch-copy-retry: why; failure: what the run ended with. */
  readonly error?: string;
  /** interactive-command: its name, and its argument (empty where it has none). */
  readonly command?: string;
  readonly argument?: string;
  /** status: the line that was printed. */
  readonly status?: string;
}

/** What is done at the moments of a run. */
export interface Moments {
  /**
   * Resolves when everything that is to be done at this moment has been done.
   * @param signal ends what is being done.
   * @throws Failure when it vetoes (batch-copy-retry and status never do); the signal's reason.
   */
  reach(moment: Moment, signal?: AbortSignal, facts?: MomentFacts): Promise<void>;
}
