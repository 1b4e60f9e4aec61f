import type { Clock } from '../base/clock.ts';
import type { BuildStep, DeferredIndexes } from '../core/deferral.ts';
import { type IndexPort, OnlineLogFull } from '../core/index-port.ts';
import { DuplicateKey } from '../core/store.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { CollisionFinder } from './collision.ts';
import { buildSql, keysOfTable } from './deferred-indexes.ts';
import { judgeServerError } from './explain.ts';
import type { SessionPool } from './pool.ts';
import { type Row, textOrNull } from './row.ts';
import { classify, duplicateOf, ServerError } from './server-error.ts';
import type { Session } from './session.ts';
import { SessionError } from './session-error.ts';
import { endStatement } from './zombie.ts';

/** What builds indexes. */
export interface IndexBuilderParts {
  readonly ghost: TableRef;
  readonly deferred: DeferredIndexes;
  /** One session, whose statements may take hours. */
  readonly sessions: SessionPool;
  readonly askSessions: SessionPool;
  readonly collisions: CollisionFinder;
  readonly clock: Clock;
  /** Told of the connection whose DDL is ours. */
  readonly onSession: (threadId: number) => void;
}

const onlineLogTooBig = 1799;

/**
 * How long a build waits for those who read the ghost: at its end all of it would be lost. Nobody waits behind it but
 * our own syncs.
 */
const lockWaitSeconds = 600;

/** Sort memory of a build: part of the buffer pool, within bounds. The server's own default, 1 MiB, doubles the time. */
const sortBytes = { share: 0.25, min: 16 * 1048576, max: 256 * 1048576 };

/**
 * Settings of the session that builds, as `name=value`, of those that the server has.
 * @param variables the server's global variables.
 */
export function buildSettings(variables: ReadonlyMap<string, string>): readonly string[] {
  const patience = [`lock_wait_timeout=${lockWaitSeconds}`];
  const now = Number(variables.get('innodb_ddl_buffer_size'));
  if (!Number.isFinite(now)) return patience;
  const pool = Number(variables.get('innodb_buffer_pool_size') ?? 0);
  const wanted = Math.min(sortBytes.max, Math.max(sortBytes.min, Math.floor(pool * sortBytes.share)));
  // Threads for reading and sorting are four by default: no more was faster with two processors, nor fewer.
  return wanted > now ? [...patience, `innodb_ddl_buffer_size=${wanted}`] : patience;
}

/** Builds the deferred indexes of the ghost by the server's own online DDL. */
export class SqlIndexBuilder implements IndexPort {
  readonly #parts: IndexBuilderParts;
  #building: number | null = null;

  constructor(parts: IndexBuilderParts) {
    this.#parts = parts;
  }

  async missing(signal: AbortSignal): Promise<readonly BuildStep[]> {
    const { ghost, deferred, askSessions } = this.#parts;
    try {
      const there = await askSessions.use((session) => keysOfTable(session, ghost), signal);
      return deferred.steps.filter(({ names }) => names.some((name) => !there.has(name)));
    } catch (error) {
      throw judgeServerError(error);
    }
  }

  async build(step: BuildStep, signal: AbortSignal): Promise<void> {
    const { ghost } = this.#parts;
    await this.#run(signal, async (session) => {
      const there = await keysOfTable(session, ghost);
      // The answer to an earlier try was lost.
      if (step.names.every((name) => there.has(name))) return;
      this.#building = session.threadId;
      await session.execute(buildSql(ghost, step, step.lock), { signal }).finally(() => {
        this.#building = null;
      });
    });
  }

  async collision(step: BuildStep, violated: DuplicateKey, signal: AbortSignal): Promise<string | null> {
    const { collisions } = this.#parts;
    return await this.#run(signal, (session) =>
      collisions.findInGhost(session, violated, step.clauses, signal),
    );
  }

  /** How far the statement is that builds now, in percent; null where the server does not tell. */
  async percent(signal: AbortSignal): Promise<number | null> {
    const thread = this.#building;
    if (thread === null) return null;
    const { askSessions } = this.#parts;
    for (const sql of progressSql(thread)) {
      const rows = await askSessions.use((session) => answer(session, sql, signal), signal);
      const percent = rows[0] === undefined ? null : textOrNull(rows[0], 'percent');
      if (percent !== null) return Math.min(100, Number(percent));
    }
    return null;
  }

  async #run<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    const { sessions, askSessions, clock, ghost, onSession } = this.#parts;
    let used: Session | null = null;
    try {
      return await sessions.use(async (session) => {
        used = session;
        onSession(session.threadId);
        return await work(session);
      }, signal);
    } catch (error) {
      signal.throwIfAborted();
      // It may go on without us: see it end before anything is built again.
      if (error instanceof SessionError && used !== null && error.statement !== null)
        await endStatement(askSessions, used, clock, signal);
      throw meaning(error, ghost);
    }
  }
}

/** What an error of a build means. */
function meaning(error: unknown, ghost: TableRef): unknown {
  if (!(error instanceof ServerError)) return error;
  if (error.errno === onlineLogTooBig) return new OnlineLogFull(error.message, { cause: error });
  if (classify(error) !== 'duplicate') return judgeServerError(error);
  const duplicate = duplicateOf(error, ghost.name);
  return new DuplicateKey(duplicate?.key ?? '?', duplicate?.entry ?? '?', error);
}

/** Where servers tell the progress of an ALTER: MySQL, where an administrator has it collected; MariaDB. */
function progressSql(thread: number): readonly string[] {
  return [
    `SELECT 100 * SUM(s.WORK_COMPLETED) / SUM(s.WORK_ESTIMATED) AS percent
       FROM performance_schema.events_stages_current AS s JOIN performance_schema.threads AS t USING (THREAD_ID)
      WHERE t.PROCESSLIST_ID = ${thread} AND s.EVENT_NAME LIKE 'stage/innodb/alter%'`,
    `SELECT (100 * (STAGE - 1) + PROGRESS) / MAX_STAGE AS percent FROM information_schema.PROCESSLIST
      WHERE ID = ${thread} AND MAX_STAGE > 0`,
  ];
}

/** The rows, or none where this server cannot answer such a question. */
async function answer(session: Session, sql: string, signal: AbortSignal): Promise<readonly Row[]> {
  try {
    return await session.query(sql, { signal });
  } catch (error) {
    if (error instanceof ServerError) return [];
    throw error;
  }
}
