import type { Clock } from '../../base/clock.ts';
import { type Row, text } from '../row.ts';
import { ServerError } from '../server-error.ts';
import type { Session } from '../session.ts';

const XAER_RMERR = 1401;
const SETTLE_MS = 1000;

/**
 * The XA transactions that are prepared and not ended, as text for people.
 * @returns null when the account may not see them.
 * @throws ServerError, SessionError.
 */
export async function readPreparedXa(session: Session): Promise<readonly string[] | null> {
  try {
    return (await session.query('XA RECOVER')).map(xidText);
  } catch (error) {
    // MySQL answers so when XA_RECOVER_ADMIN is missing.
    if (error instanceof ServerError && (error.errno === XAER_RMERR || error.kind === 'privilege'))
      return null;
    throw error;
  }
}

/**
 * Those of them that stay: an application that uses XA has prepared ones at any moment, each for a moment.
 * @throws ServerError, SessionError.
 */
export async function readLingeringXa(session: Session, clock: Clock): Promise<readonly string[] | null> {
  const before = await readPreparedXa(session);
  if (!before || before.length === 0) return before;
  await clock.sleep(SETTLE_MS);
  const after = new Set(await readPreparedXa(session));
  return before.filter((xid) => after.has(xid));
}

function xidText(row: Row): string {
  return `${text(row, 'formatID')}:${text(row, 'data').replace(/[^\x20-\x7e]/g, '?')}`;
}
