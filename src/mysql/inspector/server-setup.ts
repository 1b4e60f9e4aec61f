import { ServerError } from '../server-error.ts';
import type { Session } from '../session.ts';

const INSTRUMENT = 'wait/lock/metadata/sql/mdl';

/**
 * Makes the server show metadata locks from now on (`--allow-setup-metadata-lock-instruments`). Those that are held already
 * stay unseen until they are taken anew.
 * @returns null; or why it was not possible, in words.
 */
export async function switchOnLockInstrument(session: Session): Promise<string | null> {
  try {
    const { affectedRows } = await session.execute(
      `UPDATE performance_schema.setup_instruments SET ENABLED = 'YES', TIMED = 'YES' WHERE NAME = '${INSTRUMENT}'`,
    );
    return affectedRows > 0 ? null : `the server has no instrument ${INSTRUMENT} (performance_schema is off)`;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return error.serverMessage;
  }
}
