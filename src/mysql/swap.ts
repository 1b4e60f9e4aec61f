import type { Clock } from '../base/clock.ts';
import { Failure, messageOf, Refusal, Transient } from '../base/errors.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { quoteTable, quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { SessionPool } from './pool.ts';
import { dataProfile, type SessionProfile } from './profile.ts';
import { text } from './row.ts';
import { classify } from './server-error.ts';
import { Session } from './session.ts';
import { SessionError } from './session-error.ts';
import { endStatement } from './zombie.ts';

/** What the server shows of the RENAME. The same words as the stage's. */
type RenameWait = 'sentry' | 'original' | 'others' | 'nothing';

export interface SwapParts {
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly original: TableRef;
  readonly ghost: TableRef;
  /** Where the old table will be: the sentry's place. */
  readonly old: TableRef;
  /** Longest lock time of one attempt, seconds. */
  readonly lockTimeoutSeconds: number;
  /** True where performance_schema.metadata_locks tells who waits for what. */
  readonly seesMetadataLocks: boolean;
  /** Sessions for questions, beside L and R. */
  readonly askSessions: SessionPool;
  /** Sessions with old transactions on the original, in words. */
  readonly findBlockers: (session: Session, ours: readonly number[]) => Promise<string[]>;
  /** Refuses what must not have appeared since the start. */
  readonly recheck: (session: Session) => Promise<void>;
  readonly carryAutoIncrement: (session: Session) => Promise<void>;
  /** Told of our connections, so that their DDL is known in the stream. */
  readonly onSession: (threadId: number) => void;
}

/** The two sessions of a cut-over attempt and what they do, in SQL. See stages/cutover.ts for the steps. */
export class SqlSwap {
  readonly #parts: SwapParts;
  #lock: Session | null = null;
  #rename: Session | null = null;
  #renaming: Promise<void> | null = null;
  #sentryDropped = false;

  constructor(parts: SwapParts) {
    this.#parts = parts;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { connection, clock, lockTimeoutSeconds, onSession } = this.#parts;
    const profile: SessionProfile = {
      ...dataProfile,
      lockWaitTimeoutSeconds: lockTimeoutSeconds,
      // A client that dies or freezes with the lock frees the table soon after.
      waitTimeoutSeconds: Math.max(lockTimeoutSeconds * 3, 10),
    };
    this.#sentryDropped = false;
    this.#renaming = null;
    this.#lock = await Session.open(connection, { profile, clock, name: 'cut-over lock', signal });
    this.#rename = await Session.open(connection, { profile, clock, name: 'cut-over rename', signal });
    onSession(this.#lock.threadId);
    onSession(this.#rename.threadId);
  }

  blockers(signal: AbortSignal): Promise<string[]> {
    const ours = [this.#lock!.threadId, this.#rename!.threadId];
    return this.#ask(signal, (session) => this.#parts.findBlockers(session, ours));
  }

  recheck(signal: AbortSignal): Promise<void> {
    return this.#ask(signal, (session) => this.#parts.recheck(session));
  }

  carryAutoIncrement(signal: AbortSignal): Promise<void> {
    return this.#on(this.#rename!, signal, (session) => this.#parts.carryAutoIncrement(session));
  }

  async createSentry(signal: AbortSignal): Promise<void> {
    const { old } = this.#parts;
    await this.#on(this.#lock!, signal, async (session) => {
      if ((await this.#commentOf(session, old)) === sentryComment)
        await session.execute(`DROP TABLE ${quoteTable(old)}`);
      try {
        await session.execute(
          `CREATE TABLE ${quoteTable(old)} (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB COMMENT=${quoteText(sentryComment)}`,
        );
      } catch (error) {
        if (classify(error) !== 'exists') throw error;
        throw new Refusal('old-table-exists', `table ${quoteTable(old)} appeared, and it is not ours`, {
          hint: 'The original table is untouched. Rename or drop that table, or use --timestamp-old-table.',
          cause: error,
        });
      }
    });
  }

  lock(signal: AbortSignal): Promise<void> {
    const { original, old } = this.#parts;
    return this.#on(this.#lock!, signal, async (session) => {
      await session.execute(`LOCK TABLES ${quoteTable(original)} READ, ${quoteTable(old)} WRITE`, { signal });
    });
  }

  rename(): Promise<void> {
    const { original, ghost, old } = this.#parts;
    const sql = `RENAME TABLE ${quoteTable(original)} TO ${quoteTable(old)}, ${quoteTable(ghost)} TO ${quoteTable(original)}`;
    this.#renaming = this.#on(this.#rename!, undefined, async (session) => {
      await session.execute(sql, { kill: false });
    });
    return this.#renaming;
  }

  async renameWait(signal: AbortSignal): Promise<RenameWait> {
    const { seesMetadataLocks } = this.#parts;
    return await this.#ask(signal, (session) =>
      seesMetadataLocks ? this.#waitByLocks(session) : this.#waitByProcess(session),
    );
  }

  dropSentry(signal: AbortSignal): Promise<void> {
    return this.#on(this.#lock!, signal, async (session) => {
      await session.execute(`DROP TABLE ${quoteTable(this.#parts.old)}`, { signal });
      this.#sentryDropped = true;
    });
  }

  unlock(): Promise<void> {
    return this.#on(this.#lock!, undefined, async (session) => {
      await session.execute('UNLOCK TABLES', { timeoutMs: 5000 });
    });
  }

  /** R first, then the sentry, then the lock: in this order nothing can slip through. */
  async stepBack(): Promise<void> {
    const { clock, askSessions } = this.#parts;
    const signal = AbortSignal.timeout(60_000);
    if (this.#renaming && this.#rename) {
      await endStatement(askSessions, this.#rename, clock, signal);
      this.#rename.destroy('cut-over stepped back');
      await this.#renaming.catch(() => undefined);
    }
    if (this.#lock?.usable) {
      // Still under the lock: nobody can have renamed anything onto the sentry's place.
      if (!this.#sentryDropped) await this.#dropOwnSentry(this.#lock).catch(() => undefined);
      await this.#lock.execute('UNLOCK TABLES', { timeoutMs: 5000 }).catch(() => this.#lock?.destroy());
    } else {
      // The lock went with its session. R is gone: what is in the sentry's place stays what it is while we look.
      await this.#ask(signal, (session) => this.#dropOwnSentry(session)).catch(() => undefined);
    }
  }

  async outcome(): Promise<'swapped' | 'unchanged' | 'unclear'> {
    const { original, ghost, old } = this.#parts;
    const signal = AbortSignal.timeout(300_000);
    if (this.#rename) await endStatement(this.#parts.askSessions, this.#rename, this.#parts.clock, signal);
    return await this.#ask(signal, async (session) => {
      const there = await Promise.resolve(this.#existing(session, [original, ghost, old]));
      const oldIsSentry = (await this.#commentOf(session, old)) === sentryComment;
      if (there.has(original.name) && there.has(ghost.name)) return 'unchanged';
      if (there.has(original.name) && !there.has(ghost.name) && there.has(old.name) && !oldIsSentry)
        return 'swapped';
      return 'unclear';
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#lock?.close(), this.#rename?.close()]);
    this.#lock = null;
    this.#rename = null;
  }

  async #waitByLocks(session: Session): Promise<RenameWait> {
    const { original, old, ghost } = this.#parts;
    const rows = await session.query(
      `SELECT m.object_name AS name, m.lock_status AS status, t.processlist_id AS id
       FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
       WHERE m.object_type = 'TABLE' AND m.object_schema = ${quoteText(original.schema)}
       AND m.object_name IN (${[original, old, ghost].map(({ name }) => quoteText(name)).join(', ')})`,
    );
    const mine = String(this.#rename!.threadId);
    const waits = rows.find((row) => text(row, 'id') === mine && text(row, 'status') === 'PENDING');
    if (!waits) return 'nothing';
    const on = text(waits, 'name').toLowerCase();
    if (on === old.name.toLowerCase()) return 'sentry';
    if (on !== original.name.toLowerCase()) return 'others';
    const locker = String(this.#lock!.threadId);
    const held = rows.some(
      (row) =>
        text(row, 'name').toLowerCase() === on &&
        text(row, 'status') === 'GRANTED' &&
        ![mine, locker].includes(text(row, 'id')),
    );
    return held ? 'others' : 'original';
  }

  /** Without metadata_locks only the waiting itself can be seen, not for what: I7 afterwards catches what slips through. */
  async #waitByProcess(session: Session): Promise<RenameWait> {
    const [row] = await session.query(
      `SELECT state FROM information_schema.processlist WHERE id = ${this.#rename!.threadId}`,
    );
    if (!row || !/waiting for (table|schema|exclusive) ?metadata lock/i.test(text(row, 'state')))
      return 'nothing';
    return this.#sentryDropped ? 'original' : 'sentry';
  }

  async #existing(session: Session, tables: readonly TableRef[]): Promise<Set<string>> {
    const rows = await session.query(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${quoteText(tables[0]!.schema)} ` +
        `AND table_name IN (${tables.map(({ name }) => quoteText(name)).join(', ')})`,
    );
    return new Set(rows.map((row) => text(row, 'name')));
  }

  async #commentOf(session: Session, table: TableRef): Promise<string | null> {
    const [row] = await session.query(
      `SELECT table_comment AS comment FROM information_schema.tables ` +
        `WHERE table_schema = ${quoteText(table.schema)} AND table_name = ${quoteText(table.name)}`,
    );
    return row ? text(row, 'comment') : null;
  }

  async #dropOwnSentry(session: Session): Promise<void> {
    const { old } = this.#parts;
    // Under LOCK TABLES information_schema can be read; the comment tells a sentry from an old table.
    if ((await this.#commentOf(session, old)) === sentryComment)
      await session.execute(`DROP TABLE ${quoteTable(old)}`);
  }

  #ask<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#transient(signal, () => this.#parts.askSessions.use(work, signal));
  }

  #on<T>(
    session: Session,
    signal: AbortSignal | undefined,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return this.#transient(signal, () => work(session));
  }

  /** In an attempt every error of the server is a reason to step back and try again, except those made by us. */
  async #transient<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal || error instanceof Failure || error instanceof SessionError) throw error;
      throw new Transient(messageOf(error), { cause: error });
    }
  }
}
