import { readProcesses } from './processlist.ts';
import type { Session, StatementLimits } from './session.ts';

/**
 * Whether the server that `asking` is on still has the connection of another session of ours, and no other one of its number:
 * after a restart the server gives the number to somebody else, who comes from another place, or at least from another port.
 * @throws ServerError, SessionError.
 */
export async function isStillThere(
  asking: Session,
  other: Session,
  limits: StatementLimits = {},
): Promise<boolean> {
  if (asking.serverIdentity !== other.serverIdentity) return false;
  // The server was started again, and the number is ours once more.
  if (asking.threadId === other.threadId) return false;
  const processes = await readProcesses(asking, limits);
  const found = processes.find(({ id, sibling }) => sibling && id === other.threadId);
  return found !== undefined && (other.host === null || found.host === other.host);
}
