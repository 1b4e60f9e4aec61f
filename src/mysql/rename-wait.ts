import { quoteTable, quoteText } from '../core/quote.ts';
import type { RenameWait, SwapThreads } from '../core/swap-port.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readProcesses } from './processlist.ts';
import { type Row, text } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** The tables of a cut-over: the sentry holds the place of the old one. */
export interface SwapTables {
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly old: TableRef;
}

/**
 * What the RENAME waits for, where performance_schema.metadata_locks tells it. The server takes the locks of a RENAME one by
 * one in the order of the tables' names: the sentry, the ghost, the original; or the original first (`Users`, `2fa`).
 */
export async function waitByLocks(
  session: Session,
  { original, ghost, old }: SwapTables,
  threads: SwapThreads,
): Promise<RenameWait> {
  const rows = await session.query(
    `SELECT m.object_name AS name, m.lock_status AS status, t.processlist_id AS id
     FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
     WHERE m.object_type = 'TABLE' AND m.object_schema = ${quoteText(original.schema)}
     AND m.object_name IN (${[original, old, ghost].map(({ name }) => quoteText(name)).join(', ')})`,
  );
  const is = (row: Row, table: TableRef): boolean =>
    text(row, 'name').toLowerCase() === table.name.toLowerCase();
  const id = (row: Row): number => Number(text(row, 'id'));
  const waits = rows.find((row) => id(row) === threads.rename && text(row, 'status') === 'PENDING');
  if (!waits) return 'nothing';
  const held = rows.filter((row) => text(row, 'status') === 'GRANTED');
  const heldByOthers = (table: TableRef): boolean =>
    held.some((row) => is(row, table) && ![threads.lock, threads.rename].includes(id(row)));
  // Once the sentry is gone the RENAME would wait for who holds the ghost, and the original not be kept from anybody.
  if (heldByOthers(ghost)) return 'others';
  if (is(waits, old)) return 'sentry';
  if (!is(waits, original) || heldByOthers(original)) return 'others';
  // What others write into the original once our lock is gone would be lost.
  return held.some((row) => is(row, original) && id(row) === threads.lock) ? 'original' : 'others';
}

/**
 * The same where no lock can be seen. Before the sentry is gone, the process list says enough: R waits. Then it may say so
 * still, of a wait that is over: so a session that will not wait asks for the original. It gets it, unless the RENAME is
 * in the queue for it. Who else holds the original cannot be seen: the RENAME may have to wait for them.
 * @param probe a session with the shortest `lock_wait_timeout` that the server has: none on MariaDB, a second on MySQL.
 */
export async function waitByProbe(
  session: Session,
  probe: Session,
  { original }: SwapTables,
  threads: SwapThreads,
  sentryDropped: boolean,
): Promise<RenameWait> {
  if (!(await waitsForLock(session, threads.rename))) return 'nothing';
  if (!sentryDropped) return 'sentry';
  let answered = false;
  const asked = ask(probe, original).finally(() => {
    answered = true;
  });
  asked.catch(() => undefined);
  for (;;) {
    const waits = await waitsForLock(session, probe.threadId);
    if (answered) return await asked;
    // For nothing else than the RENAME. Its answer is of no use any more.
    if (waits) return 'original';
  }
}

async function ask(probe: Session, original: TableRef): Promise<RenameWait> {
  try {
    await probe.query(`SELECT 1 FROM ${quoteTable(original)} LIMIT 0`);
    return 'others';
  } catch (error) {
    if (classify(error) !== 'lock-timeout') throw error;
    return 'original';
  }
}

async function waitsForLock(session: Session, threadId: number): Promise<boolean> {
  const process = (await readProcesses(session)).find(({ id }) => id === threadId);
  return /waiting for .*metadata lock/i.test(process?.state ?? '');
}
