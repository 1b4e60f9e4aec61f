import { Abandoned, Ambiguous, Bug, type EndReason, PoltergeistError } from '../base/errors.ts';

/**
 * What becomes of our tables when a run ends before the swap.
 *
 *  - keep    ghost, changelog and checkpoint stay, and a last checkpoint is written: the run can be resumed
 *  - remove  all of it is of no use any more
 *  - leave   nothing is touched, not even to write a checkpoint
 */
export type Ending = 'keep' | 'remove' | 'leave';

/** The definite reasons. Whatever is not here may be over when the run is resumed (HAZARDS 93). */
const endings: Readonly<Record<EndReason, Ending>> = {
  // The new table can never hold the original's rows.
  collision: 'remove',
  // TRUNCATE, ALTER, RENAME, DROP, triggers, statements without rows: the ghost is a copy of something else.
  'world-changed': 'remove',
  // Another run may be at work on the same tables.
  'lock-lost': 'leave',
  panic: 'leave',
};

/**
 * What a failure means for our tables.
 *
 * Kept, so: signals, lost connections, a server that is gone, read-only, full, or without a privilege,
 * throttled or locked for too long, purged binlogs, another server behind the same address, rows that do not
 * fit (they can be changed), a cut-over that did not succeed, and what nobody has thought of.
 * @param resumable a checkpoint has been written, by this run or an earlier one.
 */
export function endingOf(error: Error, resumable: boolean): Ending {
  if (error instanceof Ambiguous) return 'leave';
  if (error instanceof PoltergeistError && error.reason !== undefined) return endings[error.reason];
  if (error instanceof Bug) return resumable ? 'leave' : 'remove';
  // Before the first checkpoint there is nothing to go on with: an ALTER that was refused, for one.
  return resumable ? 'keep' : 'remove';
}

/** The end that an operator wants at once. */
export function panicked(reason: string): Abandoned {
  const hint = 'The original table is as it was. Our tables are left as they are.';
  return new Abandoned(reason, { hint, reason: 'panic' });
}
