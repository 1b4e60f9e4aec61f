import type { TableRef } from '../../core/table-ref.ts';
import { text } from '../row.ts';
import type { Session } from '../session.ts';
import { whereTable } from './table-entry.ts';

/** A trigger of a table. */
export interface Trigger {
  readonly name: string;
  readonly timing: 'BEFORE' | 'AFTER';
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE';
}

/**
 * The triggers of a table, in the order in which they fire. An account without the TRIGGER privilege sees
 * none: `checkPrivileges` is what finds that out.
 * @throws ServerError, SessionError.
 */
export async function readTriggers(session: Session, ref: TableRef): Promise<readonly Trigger[]> {
  const rows = await session.query(
    `SELECT TRIGGER_NAME AS name, ACTION_TIMING AS timing, EVENT_MANIPULATION AS event
       FROM information_schema.TRIGGERS
      WHERE ${whereTable(ref, 'EVENT_OBJECT_SCHEMA', 'EVENT_OBJECT_TABLE')}
      ORDER BY ACTION_TIMING = 'AFTER', EVENT_MANIPULATION, ACTION_ORDER`,
  );
  return rows.map((row) => ({
    name: text(row, 'name'),
    timing: text(row, 'timing') as Trigger['timing'],
    event: text(row, 'event') as Trigger['event'],
  }));
}
