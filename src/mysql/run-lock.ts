import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { Failure, Refusal } from '../base/errors.ts';
import { quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { readProcesses } from './processlist.ts';
import { dataProfile } from './profile.ts';
import { textOrNull } from './row.ts';
import { Session } from './session.ts';

const pingMs = 10_000;
/** A connection that is gone is noticed after this time. */
const lookMs = 500;
const pingTimeoutMs = 60_000;
const releaseTimeoutMs = 2000;
const nameMax = 64;

/** How long a lost lock is tried to be had again: a server needs some time to start, ms. */
const againTimeoutMs = 120_000;
const againPauseMs = { first: 50, last: 1000 };

/**
 * The advisory lock that keeps two migrations off one table. It has gh-ost's name, so that the two tools keep
 * off each other as well. It lives as long as its session: a dead run's lock is gone with it.
 *
 * States: held -> lost (its session ended: killed, or the server was started again) -> held again, or given
 * up. Who takes the lock in between keeps it: nobody goes on beside another.
 */
export class RunLock {
  readonly #connection: ConnectionOptions;
  readonly #name: string;
  #session: Session;

  private constructor(connection: ConnectionOptions, session: Session, name: string) {
    this.#connection = connection;
    this.#session = session;
    this.#name = name;
  }

  /**
   * @param patienceSeconds how long to wait for it: a run that was killed a moment ago may hold it until the server has
   *   seen that it is dead.
   * @throws Refusal `already-running` when somebody else holds it.
   */
  static async take(
    connection: ConnectionOptions,
    clock: Clock,
    table: TableRef,
    patienceSeconds = 3,
  ): Promise<RunLock> {
    const session = await openSession(connection, clock);
    const name = runLockName(table);
    try {
      if (await acquire(session, name, patienceSeconds)) return new RunLock(connection, session, name);
      const holder = await holderOf(session, name);
      throw new Refusal(
        'already-running',
        `another process is already migrating ${table.schema}.${table.name}: ` +
          `connection ${holder ?? '?'}${await placeOf(session, holder)} holds the lock ${name}`,
        {
          hint:
            'Nothing was touched. Wait for it to end, or look at it there: poltergeist ctl .. status. ' +
            `If that host is dead: KILL ${holder ?? '(that connection)'}.`,
        },
      );
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** Keeps the session alive and the lock proven. @throws Failure `lock-lost` when it is lost for good. */
  async keep(clock: Clock, signal: AbortSignal): Promise<void> {
    let askedMs = clock.nowMs();
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal);
      if (!this.#session.usable) await this.#takeAgain(clock, signal);
      if (clock.nowMs() - askedMs < pingMs) continue;
      askedMs = clock.nowMs();
      await this.#prove(signal);
    }
  }

  /**
   * A session that does not answer is as good as lost; one that answers that it has no lock has lost it for
   * good.
   */
  async #prove(signal: AbortSignal): Promise<void> {
    const sql = `SELECT IS_USED_LOCK(${quoteText(this.#name)}) = CONNECTION_ID() AS mine`;
    const limits = { timeoutMs: pingTimeoutMs, signal, kill: false };
    const rows = await this.#session.query(sql, limits).catch(() => null);
    if (rows !== null && (!rows[0] || textOrNull(rows[0], 'mine') !== '1')) throw lost(this.#name);
  }

  async #takeAgain(clock: Clock, signal: AbortSignal): Promise<void> {
    const startMs = clock.nowMs();
    let cause: unknown;
    for (let pauseMs = againPauseMs.first; ; pauseMs = Math.min(pauseMs * 2, againPauseMs.last)) {
      signal.throwIfAborted();
      try {
        if (await this.#tryAgain(clock)) return;
        cause = undefined;
      } catch (error) {
        if (error instanceof Failure && error.reason === 'lock-lost') throw error;
        cause = error;
      }
      if (clock.nowMs() - startMs > againTimeoutMs) throw lost(this.#name, cause);
      await clock.sleep(pauseMs, signal);
    }
  }

  /** @returns false while a session of this very run that the server takes for alive still has it. */
  async #tryAgain(clock: Clock): Promise<boolean> {
    const former = this.#session;
    const session = await openSession(this.#connection, clock);
    try {
      if (await acquire(session, this.#name, 0)) {
        this.#session = session;
        return true;
      }
      const holder = await holderOf(session, this.#name);
      const isFormer = session.serverIdentity === former.serverIdentity && holder === String(former.threadId);
      if (holder !== null && !isFormer) throw lost(this.#name);
    } catch (error) {
      session.destroy();
      throw error;
    }
    await session.close();
    return false;
  }

  /** Never throws. Explicitly: the server sees the end of a session in its own time, and the next run may start at once. */
  async release(): Promise<void> {
    const limits = { timeoutMs: releaseTimeoutMs, kill: false };
    await this.#session.query(`SELECT RELEASE_LOCK(${quoteText(this.#name)})`, limits).catch(() => null);
    await this.#session.close();
  }
}

function openSession(connection: ConnectionOptions, clock: Clock): Promise<Session> {
  return Session.open(connection, { profile: dataProfile, clock, name: 'run lock' });
}

async function acquire(session: Session, name: string, patienceSeconds: number): Promise<boolean> {
  const [row] = await session.query(`SELECT GET_LOCK(${quoteText(name)}, ${patienceSeconds}) AS got`);
  return row !== undefined && textOrNull(row, 'got') === '1';
}

async function holderOf(session: Session, name: string): Promise<string | null> {
  const [row] = await session.query(`SELECT IS_USED_LOCK(${quoteText(name)}) AS id`);
  return row ? textOrNull(row, 'id') : null;
}

/** Where that connection comes from, in words; nothing where this account may not see it. */
async function placeOf(session: Session, id: string | null): Promise<string> {
  const processes = await readProcesses(session).catch(() => []);
  const found = processes.find((each) => String(each.id) === id);
  return found === undefined ? '' : ` (${found.user} from ${found.host})`;
}

/** The lock's name: gh-ost's, hashed where it is too long for the server. */
export function runLockName(table: TableRef): string {
  const name = `gh-ost::${table.schema}.${table.name}`;
  if (Array.from(name).length <= nameMax) return name;
  return `gh-ost::${createHash('sha1').update(name).digest('hex')}`;
}

function lost(name: string, cause?: unknown): Failure {
  return new Failure(`the lock ${name} was lost: another migration of this table could start`, {
    hint: 'The original table is untouched. See in the log what happened to the connection, and start again.',
    cause,
    reason: 'lock-lost',
  });
}
