import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { HeldMigration } from './parts/held.ts';
import { createSysbenchTable, database, table } from './parts/sysbench-table.ts';

const batchRows = 50_000;
const timeoutMs = 600_000;

/**
 * How fast a backlog is applied: all rows of a copied table are changed while the migration is throttled; timed is what follows its
 * release, until the ghost has the last of them. Options: --rows N, --server mysql|mariadb.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
    },
  });
  const rows = Number(values.rows);
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  const connection = await lab.primary.connect();
  let run: HeldMigration | null = null;
  try {
    await createSysbenchTable(connection, lab.primary, rows);
    const job = { database, table, alter: 'ENGINE=InnoDB', options: ['--verify', 'off'] };
    run = new HeldMigration(lab.primary, job);
    await run.reach(/State: postponing cut-over/);
    await run.ask('throttle');
    // INSERT .. SELECT leaves gaps in the numbers.
    const last = Number(await runSqlForValue(connection, `SELECT MAX(id) FROM ${database}.${table}`));
    for (let from = 0; from < last; from += batchRows) {
      const range = `id > ${from} AND id <= ${from + batchRows}`;
      await runSql(connection, `UPDATE ${database}.${table} SET pad = 'changed' WHERE ${range}`);
    }
    await run.backlogAtRest(2000);
    const startMs = performance.now();
    await run.ask('no-throttle');
    const left = `SELECT COUNT(*) FROM (SELECT 1 FROM ${database}._${table}_gho WHERE pad <> 'changed' LIMIT 1) AS some`;
    while ((await run.backlog()) > 0 || Number(await runSqlForValue(connection, left)) > 0) {
      if (performance.now() - startMs > timeoutMs) throw new Error('the backlog does not end');
      await sleep(50);
    }
    const seconds = (performance.now() - startMs) / 1000;
    return { rows, seconds: Number(seconds.toFixed(2)), keysPerSecond: Math.round(rows / seconds) };
  } finally {
    await run?.end();
    await connection.end();
    await lab.stop();
  }
}
