import { runSql } from '../lab/lab.ts';
import { measureBusy } from './parts/busy.ts';
import { database, table } from './parts/sysbench-table.ts';
import type { Transaction } from './parts/writers.ts';

const hotRows = 100;
const rowsPerStatement = 25;
const changesPerSecond = 5000;

/** A migration while 100 of its rows are changed 5,000 times a second, 25 rows a statement: see parts/busy.ts. */
export function run(args: readonly string[]): Promise<object> {
  return measureBusy(args, () => ({
    transaction: touchHot,
    pace: () => changesPerSecond / rowsPerStatement,
    changes: rowsPerStatement,
    idleToo: true,
  }));
}

/** Neighbours, in the order of their keys: the writers do not deadlock with each other. */
const touchHot: Transaction = async (connection, random) => {
  const first = 1 + random.below(hotRows - rowsPerStatement);
  await runSql(
    connection,
    `UPDATE ${database}.${table} SET k = k + 1 WHERE id BETWEEN ${first} AND ${first + rowsPerStatement - 1}`,
  );
};
