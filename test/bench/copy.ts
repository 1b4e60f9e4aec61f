import { parseArgs } from 'node:util';
import { startLab } from '../lab/lab.ts';
import { ratio } from './parts/migration.ts';
import { compareRebuilds } from './parts/rebuilds.ts';
import { createSysbenchTable, database, table } from './parts/sysbench-table.ts';

/**
 * How long a rebuild of one table takes, idle, with full durability, on one fresh server in one run: see
 * parts/rebuilds.ts. The ratios are those of ours without verification. Options: --rows N, --server mysql|mariadb, and
 * --verify, --concurrency, --defer-indexes as the command has them.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
      verify: { type: 'string' },
      concurrency: { type: 'string' },
      'defer-indexes': { type: 'string' },
    },
  });
  const { rows, server, ...passed } = values;
  const flavor = server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, Number(rows));
    const options = Object.entries(passed).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const job = { database, table, alter: 'ENGINE=InnoDB', options };
    const figures = await compareRebuilds(connection, lab.primary, job);
    const { poltergeist, poltergeistUnverified, insertSelect, copy } = figures;
    return {
      server: `${lab.primary.flavor} ${lab.primary.version}`,
      ...figures,
      ratioInsertSelect: ratio(poltergeistUnverified, insertSelect),
      ratioCopy: ratio(poltergeistUnverified, copy),
      ratioCopyVerified: ratio(poltergeist, copy),
    };
  } finally {
    await lab.stop();
  }
}
