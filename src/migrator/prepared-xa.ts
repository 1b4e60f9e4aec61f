import { Refusal } from '../base/errors.ts';
import { readPreparedXa } from '../mysql/inspector/prepared-xa.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';

const pollMs = 200;
/** XA transactions that stay prepared longer than this have been left to themselves. */
const patienceMs = 60_000;

/**
 * Waits until the XA transactions that were prepared when the stream began have ended (I9): what they changed stands in the
 * binlog before its start, so it would be missed when they commit. Nothing has been copied yet: what they commit
 * until this returns is visible to the copy.
 * @throws Refusal `xa-prepared` when they do not end in time.
 */
export async function waitForPreparedXa(
  path: DataPath,
  { clock, log }: MigrationParts,
  signal: AbortSignal,
): Promise<void> {
  const read = (): Promise<readonly string[]> =>
    path.askSessions.use(async (session) => (await readPreparedXa(session)) ?? [], signal);
  const startMs = clock.nowMs();
  let left = await read();
  if (left.length > 0) log.info({ xids: left }, 'waiting for prepared XA transactions to end');
  while (left.length > 0) {
    if (clock.nowMs() - startMs > patienceMs) {
      throw new Refusal('xa-prepared', `XA transactions are prepared and do not end: ${left.join(', ')}`, {
        hint: 'The original is untouched. End them with XA COMMIT or XA ROLLBACK (see XA RECOVER) and start again.',
      });
    }
    await clock.sleep(pollMs, signal);
    const now = new Set(await read());
    left = left.filter((xid) => now.has(xid));
  }
}
