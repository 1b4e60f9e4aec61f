import { Refusal } from '../../base/errors.ts';
import { quoteTable } from '../../core/quote.ts';
import { createProbeSql, dropScratchSql, refuseStrangers, type ScratchRefs } from '../scratch.ts';
import { ServerError } from '../server-error.ts';
import type { Session } from '../session.ts';

/**
 * Finds out by trying whether the server renames tables that the session has locked. Not every one does.
 * @param scratch names for it; what a try leaves that is cut off bears our mark under either.
 * @throws Refusal `locked-rename`, `probe-table`; nothing but the probe was touched, and it is gone.
 */
export async function refuseLockedRename(session: Session, scratch: ScratchRefs): Promise<void> {
  const [table, renamed] = [quoteTable(scratch.probe), quoteTable(scratch.twin)];
  await refuseStrangers(session, scratch);
  await session.execute(dropScratchSql(scratch));
  await session.execute(createProbeSql(scratch.probe));
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
      await session.execute(dropScratchSql(scratch));
    }
  }
}
