import { Transient } from '../../src/base/errors.ts';
import type { Blockers, RenameWait, SwapOutcome, SwapPort, SwapThreads } from '../../src/core/swap-port.ts';
import type { Bystanders } from './bystanders.ts';
import type { StoreParts } from './store.ts';
import type { TableLocks, TableName } from './table-locks.ts';

export interface SwapOptions {
  /** Chance of each step to fail. */
  readonly failure: number;
  /** The names in the order in which the RENAME asks for them. */
  readonly names: readonly TableName[];
  /** The new table gets triggers. */
  readonly triggers: boolean;
  readonly lockTimeoutMs: number;
}

/** What lasts longer than a process of ours. */
export interface SwapParts extends StoreParts {
  readonly locks: TableLocks;
  readonly bystanders: Bystanders;
  /** Our sessions that the server has not seen end. */
  readonly sessions: Set<SwapSession>;
}

/** A session of a cut-over: the server may learn later than we that it is over, and we later than the server. */
export class SwapSession {
  readonly threadId: number;
  /** To us. */
  usable = true;
  /** To the server. */
  alive = true;
  constructor(threadId: number) {
    this.threadId = threadId;
  }
}

let lastThread = 10;

/**
 * The two sessions of a cut-over attempt on a simulated server: what src/mysql/swap.ts does in SQL. Statements
 * that wait for locks go on at the server whatever becomes of us, until the server sees their session end.
 */
export class SimSwap implements SwapPort {
  readonly #parts: SwapParts;
  readonly #options: SwapOptions;
  readonly #onSession: (threadId: number) => void;
  #lock: SwapSession | null = null;
  #rename: SwapSession | null = null;
  #renaming: Promise<void> | null = null;
  #steppedBack = false;
  #dead = false;
  /** Entries of the log from here on came under the lock; null while there is none. */
  #lockedAt: number | null = null;
  /** Whether writes may come in between although nothing of ours is wrong. */
  #letGo = false;

  constructor(parts: SwapParts, options: SwapOptions, onSession: (threadId: number) => void) {
    this.#parts = parts;
    this.#options = options;
    this.#onSession = onSession;
  }

  /** The process is no more: nothing that it had not sent happens. */
  die(): void {
    this.#dead = true;
    this.#letGo = true;
    for (const session of [this.#lock, this.#rename]) if (session) session.usable = false;
  }

  /** A session of ours is killed, or its connection breaks without the server seeing it. */
  strike(): void {
    const { random } = this.#parts;
    const chosen = random.pick([[this.#lock], [this.#rename], [this.#lock, this.#rename]]);
    const seen = random.chance(0.5);
    for (const session of chosen) {
      if (session === null) continue;
      session.usable = false;
      if (seen) this.endAtServer(session);
    }
  }

  /** The server sees that a session is over. */
  endAtServer(session: SwapSession): void {
    if (session === this.#lock) this.#letGo = true;
    this.#end(session);
  }

  async open(signal: AbortSignal): Promise<SwapThreads> {
    await this.#step(signal);
    [this.#steppedBack, this.#renaming] = [false, null];
    [this.#lockedAt, this.#letGo] = [null, false];
    const open = (): SwapSession => {
      lastThread += 1;
      const session = new SwapSession(lastThread);
      this.#parts.sessions.add(session);
      this.#onSession(session.threadId);
      return session;
    };
    [this.#lock, this.#rename] = [open(), open()];
    return { lock: this.#lock.threadId, rename: this.#rename.threadId };
  }

  blockers(olderThanSeconds: number, signal: AbortSignal): Promise<Blockers> {
    return this.#ask(signal, () => ({
      who: this.#parts.bystanders.olderThan(olderThanSeconds * 1000),
      unsure: false,
    }));
  }

  recheck(signal: AbortSignal): Promise<void> {
    return this.#ask(signal, () => undefined);
  }

  carryAutoIncrement(signal: AbortSignal): Promise<void> {
    return this.#on(this.#rename!, signal, async () => undefined);
  }

  async autoIncrementMissing(signal: AbortSignal): Promise<boolean> {
    await this.#on(this.#rename!, signal, async () => undefined);
    return true;
  }

  createSentry(signal: AbortSignal): Promise<void> {
    return this.#on(this.#lock!, signal, async () => {
      this.#parts.server.sentry = true;
    });
  }

  lock(signal: AbortSignal): Promise<void> {
    const lock = this.#lock!;
    const patienceMs = this.#options.lockTimeoutMs / 3;
    return this.#on(lock, signal, async () => {
      await this.#ownLock(lock, 'original', 'read-only', patienceMs);
      this.#lockedAt = this.#parts.server.log.length;
      await this.#ownLock(lock, 'sentry', 'exclusive', patienceMs);
    });
  }

  dress(signal: AbortSignal): Promise<void> {
    return this.#on(this.#rename!, signal, async () => {
      this.#parts.server.dressed = this.#options.triggers;
    });
  }

  async undress(): Promise<void> {
    await this.#point();
    this.#parts.server.dressed = false;
  }

  rename(): Promise<void> {
    const rename = this.#rename!;
    this.#renaming = this.#on(rename, undefined, () => this.#renameAtServer(rename));
    return this.#renaming;
  }

  /** As src/mysql/rename-wait.ts reads it from metadata_locks. */
  renameWait(signal: AbortSignal): Promise<RenameWait> {
    const [lock, rename] = [this.#lock!, this.#rename!];
    if (!lock.usable) return Promise.reject(new Transient('the session that holds the lock was lost'));
    return this.#ask(signal, () => {
      const { locks } = this.#parts;
      const waits = locks.waits(rename);
      if (waits === null) return 'nothing';
      if (locks.isHeldByOthers([lock, rename], 'ghost')) return 'others';
      if (waits === 'sentry') return 'sentry';
      if (waits !== 'original' || locks.isHeldByOthers([lock, rename], 'original')) return 'others';
      return locks.isHeldBy(lock, 'original') ? 'original' : 'others';
    });
  }

  dropSentry(signal: AbortSignal): Promise<void> {
    return this.#on(this.#lock!, signal, async () => this.#dropSentry());
  }

  unlock(signal: AbortSignal): Promise<void> {
    return this.#on(this.#lock!, signal, async () => this.#parts.locks.leave(this.#lock!));
  }

  async stepBack(): Promise<void> {
    const [lock, rename] = [this.#lock, this.#rename];
    if (this.#steppedBack || lock === null || rename === null) return;
    this.#steppedBack = true;
    const unended = await this.#endRename(rename).then(
      () => false,
      () => true,
    );
    if (unended) this.#letGo = true;
    if (lock.usable) {
      await this.#point();
      this.#parts.locks.leave(lock);
    }
    if (!lock.usable) this.#end(lock);
    if (unended) await this.#endRename(rename);
    await this.#point();
    if (this.#parts.server.swap === null) this.#dropSentry();
  }

  async outcome(): Promise<SwapOutcome> {
    const { server } = this.#parts;
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#endRename(this.#rename!);
        break;
      } catch (error) {
        if (tries > 3) throw error;
      }
    }
    return await this.#ask(undefined, () => (server.swap ? 'swapped' : 'unchanged'));
  }

  async close(): Promise<void> {
    for (const session of [this.#lock, this.#rename]) if (session?.usable) this.#end(session);
    [this.#lock, this.#rename] = [null, null];
    if (!this.#dead) this.#lockedAt = null;
    await Promise.resolve();
  }

  /** The locks one by one, in the order of the names; then the names change, if all is as it must be. */
  async #renameAtServer(session: SwapSession): Promise<void> {
    const { locks, server, ghost, checks, scheduler } = this.#parts;
    try {
      for (const name of this.#options.names) {
        await this.#ownLock(session, name, 'exclusive', this.#options.lockTimeoutMs);
        await scheduler.point();
        if (!session.alive) throw new Transient('the RENAME was killed');
      }
      if (server.sentry) throw new Transient('the old table exists');
      if (server.uuid !== 'first') checks.break('the tables were swapped on another server');
      if (checks.altered) checks.break('I10: the tables were swapped although the original had been altered');
      // No server renames a table whose transactions have not ended: also those that have slipped through the lock.
      while (server.behind) server.show();
      checks.swapping(this.#lockedAt, this.#letGo);
      server.rename(ghost.rows, ghost, session.threadId);
      ghost.others = server;
    } finally {
      locks.leave(session);
    }
  }

  async #ownLock(
    session: SwapSession,
    name: TableName,
    mode: 'read-only' | 'exclusive',
    patienceMs: number,
  ): Promise<void> {
    const { locks, scheduler } = this.#parts;
    // Nobody would ever let go of what a session that is over gets.
    if (!session.alive) throw new Transient('the session has ended');
    const enough = new AbortController();
    const granted = locks.ask(session, name, mode);
    scheduler.sleep(patienceMs, enough.signal).then(
      () => {
        if (locks.waits(session) === name) locks.leave(session);
      },
      () => undefined,
    );
    await granted.finally(() => enough.abort(granted));
  }

  #dropSentry(): void {
    this.#parts.server.sentry = false;
    if (this.#lock) this.#parts.locks.leave(this.#lock, 'sentry');
  }

  /** Sees R end. */
  async #endRename(rename: SwapSession): Promise<void> {
    await this.#step(undefined);
    if (!this.#renaming) return;
    this.#end(rename);
    await this.#renaming.catch(() => undefined);
  }

  #end(session: SwapSession): void {
    [session.alive, session.usable] = [false, false];
    this.#parts.sessions.delete(session);
    this.#parts.locks.leave(session);
  }

  /** A statement on L or R. */
  async #on(session: SwapSession, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    const check = (): void => {
      if (!session.usable) throw new Transient('the connection was lost');
    };
    await this.#step(signal);
    check();
    await until(work(), signal, () => {
      session.usable = false;
    });
    await this.#point();
    check();
    if (!this.#parts.random.chance(this.#options.failure)) return;
    session.usable = false;
    throw new Transient('the answer was lost');
  }

  /** A question on a session of its own. */
  async #ask<T>(signal: AbortSignal | undefined, answer: () => T): Promise<T> {
    await this.#step(signal);
    const result = answer();
    await this.#point();
    return result;
  }

  async #step(signal: AbortSignal | undefined): Promise<void> {
    await this.#point();
    signal?.throwIfAborted();
    if (this.#parts.random.chance(this.#options.failure)) throw new Transient('the statement failed');
  }

  async #point(): Promise<void> {
    await this.#parts.scheduler.point();
    if (this.#dead) throw new Transient('the process is dead');
  }
}

/** Leaves what goes on at the server to itself when the signal aborts. */
async function until(
  work: Promise<void>,
  signal: AbortSignal | undefined,
  onLeft: () => void,
): Promise<void> {
  if (signal === undefined) return await work;
  let leave = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => {
      onLeft();
      reject(signal.reason);
    };
  });
  signal.addEventListener('abort', leave, { once: true });
  work.catch(() => undefined);
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', leave));
}
