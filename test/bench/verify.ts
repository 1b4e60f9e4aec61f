import { parseArgs } from 'node:util';
import { startCli } from '../lab/children.ts';
import { type LabServer, startLab } from '../lab/lab.ts';
import { createSysbenchTable, database, table } from './sysbench-table.ts';

/** What the log says of a phase. */
interface Told {
  readonly rows: number;
  readonly seconds: number;
}

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
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, Number(values.rows));
    await connection.end();
    const workers = [
      '--concurrency',
      values.concurrency,
      '--verify-concurrency',
      values['verify-concurrency'],
    ];
    const log = await migrate(lab.primary, workers);
    const [copy, verify] = [told(log, 'Row copy complete'), told(log, 'verified: ')];
    if (verify.rows !== copy.rows) throw new Error(`${verify.rows} rows were verified, not ${copy.rows}`);
    return {
      ...{ server: `${lab.primary.flavor} ${lab.primary.version}`, rows: verify.rows },
      ...{ copySeconds: copy.seconds, verifySeconds: verify.seconds },
      ratio: Number((verify.seconds / copy.seconds).toFixed(3)),
    };
  } finally {
    await lab.stop();
  }
}

/** The log of the command, in JSON lines. */
async function migrate({ host, port, user, password }: LabServer, extra: readonly string[]): Promise<string> {
  const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
  const what = ['--database', database, '--table', table, '--alter', 'ENGINE=InnoDB', '--execute'];
  const how = ['--allow-on-master', '--initially-drop-socket-file', '--verbose', '--log-format', 'json'];
  const child = startCli([...place, ...what, ...how, ...extra]);
  const { code } = await child.exit;
  if (code !== 0) throw new Error(`the migration ended with ${code}:\n${child.stderr}`);
  return child.stderr;
}

function told(log: string, message: string): Told {
  for (const line of log.split('\n')) {
    if (!line.startsWith('{') || !line.includes(message)) continue;
    const facts = JSON.parse(line) as Told;
    return facts;
  }
  throw new Error(`the log does not say "${message}":\n${log}`);
}
