/** What the RENAME waits for, as the server shows it. */
export type RenameWait =
  /** For the sentry, which sorts before the original, and nobody else holds the ghost. */
  | 'sentry'
  /** For the original, which only we hold: it goes before every waiting writer once we let go. */
  | 'original'
  /** For a table that others hold too: the original, or the ghost. */
  | 'others'
  /** It is not seen waiting. */
  | 'nothing';

/** Which table is which, looked at on a fresh connection. */
export type SwapOutcome = 'swapped' | 'unchanged' | 'unclear';

/** Connection ids of L and R. */
export interface SwapThreads {
  readonly lock: number;
  readonly rename: number;
}

/** Sessions with old transactions, in words; `unsure` where the server cannot tell which tables they hold. */
export interface Blockers {
  readonly who: readonly string[];
  readonly unsure: boolean;
}

/**
 * What a cut-over does to the server. Two sessions of its own, L (lock) and R (rename), opened for one attempt.
 * Every call may throw Transient.
 */
export interface SwapPort {
  /** Sessions whose transactions are older than so many seconds and hold the original or the ghost. */
  blockers(olderThanSeconds: number, signal: AbortSignal): Promise<Blockers>;
  /** Things that must not have appeared since the start: triggers, foreign keys, another definition. @throws Failure. */
  recheck(signal: AbortSignal): Promise<void>;
  /** Opens L and R. */
  open(signal: AbortSignal): Promise<SwapThreads>;
  /** R: carries the original's AUTO_INCREMENT over to the ghost. */
  carryAutoIncrement(signal: AbortSignal): Promise<void>;
  /** R: whether it would have to be carried over as things are. */
  autoIncrementMissing(signal: AbortSignal): Promise<boolean>;
  /** Creates the sentry, and its relief where the old table will be. @throws Refusal when a table that is not ours has that name. */
  createSentry(signal: AbortSignal): Promise<void>;
  /** L: LOCK TABLES original READ, sentry WRITE. */
  lock(signal: AbortSignal): Promise<void>;
  /** Gives the ghost what only the new table may have: triggers. Nothing of ours may write to it from here on. */
  dress(signal: AbortSignal): Promise<void>;
  /** Takes it off again, after an attempt that has failed. @throws Failure: the ghost must not be written to any more. */
  undress(): Promise<void>;
  /** R: RENAME relief to sentry, original to old table, ghost to original; resolves when the server says it is done. */
  rename(): Promise<void>;
  /** @throws Transient when L is lost. */
  renameWait(signal: AbortSignal): Promise<RenameWait>;
  /** L: DROP TABLE sentry. */
  dropSentry(signal: AbortSignal): Promise<void>;
  /** L: UNLOCK TABLES. */
  unlock(signal: AbortSignal): Promise<void>;
  /** Ends R on the server; then drops the sentry if it is still there, and lets go of the lock. */
  stepBack(): Promise<void>;
  /** Sees R end on the server, and looks. */
  outcome(): Promise<SwapOutcome>;
  close(): Promise<void>;
}

/** The steps of an attempt, in order; the last two belong to attempts that fail. */
export const cutOverSteps = {
  looking: 'looking for old transactions',
  sentry: 'creating the sentry table',
  locking: 'locking',
  locked: 'locked; draining',
  drained: 'drained; renaming',
  queued: 'the RENAME waits; dropping the sentry',
  dropped: 'the sentry is dropped',
  poised: 'the RENAME waits for the original, which only we hold; unlocking',
  unlocked: 'unlocked',
  'stepping-back': 'stepping back',
  asking: 'finding out which table is which',
} as const;

export type CutOverStep = keyof typeof cutOverSteps;
