import type { Connection } from 'mysql2/promise';
import { type Flavor, runSql } from '../../lab/lab.ts';

/**
 * A query that gives the numbers `from` to `to` as a column `n`, as each flavor makes them fastest.
 * @param schema a schema that is there: MariaDB's sequences need one.
 */
export function numbersSql(flavor: Flavor, schema: string, from: number, to: number): string {
  return flavor === 'mysql'
    ? `WITH RECURSIVE s (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM s WHERE n < ${to}) SELECT n FROM s`
    : `SELECT seq AS n FROM ${schema}.seq_${from}_to_${to}`;
}

/** Lets `numbersSql` give so many on this session. */
export async function allowNumbers(connection: Connection, flavor: Flavor, most: number): Promise<void> {
  if (flavor === 'mysql') await runSql(connection, `SET SESSION cte_max_recursion_depth = ${most + 1}`);
}
