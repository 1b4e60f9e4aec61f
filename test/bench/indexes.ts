import { parseArgs } from 'node:util';
import { osuScores } from '../../fixtures/osu-scores/fixture.ts';
import { runSql, startLab } from '../lab/lab.ts';
import { ratio } from './parts/migration.ts';
import { compareRebuilds } from './parts/rebuilds.ts';

const database = 'osu';

/**
 * How long a rebuild takes of a table that does not fit into the buffer pool (256 MB) and has three secondary indexes in
 * random order: see parts/rebuilds.ts. `ratioInplace` is of ours with verification. Options: --rows N, --server
 * mysql|mariadb, --brief (without INSERT .. SELECT and COPY: ten minutes less), and --verify, --concurrency, --defer-indexes as the command has them.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '6000000' },
      server: { type: 'string', default: 'mysql' },
      verify: { type: 'string' },
      concurrency: { type: 'string' },
      'defer-indexes': { type: 'string' },
      brief: { type: 'boolean', default: false },
    },
  });
  const { rows, server, brief, ...passed } = values;
  const flavor = server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '256M' } });
  try {
    const connection = await lab.primary.connect();
    await osuScores.create(connection, database, Number(rows), 1);
    const { table } = osuScores;
    await runSql(connection, `ANALYZE TABLE ${database}.${table}`);
    const options = Object.entries(passed).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const job = { database, table, alter: 'ENGINE=InnoDB', options };
    const figures = await compareRebuilds(connection, lab.primary, job, brief);
    const { poltergeist, poltergeistUnverified, inplace } = figures;
    return {
      server: `${lab.primary.flavor} ${lab.primary.version}`,
      ...figures,
      ratioInplace: ratio(poltergeist, inplace),
      ratioInplaceUnverified: ratio(poltergeistUnverified, inplace),
    };
  } finally {
    await lab.stop();
  }
}
