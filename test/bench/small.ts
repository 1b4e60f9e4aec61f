import { parseArgs } from 'node:util';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { migrate } from './parts/migration.ts';

const rows = 1000;

/** The whole run of the command for a table of 1,000 rows. */
interface Small {
  readonly seconds: number;
  readonly all: readonly number[];
}

/**
 * What a migration of a small table takes in all, with defaults, idle: the median of some runs, MySQL and MariaDB. Seconds, from
 * the start of our process to its end. Options: --runs N, --server mysql|mariadb.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string', default: '5' }, server: { type: 'string' } },
  });
  const flavors: Flavor[] = values.server === undefined ? ['mysql', 'mariadb'] : [values.server as Flavor];
  const result: Record<string, unknown> = { rows };
  for (const flavor of flavors) result[flavor] = await measure(flavor, Number(values.runs));
  return result;
}

async function measure(flavor: Flavor, runs: number): Promise<Small> {
  const lab = await startLab({ flavor });
  try {
    const all: number[] = [];
    for (let i = 0; i < runs; i += 1) all.push(await oneRun(lab));
    const sorted = all.toSorted((a, b) => a - b);
    return { seconds: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, all };
  } finally {
    await lab.stop();
  }
}

async function oneRun({ primary }: Lab): Promise<number> {
  const admin = await primary.connect();
  await runSql(admin, 'DROP DATABASE IF EXISTS small');
  await runSql(admin, 'CREATE DATABASE small');
  await runSql(admin, 'CREATE TABLE small.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL, KEY (v))');
  await admin.query('INSERT INTO small.t (v) VALUES ?', [Array.from({ length: rows }, (_, i) => [i])]);
  await admin.end();
  const { seconds } = await migrate(primary, {
    ...{ database: 'small', table: 't', alter: 'ADD COLUMN z INT NOT NULL DEFAULT 7' },
  });
  return seconds;
}
