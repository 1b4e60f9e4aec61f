import { textOrNull } from './row.ts';
import { ServerError } from './server-error.ts';
import type { Session, StatementLimits } from './session.ts';

/**
 * Where the server sees a session's client, as its process list writes it: with the port, so that no other connection has the
 * same while this one lives.
 * @returns null where it does not say. MySQL cannot while somebody's statement has an emoji in it (processlist.ts).
 * @throws SessionError.
 */
export async function placeOf(
  session: Pick<Session, 'query' | 'threadId'>,
  limits: StatementLimits,
): Promise<string | null> {
  const sql = `SELECT host AS host FROM information_schema.processlist WHERE id = ${session.threadId}`;
  try {
    const [row] = await session.query(sql, limits);
    return row ? textOrNull(row, 'host') : null;
  } catch (error) {
    if (error instanceof ServerError) return null;
    throw error;
  }
}
