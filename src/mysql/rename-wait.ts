import { quoteTable, quoteText } from '../core/quote.ts';
import type { RenameWait, SwapThreads } from '../core/swap-port.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readProcesses } from './processlist.ts';
import { type Row, text } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/**
 * The tables of a cut-over. Before it there are two that are empty: the sentry, and its relief in the place of the old table.
 * The RENAME puts the relief in the sentry's place, which it cannot as long as the sentry stands.
 */
export interface SwapTables {
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly old: TableRef;
  readonly sentry: TableRef;
}

/**
 * What the RENAME waits for, where performance_schema.metadata_locks tells it. The server takes the locks of a RENAME one by
 * one in the order of the tables' names: mostly old table, ghost, original, sentry; or the original first (`Users`, `2fa`); where
 * the name leaves no room for a sentry that sorts behind it, the sentry may come before it.
 */
export async function waitByLocks(
  session: Session,
  { original, ghost, old, sentry }: SwapTables,
  threads: SwapThreads,
): Promise<RenameWait> {
  const rows = await session.query(
    `SELECT m.object_name AS name, m.lock_status AS status, t.processlist_id AS id
     FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
     WHERE m.object_type = 'TABLE' AND m.object_schema = ${quoteText(original.schema)}
     AND m.object_name IN (${[original, old, ghost, sentry].map(({ name }) => quoteText(name)).join(', ')})`,
  );
  const is = (row: Row, table: TableRef): boolean =>
    text(row, 'name').toLowerCase() === table.name.toLowerCase();
  const id = (row: Row): number => Number(text(row, 'id'));
  const waits = rows.find((row) => id(row) === threads.rename && text(row, 'status') === 'PENDING');
  if (!waits) return 'nothing';
  const held = rows.filter((row) => text(row, 'status') === 'GRANTED');
  const heldByOthers = (table: TableRef): boolean =>
    held.some((row) => is(row, table) && ![threads.lock, threads.rename].includes(id(row)));
  // The RENAME would wait for who holds the ghost, and the original not be kept from anybody.
  if (heldByOthers(ghost)) return 'others';
  if (is(waits, sentry)) return 'sentry';
  if (!is(waits, original) || heldByOthers(original)) return 'others';
  // What others write into the original once our lock is gone would be lost.
  return held.some((row) => is(row, original) && id(row) === threads.lock) ? 'original' : 'others';
}

/**
 * The same where no lock can be seen. The process list says that R waits; where it waits for the sentry that is enough. Else, and
 * of a wait that may be over, a session that will not wait asks for the original. It gets it, unless the RENAME is
 * in the queue for it. Who else holds the original cannot be seen: the RENAME may have to wait for them.
 * @param probe a session with the shortest `lock_wait_timeout` that the server has: none on MariaDB, a second on MySQL.
 */
export async function waitByProbe(
  session: Session,
  probe: Session,
  { original, sentry }: SwapTables,
  threads: SwapThreads,
  sentryDropped: boolean,
): Promise<RenameWait> {
  if (!(await waitsForLock(session, threads.rename))) return 'nothing';
  if (!sentryDropped && comesBefore(sentry, original)) return 'sentry';
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

/** Whether the server locks `a` before `b` in a statement that names both. */
function comesBefore(a: TableRef, b: TableRef): boolean {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) < 0;
}
