import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { SessionPool } from './pool.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';
import { SessionError } from './session-error.ts';
import { isStillThere } from './still-there.ts';

/** How long to look for the end of a statement whose connection is lost, ms. */
const endTimeoutMs = 300_000;
/** The first look is right after the KILL: somebody may be waiting for a lock of the lost session. */
const pollMs = { first: 2, last: 100 };
/** A question that is not answered in this time is asked again on another connection, ms. */
const questionMs = 5000;

/** @see endStatement */
export interface EndOptions {
  /** Default five minutes. */
  readonly timeoutMs?: number;
}

/**
 * Sees a session end on the server whose connection was lost while a statement was in flight. A server notices a dead
 * client only when the statement is over, so the statement would still commit; and an old snapshot must not be committed
 * after a newer one.
 * @throws Failure when it cannot be seen to end in time; the signal's reason.
 */
export async function endStatement(
  pool: SessionPool,
  lost: Session,
  clock: Clock,
  signal: AbortSignal,
  options: EndOptions = {},
): Promise<void> {
  const { timeoutMs = endTimeoutMs } = options;
  const startMs = clock.nowMs();
  for (let waitMs = pollMs.first; ; waitMs = Math.min(waitMs * 2, pollMs.last)) {
    try {
      if (await pool.use((session) => killed(session, lost, signal), signal)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SessionError) && classify(error) !== 'connection') throw error;
    }
    if (clock.nowMs() - startMs > timeoutMs) {
      throw new Failure(`connection ${lost.threadId} was lost, and its statement cannot be seen to end`, {
        hint: `The original table is untouched. Look for connection ${lost.threadId} in the process list of the server.`,
      });
    }
    await clock.sleep(waitMs, signal);
  }
}

/**
 * Kills the lost session, and no other.
 * @returns true when the server does not know it any more.
 */
async function killed(session: Session, lost: Session, signal: AbortSignal): Promise<boolean> {
  const limits = { timeoutMs: questionMs, signal };
  if (!(await isStillThere(session, lost, limits))) return true;
  await session.execute(`KILL ${lost.threadId}`, limits).catch((error: unknown) => {
    // 1094: it ended by itself meanwhile.
    if ((error as { errno?: number }).errno !== 1094) throw error;
  });
  return false;
}
