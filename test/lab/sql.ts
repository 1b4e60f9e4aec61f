import type { Connection, RowDataPacket } from 'mysql2/promise';

/** A row by column name, as the driver gives it. */
export type Row = Record<string, unknown>;

/**
 * Runs a statement and gives its rows; none for a statement that has no result.
 * @param values for the statement's question marks.
 * @throws the server's error.
 */
export async function runSql(connection: Connection, sql: string, values: unknown[] = []): Promise<Row[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

/**
 * The single value of a statement's first row.
 * @throws an Error when there is no row.
 */
export async function runSqlForValue(
  connection: Connection,
  sql: string,
  values: unknown[] = [],
): Promise<unknown> {
  const row = (await runSql(connection, sql, values))[0];
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return Object.values(row)[0];
}

/** A name between backticks. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
