import { type Row, text } from './row.ts';
import type { Session, StatementLimits } from './session.ts';

/** A connection of the server, as far as this account may see it. */
export interface Process {
  readonly id: number;
  readonly user: string;
  /** Where its client is, with the port: no other connection has the same while this one lives. */
  readonly host: string;
  /** What it is at; empty where it rests. */
  readonly state: string;
  /** Its statement; empty where it has none. */
  readonly statement: string;
  /** It belongs to the account of the session that asks, and is not that session. */
  readonly sibling: boolean;
}

/**
 * All connections, by SHOW PROCESSLIST. `information_schema.processlist` of MySQL is utf8mb3: while any
 * session runs a statement with an emoji in it, every SELECT from there fails with error 3854, whatever it
 * asks for (measured, 9.7).
 */
export async function readProcesses(
  session: Session,
  limits: StatementLimits = {},
): Promise<readonly Process[]> {
  const [me] = await session.query(
    `SELECT CAST(CONNECTION_ID() AS CHAR) AS id, SUBSTRING_INDEX(USER(), '@', 1) AS user`,
    limits,
  );
  const rows = await session.query('SHOW FULL PROCESSLIST', limits);
  return rows.map((row: Row) => ({
    id: Number(text(row, 'Id')),
    user: text(row, 'User'),
    host: text(row, 'Host'),
    state: text(row, 'State'),
    statement: text(row, 'Info'),
    sibling: text(row, 'User') === text(me!, 'user') && text(row, 'Id') !== text(me!, 'id'),
  }));
}
