import type { Clock } from '../base/clock.ts';
import { Ambiguous, messageOf, Transient } from '../base/errors.ts';
import { deadline } from '../base/pulse.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { Visibility } from '../core/visibility.ts';

/** What the RENAME waits for, as the server shows it. */
export type RenameWait =
  /** For the sentry, as it must at first. */
  | 'sentry'
  /** For the original, and only we hold it: it goes before every waiting writer once we let go. */
  | 'original'
  /** For the original, which others hold too, or for another table (a session holds the ghost). */
  | 'others'
  /** It is not seen waiting. */
  | 'nothing';

/** Which table is which, looked at on a fresh connection. */
export type SwapOutcome = 'swapped' | 'unchanged' | 'unclear';

/**
 * What a cut-over does to the server. Two sessions of its own, L (lock) and R (rename), opened for one attempt.
 * Every call may throw Transient.
 */
export interface SwapPort {
  /** Opens L and R. */
  open(signal: AbortSignal): Promise<void>;
  /** Sessions with old transactions that hold the original, in words; empty when there are none. */
  blockers(signal: AbortSignal): Promise<string[]>;
  /** Things that must not have appeared since the start: triggers, foreign keys, another definition. @throws Failure. */
  recheck(signal: AbortSignal): Promise<void>;
  /** Carries the original's AUTO_INCREMENT over to the ghost. */
  carryAutoIncrement(signal: AbortSignal): Promise<void>;
  /** Creates the sentry where the old table will be. @throws Refusal when a table that is not ours has that name. */
  createSentry(signal: AbortSignal): Promise<void>;
  /** L: LOCK TABLES original READ, sentry WRITE. */
  lock(signal: AbortSignal): Promise<void>;
  /** R: RENAME; resolves when the server says it is done. */
  rename(): Promise<void>;
  renameWait(signal: AbortSignal): Promise<RenameWait>;
  /** L: DROP TABLE sentry. */
  dropSentry(signal: AbortSignal): Promise<void>;
  /** L: UNLOCK TABLES. */
  unlock(): Promise<void>;
  /** Ends R on the server and waits until it is gone; then drops the sentry if it is still there, and lets go of the lock. */
  stepBack(): Promise<void>;
  outcome(): Promise<SwapOutcome>;
  close(): Promise<void>;
}

export interface CutOverParts {
  readonly port: SwapPort;
  readonly changes: ChangeSet;
  readonly visibility: Visibility;
  readonly applier: { drain(signal: AbortSignal): Promise<void> };
  readonly turnstile: Turnstile;
  readonly clock: Clock;
  /** Called when the tables are swapped, while nothing else can run: the applier must never run again. */
  readonly onSwapped: () => void;
  /** Told of every step, for the log. */
  readonly onStep: (step: string) => void;
}

export interface CutOverOptions {
  /** How long the original may be locked in one attempt, ms (`--cut-over-lock-timeout-seconds`). */
  readonly lockTimeoutMs: number;
  /** How long to look for old transactions to end before an attempt gives up without having locked anything, ms. */
  readonly patienceMs: number;
}

/** How the swap went. Durations in ms. */
export interface SwapReport {
  /** From asking for the lock to the RENAME's answer: how long writers may have been stopped. */
  readonly writerStopMs: number;
  readonly lockMs: number;
  readonly drainMs: number;
  readonly renameMs: number;
}

const blockerPollMs = 250;

/**
 * One attempt to swap the tables behind a sentry (DESIGN 5).
 *
 * Steps: looking (nothing is locked; old transactions are waited for) -> locked (L holds original READ and sentry WRITE: readers
 * go on, writers wait) -> drained (the ghost equals the original, and nothing of ours runs) -> queued (R waits on the sentry) ->
 * poised (the sentry is gone, R waits on the original, which only L holds) -> swapped. A failure at any step before `poised`
 * ends in stepping back: R is killed, the sentry dropped, the lock released, and the original is as it was. After it
 * the server is asked on a fresh connection which table is which.
 */
export class CutOver {
  readonly #parts: CutOverParts;
  readonly #options: CutOverOptions;

  constructor(parts: CutOverParts, options: CutOverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * @throws Transient when this attempt failed and the original is untouched: try again later.
   * @throws Ambiguous when nobody can tell which table is which.
   */
  async attempt(signal: AbortSignal): Promise<SwapReport> {
    const { port, onStep } = this.#parts;
    await port.open(signal);
    try {
      await this.#look(signal);
      await port.recheck(signal);
      await port.carryAutoIncrement(signal);
      onStep('creating the sentry table');
      await port.createSentry(signal);
      return await this.#lockAndSwap(signal);
    } finally {
      await port.close();
    }
  }

  /** Everybody queues behind our lock request, and it behind old transactions: so look before asking. */
  async #look(signal: AbortSignal): Promise<void> {
    const { port, clock } = this.#parts;
    const startMs = clock.nowMs();
    for (;;) {
      const blockers = await port.blockers(signal);
      if (blockers.length === 0) return;
      if (clock.nowMs() - startMs > this.#options.patienceMs) {
        throw new Transient(`old transactions hold the original table: ${blockers.join('; ')}`, {
          hint: 'Nothing has been locked. End these transactions, or wait: the cut-over is tried again.',
        });
      }
      await clock.sleep(blockerPollMs, signal);
    }
  }

  async #lockAndSwap(signal: AbortSignal): Promise<SwapReport> {
    const { port, clock, onStep, turnstile } = this.#parts;
    const limit = deadline(this.#options.lockTimeoutMs, 'the cut-over', clock, signal);
    const askedMs = clock.nowMs();
    try {
      onStep('locking');
      await port.lock(limit.signal);
      const lockedMs = clock.nowMs();
      onStep('locked; draining');
      // Nothing can change the definition now; what slipped in before the lock is looked for while the drain runs.
      await Promise.all([this.#drain(limit.signal), port.recheck(limit.signal)]);
      const drainedMs = clock.nowMs();
      await turnstile.exclusive(() => this.#swap(limit.signal), limit.signal);
      const doneMs = clock.nowMs();
      return {
        writerStopMs: doneMs - askedMs,
        lockMs: lockedMs - askedMs,
        drainMs: drainedMs - lockedMs,
        renameMs: doneMs - drainedMs,
      };
    } catch (error) {
      onStep(`stepping back: ${messageOf(error)}`);
      await port.stepBack();
      throw error;
    } finally {
      limit.clear();
    }
  }

  /** The part in which nothing else of ours may run: from the empty change set to the answer of the RENAME. */
  async #swap(signal: AbortSignal): Promise<void> {
    const { port, changes, onStep, onSwapped } = this.#parts;
    if (!changes.empty) throw new Transient('a change came in after the drain mark');
    onStep('renaming');
    const renaming = port.rename();
    renaming.catch(() => undefined);
    try {
      await this.#release(renaming, signal);
    } catch (error) {
      await port.stepBack();
      await this.#judge(error);
    }
    onSwapped();
  }

  /** Nobody writes any more: all that was written is received, made visible and synced (I6). */
  async #drain(signal: AbortSignal): Promise<void> {
    const { visibility, applier } = this.#parts;
    await visibility.pass(this.#options.lockTimeoutMs, signal);
    await applier.drain(signal);
  }

  /** From "R has been sent" to "R has answered". */
  async #release(renaming: Promise<void>, signal: AbortSignal): Promise<void> {
    const { port } = this.#parts;
    await this.#see('sentry', renaming, signal);
    await port.dropSentry(signal);
    await this.#see('original', renaming, signal);
    await port.unlock();
    await renaming;
  }

  /** Polls without sleeping: writers are waiting. */
  async #see(wanted: RenameWait, renaming: Promise<void>, signal: AbortSignal): Promise<void> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    renaming.then(end, end);
    while (!ended) {
      signal.throwIfAborted();
      if ((await this.#parts.port.renameWait(signal)) === wanted) return;
    }
    // It ended before it could wait: refused by the server (thrown here), or done, which the lock makes impossible.
    await renaming;
    throw new Transient('the RENAME ended while the original was locked');
  }

  /** After the RENAME was sent the outcome decides, never the error: a lost answer is not an answer. */
  async #judge(error: unknown): Promise<void> {
    const outcome = await this.#parts.port.outcome();
    if (outcome === 'swapped') return;
    if (outcome === 'unchanged') throw error;
    throw new Ambiguous('it cannot be told whether the tables have been swapped', {
      hint: 'Look at the tables: if the ghost is gone and the old table is there, the swap has happened. Nothing is cleaned up.',
      cause: error,
    });
  }
}
