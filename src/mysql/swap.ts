import { messageOf, PoltergeistError, Transient } from '../base/errors.ts';
import { deadline } from '../base/pulse.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { quoteTable, quoteText } from '../core/quote.ts';
import type { Blockers, RenameWait, SwapOutcome, SwapPort, SwapThreads } from '../core/swap-port.ts';
import { dropSentry } from './artifacts.ts';
import { SessionPool } from './pool.ts';
import { dataProfile, type SessionProfile } from './profile.ts';
import { waitByLocks, waitByProbe } from './rename-wait.ts';
import { text } from './row.ts';
import { ServerError } from './server-error.ts';
import { Session } from './session.ts';
import type { SwapParts } from './swap-parts.ts';
import { type SwapWay, swapWay } from './swap-ways.ts';
import { endStatement } from './zombie.ts';

/** As many as the re-check asks at once: before the lock it opens those that it needs under it. */
const questionSessions = 4;
/** A question that is not answered in this time is given up, and its connection with it, ms. */
const questionMs = 10_000;
/** How long a step back looks for R and L to end on the server before it lets go of the table, ms. */
const endMs = 5000;
const stepBackMs = 60_000;
/** How long to look for the outcome: a server may have to start again first, ms. */
const outcomeMs = 300_000;

/** The two sessions of a cut-over attempt and what they do, in SQL. See stages/cutover.ts for the steps. */
export class SqlSwap implements SwapPort {
  readonly #parts: SwapParts;
  /** Questions have a deadline of their own: sessions of other pools may hang on a dead network. */
  readonly #questions: SessionPool;
  #lock: Session | null = null;
  #rename: Session | null = null;
  #probe: Session | null = null;
  #way: SwapWay;
  #renaming: Promise<void> | null = null;
  /** R was asked for triggers on the ghost: one that is still on its way must not get there later. */
  #dressing = false;
  #sentryDropped = false;
  #steppedBack = false;

  constructor(parts: SwapParts) {
    const { connection, clock } = parts;
    this.#parts = parts;
    this.#way = swapWay(parts.kind, parts);
    const profile = { ...dataProfile, statementTimeoutMs: questionMs };
    this.#questions = new SessionPool(connection, {
      name: 'cut-over questions',
      size: questionSessions,
      profile,
      clock,
    });
  }

  async open(signal: AbortSignal): Promise<SwapThreads> {
    const {
      kind,
      lockTimeoutSeconds: limit,
      seesMetadataLocks,
      shortestLockWaitSeconds,
      onSession,
    } = this.#parts;
    this.#sentryDropped = false;
    this.#steppedBack = false;
    this.#dressing = false;
    this.#renaming = null;
    this.#way = swapWay(this.#parts.kind, this.#parts);
    const open = (name: string, changes: Partial<SessionProfile>): Promise<Session> =>
      this.#open(`cut-over ${name}`, changes, signal);
    // While we wait for the lock, everybody waits behind us: not for long. A client that dies or freezes with the lock
    // frees the table soon after the attempt would have been over.
    const lockWaitTimeoutSeconds = Math.ceil(limit / 3);
    // Where we cannot see who else holds the original, the RENAME may have to wait for them, and readers behind it.
    const patience = seesMetadataLocks ? limit : lockWaitTimeoutSeconds;
    // Where it has a lock to itself it must not keep it when we are gone. It is idle from here to the end of the drain.
    const waitTimeoutSeconds = kind === 'atomic' ? dataProfile.waitTimeoutSeconds : 2 * limit + 4;
    const probe = { lockWaitTimeoutSeconds: shortestLockWaitSeconds };
    const opened = await Promise.allSettled([
      open('lock', { lockWaitTimeoutSeconds, waitTimeoutSeconds: limit + 2 }),
      open('rename', { lockWaitTimeoutSeconds: patience, waitTimeoutSeconds }),
      seesMetadataLocks ? null : open('probe', probe),
    ]);
    [this.#lock, this.#rename, this.#probe] = opened.map((each) =>
      each.status === 'fulfilled' ? each.value : null,
    ) as [Session | null, Session | null, Session | null];
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
    const threads = this.#threads();
    for (const id of [threads.lock, threads.rename]) onSession(id);
    return threads;
  }

  blockers(olderThanSeconds: number, signal: AbortSignal): Promise<Blockers> {
    return this.#ask(signal, (session) => this.#parts.findBlockers(session, olderThanSeconds));
  }

  recheck(signal: AbortSignal): Promise<void> {
    return this.#parts.recheck((question) => this.#ask(signal, question));
  }

  carryAutoIncrement(signal: AbortSignal): Promise<void> {
    return this.#transient(signal, () => this.#parts.carryAutoIncrement(this.#rename!));
  }

  autoIncrementMissing(signal: AbortSignal): Promise<boolean> {
    return this.#transient(signal, () => this.#parts.autoIncrementMissing(this.#rename!));
  }

  async createSentry(signal: AbortSignal): Promise<void> {
    await this.#transient(signal, async () => {
      await this.#dropOwnSentry(this.#lock!);
      await this.#way.prepare(this.#lock!, signal);
    });
  }

  lock(signal: AbortSignal): Promise<void> {
    return this.#onLock(this.#way.lockSql, signal);
  }

  dress(signal: AbortSignal): Promise<void> {
    this.#dressing = true;
    return this.#transient(signal, () => this.#parts.dress(this.#rename!, signal));
  }

  undress(): Promise<void> {
    return this.#within(stepBackMs, 'taking the triggers off the ghost', (signal) =>
      this.#ask(signal, async (session) => {
        this.#parts.onSession(session.threadId);
        await this.#parts.undress(session);
      }),
    );
  }

  rename(): Promise<void> {
    this.#renaming = this.#transient(undefined, () => this.#way.rename(this.#rename!));
    return this.#renaming;
  }

  async renameWait(signal: AbortSignal): Promise<RenameWait> {
    const { seesMetadataLocks } = this.#parts;
    if (!this.#lock?.usable) throw new Transient('the session that holds the lock was lost');
    return await this.#ask(signal, (session) =>
      seesMetadataLocks
        ? waitByLocks(session, this.#parts, this.#threads())
        : waitByProbe(session, this.#probe!, this.#parts, this.#threads(), this.#sentryDropped),
    );
  }

  async dropSentry(signal: AbortSignal): Promise<void> {
    // Once it is sent it may be done, whatever the answer.
    this.#sentryDropped = true;
    const sql = this.#way.dropSentrySql;
    if (sql !== null) await this.#onLock(sql, signal);
  }

  async unlock(signal: AbortSignal): Promise<void> {
    // As long as L lives it has held its lock since R was seen in line.
    if (this.#parts.kind !== 'atomic') await this.#onLock('DO 1', signal);
    this.#way.letGo();
    await this.#onLock('UNLOCK TABLES', signal);
  }

  /**
   * R first, then the lock, then the sentry: in this order nothing can slip through. Where R cannot be seen to end, it fails
   * once the lock is gone, because the sentry is left standing.
   */
  async stepBack(): Promise<void> {
    if (this.#steppedBack || this.#lock === null) return;
    this.#steppedBack = true;
    await this.#within(stepBackMs, 'stepping back', (signal) => this.#letGo(this.#lock!, signal));
  }

  async #letGo(lock: Session, signal: AbortSignal): Promise<void> {
    const unended = await this.#endRename(signal, endMs).then(
      () => false,
      () => true,
    );
    if (lock.usable) {
      await lock.execute('UNLOCK TABLES', { timeoutMs: endMs }).catch(() => lock.destroy());
    }
    // It went without a word: the server may not have noticed.
    if (!lock.usable) await this.#end(lock, signal, endMs).catch(() => undefined);
    if (unended) await this.#endRename(signal);
    await this.#ask(signal, (session) => this.#dropOwnSentry(session));
  }

  outcome(): Promise<SwapOutcome> {
    return this.#within(outcomeMs, 'looking which table is which', async (signal) => {
      await this.#endRename(signal);
      return await this.#look(signal);
    });
  }

  async #look(signal: AbortSignal): Promise<SwapOutcome> {
    const { kind, original, ghost, old } = this.#parts;
    return await this.#ask(signal, async (session) => {
      const comments = await this.#comments(session);
      const [isOriginal, isGhost, oldComment] = [original, ghost, old].map(({ name }) => comments.get(name));
      const isOld = oldComment !== undefined && oldComment !== sentryComment;
      if (kind === 'two-step' && isGhost !== undefined && isOld) {
        // Cut off between its two renames. A table that somebody has made in the gap is not ours to judge.
        if (isOriginal !== undefined) return 'unclear';
        this.#parts.onSession(session.threadId);
        await session.execute(`ALTER TABLE ${quoteTable(old)} RENAME TO ${quoteTable(original)}`);
        return 'unchanged';
      }
      if (isOriginal === undefined) return 'unclear';
      if (isGhost !== undefined) return 'unchanged';
      return isOld ? 'swapped' : 'unclear';
    });
  }

  /** Ends the sessions of an attempt. */
  async close(): Promise<void> {
    await Promise.all([this.#lock?.close(), this.#rename?.close(), this.#probe?.close()]);
    this.#lock = null;
    this.#rename = null;
    this.#probe = null;
  }

  /** No attempt will follow. */
  async dispose(): Promise<void> {
    await this.close();
    await this.#questions.close();
  }

  #open(name: string, changes: Partial<SessionProfile>, signal: AbortSignal): Promise<Session> {
    const { connection, clock } = this.#parts;
    return Session.open(connection, { profile: { ...dataProfile, ...changes }, clock, name, signal });
  }

  #threads(): SwapThreads {
    return { lock: this.#lock!.threadId, rename: this.#rename!.threadId };
  }

  /** Sees R end on the server, if it was sent anything that could come to pass later. */
  async #endRename(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    if (!this.#rename || !(this.#renaming || this.#dressing)) return;
    this.#way.cancel();
    await this.#end(this.#rename, signal, timeoutMs);
    this.#rename.destroy('cut-over stepped back');
    await this.#renaming?.catch(() => undefined);
  }

  async #end(session: Session, signal: AbortSignal, timeoutMs?: number): Promise<void> {
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    await endStatement(this.#questions, session, this.#parts.clock, signal, limit);
  }

  /** The comments of those of our tables that are there, by name. */
  async #comments(session: Session): Promise<ReadonlyMap<string, string>> {
    const { original, ghost, old } = this.#parts;
    const names = [original, ghost, old].map(({ name }) => quoteText(name)).join(', ');
    const rows = await session.query(
      `SELECT table_name AS name, table_comment AS comment FROM information_schema.tables ` +
        `WHERE table_schema = ${quoteText(original.schema)} AND table_name IN (${names})`,
    );
    return new Map(rows.map((row) => [text(row, 'name'), text(row, 'comment')]));
  }

  async #dropOwnSentry(session: Session): Promise<void> {
    const { old, sentry } = this.#parts;
    await dropSentry(session, [sentry, old], this.#parts.onSession);
  }

  async #onLock(sql: string, signal: AbortSignal): Promise<void> {
    await this.#transient(signal, async () => {
      await this.#lock!.execute(sql, { signal });
    });
  }

  async #within<T>(ms: number, what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = deadline(ms, what, this.#parts.clock);
    try {
      return await work(limit.signal);
    } finally {
      limit.clear();
    }
  }

  #ask<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#transient(signal, () => this.#questions.use(work, signal));
  }

  /** In an attempt every error of the server is a reason to step back and try again, except those made by us. */
  async #transient<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof PoltergeistError && !(error instanceof ServerError)) throw error;
      throw new Transient(messageOf(error), { cause: error });
    }
  }
}
