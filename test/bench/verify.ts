import { parseArgs } from 'node:util';
import { startLab } from '../lab/lab.ts';
import { migrate, ratio, told } from './parts/migration.ts';
import { createSysbenchTable, database, table } from './parts/sysbench-table.ts';

/**
 * How long the verification takes beside the copy, on one idle server in one run of the command.
 * Options: --rows N, --server mysql|mariadb, --concurrency N, --verify-concurrency N.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
      concurrency: { type: 'string', default: '2' },
      'verify-concurrency': { type: 'string', default: '2' },
    },
  });
  const { rows, server, ...passed } = values;
  const flavor = server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, Number(rows));
    await connection.end();
    const options = Object.entries(passed).flatMap(([name, value]) => [`--${name}`, value]);
    const { log } = await migrate(lab.primary, { database, table, alter: 'ENGINE=InnoDB', options });
    const [copied, verified] = [told(log, 'Row copy complete', 'rows'), told(log, 'verified: ', 'rows')];
    if (verified !== copied) throw new Error(`${verified} rows were verified, not ${copied}`);
    const copySeconds = told(log, 'Row copy complete', 'seconds');
    const verifySeconds = told(log, 'verified: ', 'seconds');
    const figures = { rows: verified, copySeconds, verifySeconds, ratio: ratio(verifySeconds, copySeconds) };
    return { server: `${lab.primary.flavor} ${lab.primary.version}`, ...figures };
  } finally {
    await lab.stop();
  }
}
