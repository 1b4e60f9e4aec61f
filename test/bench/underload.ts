import { parseArgs } from 'node:util';
import { measureBusy } from './parts/busy.ts';
import { writeOnly } from './parts/writers.ts';

/** A migration beside 4 writers that nothing holds back. Options: --rows N, --server mysql|mariadb, --concurrency N. */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
      concurrency: { type: 'string' },
    },
  });
  const rows = Number(values.rows);
  return measureBusy({
    ...{ rows, server: values.server, writers: 4, transaction: writeOnly(rows), idleToo: false },
    options: values.concurrency === undefined ? [] : ['--concurrency', values.concurrency],
  });
}
