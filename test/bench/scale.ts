import { parseArgs } from 'node:util';
import { startLab } from '../lab/lab.ts';
import { migrate, ratio } from './parts/migration.ts';
import { settle } from './parts/rebuilds.ts';
import { createSysbenchTable, database, table } from './parts/sysbench-table.ts';

interface Size {
  readonly rows: number;
  readonly seconds: number;
  readonly rssMB: number | null;
}

/** How time and memory grow with the table. Options: --small N, --large N, --server mysql|mariadb. */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      small: { type: 'string', default: '500000' },
      large: { type: 'string', default: '5000000' },
      server: { type: 'string', default: 'mysql' },
    },
  });
  const small = await measure(values.server, Number(values.small));
  const large = await measure(values.server, Number(values.large));
  const growth = {
    seconds: ratio(large.seconds, small.seconds),
    rss: ratio(large.rssMB ?? 0, small.rssMB ?? 1),
  };
  return { small, large, growth };
}

async function measure(server: string, rows: number): Promise<Size> {
  const flavor = server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, rows);
    await settle(connection);
    const { seconds, rssMB } = await migrate(lab.primary, { database, table, alter: 'ENGINE=InnoDB' });
    return { rows, seconds, rssMB };
  } finally {
    await lab.stop();
  }
}
