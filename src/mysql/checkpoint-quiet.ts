import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readProcesses } from './processlist.ts';
import type { Session } from './session.ts';

const pollMs = 50;
/** How long to wait for statements of the dead run to end, ms. A large rollback takes its time. */
const endTimeoutMs = 300_000;
const ER_NO_SUCH_THREAD = 1094;

/**
 * Ends the statements of our account that write to the tables, make, rename or drop them, and waits until they are over:
 * a server notices the death of a client only then, and a RENAME or a chunk of a dead run could still come to
 * pass after we have looked. Whoever calls holds the run lock, so nobody alive is at work on these tables.
 * @throws Failure when they cannot be seen to end; ServerError, SessionError.
 */
export async function endStatementsOn(
  session: Session,
  tables: readonly TableRef[],
  clock: Clock,
): Promise<void> {
  const names = tables.map(quoteTable);
  const startMs = clock.nowMs();
  for (;;) {
    const ids = await statementsOn(session, names);
    if (ids.length === 0) return;
    for (const id of ids) await kill(session, id);
    if (clock.nowMs() - startMs > endTimeoutMs) {
      throw new Failure(`statements of an earlier run do not end: connections ${ids.join(', ')}`, {
        hint: 'Nothing of the checkpoint was changed. End these connections, and resume again.',
      });
    }
    await clock.sleep(pollMs);
  }
}

/**
 * Sees that nothing of a dead run goes on at the server. Beyond `endStatementsOn` the tables are locked for a
 * moment, which the server grants only when every transaction that has touched them is over.
 * @param tables the ghost and the changelog.
 * @throws as `endStatementsOn`; ServerError where somebody else holds a table.
 */
export async function quieten(session: Session, tables: readonly TableRef[], clock: Clock): Promise<void> {
  await endStatementsOn(session, tables, clock);
  await session.execute(`LOCK TABLES ${tables.map((table) => `${quoteTable(table)} WRITE`).join(', ')}`);
  await session.execute('UNLOCK TABLES');
}

/** Somebody's SELECT is none of ours. */
async function statementsOn(session: Session, names: readonly string[]): Promise<string[]> {
  const ours = (await readProcesses(session)).filter(({ sibling }) => sibling);
  return ours
    .filter(({ statement }) =>
      /^\s*(insert|replace|delete|update|rename|alter|create|drop)\b/i.test(statement),
    )
    .filter(({ statement }) => names.some((name) => statement.includes(name)))
    .map(({ id }) => String(id));
}

async function kill(session: Session, id: string): Promise<void> {
  await session.execute(`KILL ${id}`).catch((error: unknown) => {
    if ((error as { errno?: number }).errno !== ER_NO_SUCH_THREAD) throw error;
  });
}
