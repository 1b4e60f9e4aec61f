import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { Failure, Refusal } from '../base/errors.ts';
import { quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { dataProfile } from './profile.ts';
import { textOrNull } from './row.ts';
import { Session } from './session.ts';

const pingMs = 10_000;
const nameMax = 64;

/**
 * The advisory lock that keeps two migrations off one table. It has gh-ost's name, so that the two tools keep off each
 * other as well. It lives as long as its session: a dead run's lock is gone with it.
 */
export class RunLock {
  readonly #session: Session;
  readonly #name: string;

  private constructor(session: Session, name: string) {
    this.#session = session;
    this.#name = name;
  }

  /** @throws Refusal `already-running` when somebody else holds it. */
  static async take(connection: ConnectionOptions, clock: Clock, table: TableRef): Promise<RunLock> {
    const session = await Session.open(connection, { profile: dataProfile, clock, name: 'run lock' });
    const name = runLockName(table);
    try {
      const [row] = await session.query(`SELECT GET_LOCK(${quoteText(name)}, 0) AS got`);
      if (row && textOrNull(row, 'got') === '1') return new RunLock(session, name);
      const [holder] = await session.query(`SELECT IS_USED_LOCK(${quoteText(name)}) AS id`);
      throw new Refusal(
        'already-running',
        `another process is already migrating ${table.schema}.${table.name}: connection ${holder ? textOrNull(holder, 'id') : '?'} holds the lock ${name}`,
        {
          hint: 'Nothing was touched. Wait for it to end, or find its host by that connection in the process list.',
        },
      );
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** Keeps the session alive and the lock proven. @throws Failure when the lock is lost. */
  async keep(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(pingMs, signal);
      const rows = await this.#session
        .query(`SELECT IS_USED_LOCK(${quoteText(this.#name)}) = CONNECTION_ID() AS mine`, {
          timeoutMs: 60_000,
        })
        .catch((cause: unknown) => {
          throw lost(this.#name, cause);
        });
      if (!rows[0] || textOrNull(rows[0], 'mine') !== '1') throw lost(this.#name);
    }
  }

  async release(): Promise<void> {
    await this.#session.close();
  }
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
  });
}
