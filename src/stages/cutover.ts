import type { Clock } from '../base/clock.ts';
import { Ambiguous, Failure, messageOf, Transient, toError } from '../base/errors.ts';
import { orAborted } from '../base/or-aborted.ts';
import { deadline } from '../base/pulse.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { CutOverStep, RenameWait, SwapPort } from '../core/swap-port.ts';
import type { Visibility } from '../core/visibility.ts';

/** What an attempt works with. */
export interface CutOverParts {
  readonly port: SwapPort;
  readonly changes: ChangeSet;
  readonly visibility: Visibility;
  readonly applier: { drain(signal: AbortSignal): Promise<void> };
  /** Compares, after the drain, the rows that could not be compared yet. @throws Transient when some differ. */
  readonly compare?: (signal: AbortSignal) => Promise<void>;
  readonly turnstile: Turnstile;
  readonly clock: Clock;
  /** Called when the tables are swapped, while nothing else can run: the applier must never run again. */
  readonly onSwapped: () => void;
  /** Called when the ghost must never be written to again although the tables are not swapped. */
  readonly retire: () => void;
  /** Told of every step, for the log. What it returns is waited for (tests hold a step with it). */
  readonly onStep: (step: CutOverStep, detail: string) => void | Promise<void>;
  readonly warn: (message: string) => void;
}

/** How long an attempt may take. */
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
/** A transaction that is older than this holds a table for too long to queue behind it, seconds. */
const oldSeconds = 2;
/** Who has held a table since before a failed attempt began is named, seconds. */
const culpritSeconds = 1;

/**
 * One attempt to swap the tables behind a sentry (DESIGN 5).
 *
 * Steps: looking (nothing is locked; old transactions are waited for) -> locked (L holds original READ and sentry WRITE: readers
 * go on, writers wait) -> drained (the ghost equals the original, and nothing of ours runs) -> queued (R waits on the original,
 * which only L holds: whatever becomes of L and of us, R goes before every writer. The server takes locks in the order of names,
 * and the sentry's is behind the original's; for a name that leaves no room for that R waits on the sentry) -> poised (the sentry
 * is gone, R waits on the original) -> unlocked -> swapped.
 *
 * A failure before R is sent ends in stepping back: the sentry is dropped, the lock released, and the original is as it was.
 * After it R is ended as well, and the server is asked on a fresh connection which table is which. As long as the sentry stands,
 * R cannot succeed, whatever becomes of L and of us. Nothing waits longer than the attempt's limit, except to find out the outcome.
 */
export class CutOver {
  readonly #parts: CutOverParts;
  readonly #options: CutOverOptions;
  #steppedBack = false;

  constructor(parts: CutOverParts, options: CutOverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * @throws Transient when this attempt failed and the original is untouched: try again later.
   * @throws Ambiguous when nobody can tell which table is which.
   */
  async attempt(signal: AbortSignal): Promise<SwapReport> {
    const { port } = this.#parts;
    this.#steppedBack = false;
    await this.#step('looking');
    await this.#look(signal);
    await port.recheck(signal);
    try {
      const { lock, rename } = await port.open(signal);
      await port.carryAutoIncrement(signal);
      return await this.#lockAndSwap(`connection ${lock} locks, connection ${rename} renames`, signal);
    } finally {
      await port.close();
    }
  }

  /** Everybody queues behind our lock request, and it behind old transactions: so look before asking. */
  async #look(signal: AbortSignal): Promise<void> {
    const { port, clock, warn } = this.#parts;
    const startMs = clock.nowMs();
    for (let told = false; ; ) {
      const { who, unsure } = await port.blockers(oldSeconds, signal);
      if (who.length === 0) return;
      const holds = unsure ? 'may hold the table (this server does not tell)' : 'hold the table';
      if (!told) warn(`waits for old transactions that ${holds}: ${who.join('; ')}`);
      told = true;
      if (clock.nowMs() - startMs > this.#options.patienceMs) {
        // Where it cannot be told, a transaction elsewhere must not keep us from trying for ever.
        if (unsure) return;
        throw heldBy(who);
      }
      await clock.sleep(blockerPollMs, signal);
    }
  }

  async #lockAndSwap(who: string, signal: AbortSignal): Promise<SwapReport> {
    const { port, clock, turnstile, visibility } = this.#parts;
    let limit = deadline(this.#options.lockTimeoutMs, 'creating the sentry', clock, signal);
    try {
      await this.#step('sentry', who);
      await port.createSentry(limit.signal);
      limit.clear();
      limit = deadline(this.#options.lockTimeoutMs, 'the cut-over', clock, signal);
      // What was written until now is made visible, and synced, before anybody waits for it.
      await orAborted(visibility.pass(this.#options.lockTimeoutMs, limit.signal), limit.signal);
      await this.#step('locking');
      const askedMs = clock.nowMs();
      await port.lock(limit.signal);
      const lockedMs = clock.nowMs();
      await this.#step('locked');
      // Nothing can change the definition now; what slipped in before the lock is looked for while the drain runs.
      const idsMissing = await this.#drainAndRecheck(limit.signal);
      const drainedMs = clock.nowMs();
      await turnstile.exclusive(() => this.#swap(idsMissing, limit.signal), limit.signal);
      const doneMs = clock.nowMs();
      return {
        writerStopMs: doneMs - askedMs,
        lockMs: lockedMs - askedMs,
        drainMs: drainedMs - lockedMs,
        renameMs: doneMs - drainedMs,
      };
    } catch (error) {
      await this.#stepBack(error);
      throw await this.#named(error, signal);
    } finally {
      limit.clear();
    }
  }

  /**
   * Whichever fails first ends the others: nothing of an attempt may go on when its lock is gone.
   * @returns whether the ghost lacks ids that the original has given out, or did so before it was in step.
   */
  async #drainAndRecheck(signal: AbortSignal): Promise<boolean> {
    const { port } = this.#parts;
    const leave = new AbortController();
    const either = AbortSignal.any([signal, leave.signal]);
    const all = Promise.all([
      port.autoIncrementMissing(either),
      this.#drain(either),
      port.recheck(either),
    ] as const);
    const [missing] = await orAborted(all, signal).finally(() =>
      leave.abort(new Error('the attempt is over')),
    );
    return missing;
  }

  /** Nobody writes any more: all that was written is received, made visible and synced (I6). */
  async #drain(signal: AbortSignal): Promise<void> {
    const { visibility, applier } = this.#parts;
    await visibility.pass(this.#options.lockTimeoutMs, signal);
    await applier.drain(signal);
    signal.throwIfAborted();
    await this.#parts.compare?.(signal);
  }

  /** The part in which nothing else of ours may run: from the empty change set to the answer of the RENAME. */
  async #swap(idsMissing: boolean, signal: AbortSignal): Promise<void> {
    const { port, changes, onSwapped } = this.#parts;
    if (!changes.empty) throw new Transient('a change came in after the drain mark');
    if (idsMissing) await port.carryAutoIncrement(signal);
    await this.#step('drained');
    try {
      await port.dress(signal);
      const renaming = port.rename();
      renaming.catch(() => undefined);
      await this.#release(renaming, signal);
    } catch (error) {
      await this.#stepBack(error);
      await this.#judge(error);
    }
    onSwapped();
  }

  /** From "R has been sent" to "R has answered". */
  async #release(renaming: Promise<void>, signal: AbortSignal): Promise<void> {
    const { port } = this.#parts;
    const seen = await this.#see(['original', 'sentry'], renaming, signal);
    await this.#step('queued');
    await port.dropSentry(signal);
    await this.#step('dropped');
    // Who waits for the original already does so until L lets it go.
    if (seen === 'sentry') await this.#see(['original'], renaming, signal);
    await this.#step('poised');
    await port.unlock(signal);
    await this.#step('unlocked');
    await orAborted(renaming, signal);
  }

  /** Polls without sleeping: writers are waiting. Gives up early: behind the RENAME readers wait as well. */
  async #see(
    wanted: readonly RenameWait[],
    renaming: Promise<void>,
    signal: AbortSignal,
  ): Promise<RenameWait> {
    const { port, clock } = this.#parts;
    const untilMs = clock.nowMs() + this.#options.lockTimeoutMs / 3;
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    renaming.then(end, end);
    while (!ended) {
      signal.throwIfAborted();
      const seen = await orAborted(port.renameWait(signal), signal);
      if (wanted.includes(seen)) return seen;
      if (clock.nowMs() <= untilMs) continue;
      if (seen === 'others')
        throw new Transient('others hold the original or the ghost: the RENAME would wait');
      throw new Transient('the RENAME was not seen waiting for the original');
    }
    // It ended before it could wait: refused by the server (thrown here), or done, which the lock makes impossible.
    await renaming;
    throw new Transient('the RENAME ended while the original was locked');
  }

  /** What fails here leaves nothing that lasts: the sentry is dropped by the next attempt, the lock goes with its session. */
  async #stepBack(error: unknown): Promise<void> {
    const { port, warn } = this.#parts;
    if (this.#steppedBack) return;
    this.#steppedBack = true;
    await this.#step('stepping-back', messageOf(error));
    try {
      await port.stepBack();
    } catch (trouble) {
      warn(`stepping back: ${messageOf(trouble)}`);
    }
  }

  /** After the RENAME was sent the outcome decides, never the error: a lost answer is not an answer. */
  async #judge(error: unknown): Promise<void> {
    await this.#step('asking');
    const outcome = await this.#parts.port.outcome().catch((trouble: unknown) => toError(trouble));
    if (outcome === 'swapped') return;
    if (outcome === 'unchanged') {
      await this.#undress();
      throw error;
    }
    const cause = outcome instanceof Error ? outcome : error;
    // The ghost may be the table of everybody by now, or have triggers on it.
    this.#parts.retire();
    throw new Ambiguous(`it cannot be told whether the tables have been swapped: ${messageOf(cause)}`, {
      hint: 'Look at the tables: if the ghost is gone and the old table is there, the swap has happened. Nothing is cleaned up.',
      cause,
    });
  }

  /** What is on the ghost would act on every row that the applier writes. */
  async #undress(): Promise<void> {
    try {
      await this.#parts.port.undress();
    } catch (trouble) {
      this.#parts.retire();
      throw trouble instanceof Failure ? trouble : new Failure(messageOf(trouble), { cause: trouble });
    }
  }

  /** The error of an attempt that lost against somebody's lock says whose. */
  async #named(error: unknown, signal: AbortSignal): Promise<unknown> {
    if (!(error instanceof Transient) || signal.aborted) return error;
    try {
      const { who } = await this.#parts.port.blockers(culpritSeconds, signal);
      return who.length === 0 ? error : heldBy(who, error);
    } catch {
      return error;
    }
  }

  async #step(step: CutOverStep, detail = ''): Promise<void> {
    await this.#parts.onStep(step, detail);
  }
}

function heldBy(who: readonly string[], cause?: Error): Transient {
  const why = cause === undefined ? '' : `${cause.message}; `;
  return new Transient(`${why}old transactions hold the table: ${who.join('; ')}`, {
    hint: 'The original is not locked and not changed. End these transactions, or wait: the cut-over is tried again.',
    cause,
  });
}
