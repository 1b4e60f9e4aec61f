import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { SessionPool } from './pool.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** How long to look for the end of a statement whose connection is lost, ms. */
const endTimeoutMs = 300_000;
const pollMs = 100;

/**
 * Sees a session end on the server whose connection was lost while a statement was in flight. A server notices a dead
 * client only when the statement is over, so the statement would still commit; and an old snapshot must not be committed
 * after a newer one.
 * @throws Failure when it cannot be seen to end within five minutes; the signal's reason.
 */
export async function endStatement(
  pool: SessionPool,
  lost: Session,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const startMs = clock.nowMs();
  for (;;) {
    try {
      if (await pool.use((session) => killed(session, lost), signal)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (classify(error) !== 'connection') throw error;
    }
    if (clock.nowMs() - startMs > endTimeoutMs) {
      throw new Failure(`connection ${lost.threadId} was lost, and its statement cannot be seen to end`, {
        hint: `The original table is untouched. Look for connection ${lost.threadId} in the process list of the server.`,
      });
    }
    await clock.sleep(pollMs, signal);
  }
}

/**
 * Kills the lost session. Only a connection of our own account is touched: after a restart the server gives the
 * number to somebody else.
 * @returns true when the server does not know it any more.
 */
async function killed(session: Session, lost: Session): Promise<boolean> {
  if (session.serverIdentity !== lost.serverIdentity) return true;
  const rows = await session.query(
    `SELECT 1 AS found FROM information_schema.processlist ` +
      `WHERE id = ${lost.threadId} AND user = SUBSTRING_INDEX(USER(), '@', 1)`,
  );
  if (rows.length === 0) return true;
  await session.execute(`KILL ${lost.threadId}`).catch((error: unknown) => {
    // 1094: it ended by itself meanwhile.
    if ((error as { errno?: number }).errno !== 1094) throw error;
  });
  return false;
}
