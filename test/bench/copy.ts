import { parseArgs } from 'node:util';
import type { Connection } from 'mysql2/promise';
import { startCli } from '../lab/children.ts';
import { type LabServer, runSql, startLab } from '../lab/lab.ts';
import { createSysbenchTable, database, table } from './sysbench-table.ts';

/** A minute at the most for what is left to be written; some pages are always dirty. */
const settlePollsMax = 240;
const dirtyPagesMax = 100;

/**
 * How long a rebuild of one table takes, idle, with full durability, on one fresh server in one run: one
 * INSERT .. SELECT of all rows, the server's own COPY and INPLACE, and ours by the command. Seconds.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
      verify: { type: 'string' },
      concurrency: { type: 'string' },
    },
  });
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, Number(values.rows));
    const extra = [
      ...(values.verify === undefined ? [] : ['--verify', values.verify]),
      ...(values.concurrency === undefined ? [] : ['--concurrency', values.concurrency]),
    ];
    const name = `${database}.${table}`;
    await settle(connection);
    const insertSelect = await timed(async () => {
      await runSql(connection, `CREATE TABLE ${database}.plain LIKE ${name}`);
      await runSql(connection, `INSERT INTO ${database}.plain SELECT * FROM ${name}`);
    });
    await runSql(connection, `DROP TABLE ${database}.plain`);
    await settle(connection);
    const copy = await timed(() => runSql(connection, `ALTER TABLE ${name} ENGINE=InnoDB, ALGORITHM=COPY`));
    await settle(connection);
    const inplace = await timed(() =>
      runSql(connection, `ALTER TABLE ${name} ENGINE=InnoDB, ALGORITHM=INPLACE`),
    );
    await settle(connection);
    const poltergeist = await timed(() => migrate(lab.primary, extra));
    await checkSwapped(connection);
    const ratio = (other: number): number => Number((poltergeist / other).toFixed(3));
    return {
      ...{ server: `${lab.primary.flavor} ${lab.primary.version}`, rows: Number(values.rows) },
      ...{ insertSelect, copy, inplace, poltergeist },
      ...{ ratioInsertSelect: ratio(insertSelect), ratioCopy: ratio(copy) },
    };
  } finally {
    await lab.stop();
  }
}

/** The whole run of the command, from its start to its end. */
async function migrate(server: LabServer, extra: readonly string[]): Promise<void> {
  const child = startCli([
    ...[
      '--host',
      server.host,
      '--port',
      String(server.port),
      '--user',
      server.user,
      '--password',
      server.password,
    ],
    ...['--database', database, '--table', table, '--alter', 'ENGINE=InnoDB'],
    ...['--execute', '--allow-on-master', '--initially-drop-socket-file', '--verbose', ...extra],
  ]);
  const { code } = await child.exit;
  if (code !== 0) throw new Error(`the migration ended with ${code}:\n${child.stderr}`);
  const told = child.stderr.split('\n').filter((line) => /INFO (Row copy|tables|verif)/i.test(line));
  process.stderr.write(`${told.join('\n')}\n`);
}

async function checkSwapped(connection: Connection): Promise<void> {
  const rows = await runSql(connection, `SHOW TABLES FROM ${database} LIKE '%\\_del'`);
  if ((rows as unknown[]).length !== 1) throw new Error('the tables were not swapped');
}

/** Waits until the pages that the step before has changed are written: they must not be paid for by the next one. */
async function settle(connection: Connection): Promise<void> {
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0');
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct = 0');
  for (let polls = 0; polls < settlePollsMax; polls += 1) {
    const rows = await runSql(connection, "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
    const [row] = rows as { Value?: unknown }[];
    if (Number(row?.Value) < dirtyPagesMax) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct = 90');
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct_lwm = 10');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return Number(((performance.now() - startMs) / 1000).toFixed(2));
}
