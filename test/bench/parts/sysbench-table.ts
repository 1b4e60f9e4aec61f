import type { Connection } from 'mysql2/promise';
import { type LabServer, runSql } from '../../lab/lab.ts';
import { allowNumbers, numbersSql } from './numbers.ts';

/** Rows of one INSERT while the table is filled. */
const batchRows = 100_000;

/** The schema and table that sysbench would make. */
export const database = 'sb';
export const table = 'sbtest1';

/**
 * Creates and fills a table of sysbench's shape (id, k, c, pad, an index on k) with random numbers and digits.
 * @param rows how many.
 */
export async function createSysbenchTable(
  connection: Connection,
  server: LabServer,
  rows: number,
): Promise<void> {
  await runSql(connection, `DROP DATABASE IF EXISTS ${database}`);
  await runSql(connection, `CREATE DATABASE ${database}`);
  await runSql(
    connection,
    `CREATE TABLE ${database}.${table} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0,
      c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k)) ENGINE=InnoDB`,
  );
  const digits = (n: number): string =>
    Array.from({ length: n }, () => "LPAD(FLOOR(RAND() * 99999999999), 11, '0')").join(", '-', ");
  await allowNumbers(connection, server.flavor, batchRows);
  for (let done = 0; done < rows; done += batchRows) {
    const n = Math.min(batchRows, rows - done);
    const numbers = numbersSql(server.flavor, database, 1, n);
    await runSql(
      connection,
      `INSERT INTO ${database}.${table} (k, c, pad)
       SELECT FLOOR(RAND() * ${rows}), CONCAT(${digits(10)}), CONCAT(${digits(5)}) FROM (${numbers}) AS numbers`,
    );
  }
  await runSql(connection, `ANALYZE TABLE ${database}.${table}`);
}
