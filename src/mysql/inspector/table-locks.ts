import type { TableRef } from '../../core/table-ref.ts';
import { numberOrNull, type Row, text, textOrNull } from '../row.ts';
import type { LockSource } from '../server.ts';
import { classify } from '../server-error.ts';
import type { Session } from '../session.ts';
import { shortened } from '../session-error.ts';
import { whereTable } from './table-entry.ts';

/** A metadata lock on a table, or a request for one. */
export interface TableLock {
  /** Connection id; null for a transaction without a connection (XA PREPARE, then gone). */
  readonly threadId: number | null;
  /** `SHARED_READ`, `SHARED_WRITE`, `EXCLUSIVE` ...; `POSSIBLE` where only old transactions can be seen. */
  readonly mode: string;
  readonly granted: boolean;
  /** `user@host`. */
  readonly account: string;
  /** What it is doing, shortened; empty for a session that sleeps in its transaction. */
  readonly statement: string;
  /**
   * Seconds since its transaction began, or since its state changed where that is not known. Infinity where it began in what is
   * the future for the server: its clock, or its summer time, was set back meanwhile.
   */
  readonly ageSeconds: number;
}

/** The age of a lock's transaction, in words that follow its name. */
export function ageInWords({ ageSeconds }: TableLock): string {
  return ageSeconds === Infinity ? "since before the server's clock was set back" : `for ${ageSeconds} s`;
}

/**
 * Who holds a table or waits for it, the oldest first, this session left out.
 * A background thread of the server is nobody: the one that makes statistics holds a table for moments, with the age of the server; without a
 * connection it looked like a prepared XA transaction, whose locks have no thread at all.
 * @throws ServerError, SessionError.
 */
export async function readTableLocks(
  session: Session,
  ref: TableRef,
  source: LockSource,
): Promise<readonly TableLock[]> {
  const ages = await transactionAges(session);
  const rows = await session.query(lockSql(source, ref));
  const locks = rows
    .map((row) => lockOf(row, ages))
    .filter((lock) => lock.threadId !== session.threadId)
    .filter((lock) => lock.mode !== 'POSSIBLE' || ages.has(lock.threadId ?? 0));
  return locks.sort((a, b) => Number(b.ageSeconds > a.ageSeconds) - Number(b.ageSeconds < a.ageSeconds));
}

function lockSql(source: LockSource, ref: TableRef): string {
  switch (source) {
    case 'performance-schema':
      return `SELECT t.PROCESSLIST_ID AS id, l.LOCK_TYPE AS mode, l.LOCK_STATUS AS status,
          t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host, t.PROCESSLIST_INFO AS info,
          t.PROCESSLIST_TIME AS seconds
        FROM performance_schema.metadata_locks AS l
        LEFT JOIN performance_schema.threads AS t ON t.THREAD_ID = l.OWNER_THREAD_ID
       WHERE l.OBJECT_TYPE = 'TABLE' AND COALESCE(t.TYPE, 'FOREGROUND') = 'FOREGROUND'
         AND ${whereTable(ref, 'l.OBJECT_SCHEMA', 'l.OBJECT_NAME')}`;
    case 'metadata-lock-info':
      return `SELECT l.THREAD_ID AS id, REPLACE(l.LOCK_MODE, 'MDL_', '') AS mode, 'GRANTED' AS status,
          p.USER AS user, p.HOST AS host, p.INFO AS info, p.TIME AS seconds
        FROM information_schema.METADATA_LOCK_INFO AS l
        LEFT JOIN information_schema.PROCESSLIST AS p ON p.ID = l.THREAD_ID
       WHERE ${whereTable(ref, 'l.TABLE_SCHEMA', 'l.TABLE_NAME')} AND l.LOCK_TYPE LIKE 'Table%'`;
    case 'none':
      return `SELECT p.ID AS id, 'POSSIBLE' AS mode, 'GRANTED' AS status, p.USER AS user, p.HOST AS host,
          p.INFO AS info, p.TIME AS seconds
        FROM information_schema.PROCESSLIST AS p`;
  }
}

function lockOf(row: Row, ages: ReadonlyMap<number, number>): TableLock {
  const threadId = numberOrNull(row, 'id');
  const age = threadId === null ? undefined : ages.get(threadId);
  return {
    threadId,
    mode: text(row, 'mode'),
    granted: text(row, 'status') === 'GRANTED',
    account: threadId === null ? '' : `${text(row, 'user')}@${text(row, 'host')}`,
    statement: shortened(textOrNull(row, 'info') ?? ''),
    ageSeconds: age ?? numberOrNull(row, 'seconds') ?? 0,
  };
}

/**
 * Of MySQL this view is utf8mb3, and fails with this code while any transaction is at a statement with an
 * emoji in it.
 */
const CANNOT_CONVERT = 3854;
const VIEW_ATTEMPTS = 10;

/** Times are in whole seconds, and a transaction may begin after the statement that looks at it: so little in the future is now. */
const futureSeconds = 2;

/**
 * Age of each InnoDB transaction in seconds, by connection id; empty when they cannot be seen. The age of the
 * statement then stands for it.
 */
async function transactionAges(session: Session, attempt = 1): Promise<ReadonlyMap<number, number>> {
  try {
    // trx_started is in the server's own zone, and so is what it is compared with.
    const rows = await session.query(
      `SELECT trx_mysql_thread_id AS id,
              TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM')) AS age
         FROM information_schema.INNODB_TRX`,
    );
    return new Map(
      rows.map((row) => {
        const age = numberOrNull(row, 'age') ?? 0;
        return [numberOrNull(row, 'id') ?? 0, age <= -futureSeconds ? Infinity : Math.max(0, age)];
      }),
    );
  } catch (error) {
    if (classify(error) === 'privilege') return new Map();
    if ((error as { errno?: number }).errno !== CANNOT_CONVERT) throw error;
    return attempt < VIEW_ATTEMPTS ? await transactionAges(session, attempt + 1) : new Map();
  }
}
