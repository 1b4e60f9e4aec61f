import { Refusal } from '../../base/errors.ts';
import { sentryComment } from '../../core/changelog-sql.ts';
import { quoteTable, quoteText } from '../../core/quote.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { ServerError } from '../server-error.ts';
import type { Session } from '../session.ts';

/**
 * Finds out by trying whether the server renames tables that the session has locked. Not every one does.
 * @param probe a name that is free, as is `to`: what an interrupted try leaves bears our mark.
 * @throws Refusal `locked-rename`; nothing but the probe was touched, and it is gone.
 */
export async function refuseLockedRename(session: Session, probe: TableRef, to: TableRef): Promise<void> {
  const [table, renamed] = [quoteTable(probe), quoteTable(to)];
  const mark = `ENGINE=InnoDB COMMENT=${quoteText(sentryComment)}`;
  await session.execute(`CREATE TABLE ${table} (id INT NOT NULL PRIMARY KEY) ${mark}`);
  try {
    await session.execute(`LOCK TABLES ${table} WRITE`);
    await session.execute(`RENAME TABLE ${table} TO ${renamed}`);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new Refusal(
      'locked-rename',
      `--cut-over=locked-rename: this server does not rename locked tables (${error.serverMessage}). Nothing was touched.`,
      {
        hint: 'Leave it out: --cut-over=atomic, the default, works on every server. So does two-step.',
        cause: error,
      },
    );
  } finally {
    if (session.usable) {
      await session.execute('UNLOCK TABLES');
      await session.execute(`DROP TABLE IF EXISTS ${table}, ${renamed}`);
    }
  }
}
