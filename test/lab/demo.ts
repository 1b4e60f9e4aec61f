/**
 * `npm run demo`: a server, a table with a story, writers and readers at work on it, and the real command that
 * changes its schema meanwhile; then every acknowledged write is looked for in the new table.
 *
 * Options: --server mysql|mariadb  --fixture osu-scores|messages  --rows N  --replica  --seed N  --json
 *          --writers N  --readers N  --pause-ms N  (0 is unthrottled)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Fixture } from '../../fixtures/fixture.ts';
import { FIXTURES } from '../../fixtures/fixtures.ts';
import { messageOf } from '../../src/base/errors.ts';
import { type Child, startCli } from './children.ts';
import { type DemoReport, describeReport } from './demo-report.ts';
import { type Flavor, type Lab, runSql, startLab, waitForReplica } from './lab.ts';
import { Ledger, type LedgerResult } from './ledger.ts';

const DATABASE = 'poltergeist_demo';
/** Writers and readers run alone for this long before and after the change. */
const ALONE_MS = 1000;
const MAX_LAG_MS = 1500;
const REPLICA_WAIT_MS = 120_000;

interface DemoOptions {
  readonly flavor: Flavor;
  readonly fixture: Fixture;
  readonly rows: number;
  readonly replica: boolean;
  readonly json: boolean;
  readonly seed: number;
  readonly writers: number;
  readonly readers: number;
  readonly pauseMs: number;
}

function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: {
      server: { type: 'string', default: 'mysql' },
      fixture: { type: 'string', default: 'osu-scores' },
      rows: { type: 'string' },
      replica: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      writers: { type: 'string', default: '8' },
      readers: { type: 'string', default: '2' },
      'pause-ms': { type: 'string', default: '4' },
    },
  });
  const fixture = FIXTURES.get(values.fixture);
  if (fixture === undefined) throw new Error(`--fixture is one of ${[...FIXTURES.keys()].join(', ')}`);
  if (values.server !== 'mysql' && values.server !== 'mariadb')
    throw new Error('--server is mysql or mariadb');
  const whole = (name: string, text: string): number => {
    if (!/^\d+$/.test(text)) throw new Error(`--${name} is a whole number`);
    return Number(text);
  };
  return {
    flavor: values.server,
    fixture,
    rows: values.rows === undefined ? fixture.defaultRows : whole('rows', values.rows),
    replica: values.replica,
    json: values.json,
    seed: whole('seed', values.seed),
    writers: whole('writers', values.writers),
    readers: whole('readers', values.readers),
    pauseMs: whole('pause-ms', values['pause-ms']),
  };
}

/** With `--json`, standard output is for its one line. */
function say(options: DemoOptions, text: string): void {
  (options.json ? process.stderr : process.stdout).write(`${text}\n`);
}

function cliArguments(options: DemoOptions, lab: Lab): string[] {
  const { host, port, user, password } = lab.primary;
  const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
  const what = ['--database', DATABASE, '--table', options.fixture.table, '--alter', options.fixture.alter];
  const how = ['--allow-on-master', '--initially-drop-ghost-table', '--initially-drop-old-table'];
  const control = lab.replicas.map((replica) => `${replica.host}:${replica.port}`).join(',');
  const lag = ['--throttle-control-replicas', control, '--max-lag-millis', String(MAX_LAG_MS)];
  return [...place, ...what, ...how, ...(control === '' ? [] : lag), '--ok-to-drop-table', '--execute'];
}

/** The primary with the table in it, and its replica in step. */
async function prepare(options: DemoOptions, lab: Lab): Promise<void> {
  const { fixture, rows, seed } = options;
  const startedMs = performance.now();
  const connection = await lab.primary.connect();
  try {
    await runSql(connection, `DROP DATABASE IF EXISTS ${DATABASE}`);
    await fixture.create(connection, DATABASE, rows, seed);
  } finally {
    await connection.end();
  }
  for (const replica of lab.replicas) await waitForReplica(lab.primary, replica, REPLICA_WAIT_MS);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(options, `${fixture.name}: ${rows} rows made in ${seconds} s from seed ${seed}`);
}

async function definition(lab: Lab, table: string): Promise<string> {
  const connection = await lab.primary.connect();
  const rows = await runSql(connection, `SHOW CREATE TABLE ${DATABASE}.${table}`);
  await connection.end();
  return String(rows[0]?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
}

interface Outcome {
  readonly result: LedgerResult;
  readonly seconds: number;
  readonly changes: number;
  readonly rows: number;
  /** What went wrong with the command; empty when nothing did. */
  readonly trouble: string;
}

async function change(options: DemoOptions, lab: Lab, onChild: (child: Child) => void): Promise<Outcome> {
  const { fixture, rows, seed, writers, readers, pauseMs } = options;
  const before = await definition(lab, fixture.table);
  const ledger = await Ledger.open(lab.primary, fixture.ledgerTable(DATABASE, rows), { seed });
  say(options, `${writers} writers and ${readers} readers are at work; the command starts`);
  const load = ledger.start({ writers, readers, pauseMs });
  await sleep(ALONE_MS);
  const startedMs = performance.now();
  const child = startCli(cliArguments(options, lab), { onLine: (line) => say(options, `  | ${line}`) });
  onChild(child);
  const exit = await child.exit;
  const seconds = Math.round((performance.now() - startedMs) / 10) / 100;
  await sleep(ALONE_MS);
  await load.stop();
  say(options, 'comparing every row with what was acknowledged');
  const failed = exit.code !== 0;
  const result = await ledger.compare({ changed: !failed });
  const same = (await definition(lab, fixture.table)) === before;
  const ended = `the command ended with ${exit.signal ?? exit.code}`;
  const trouble = failed ? ended : same ? 'the table is as it was before' : '';
  const applied = [...child.stdout.matchAll(/Applied: (\d+)/g)].at(-1)?.[1];
  return { result, seconds, changes: Number(applied ?? 0), rows: ledger.initialRows, trouble };
}

function reportOf(options: DemoOptions, lab: Lab, outcome: Outcome): DemoReport {
  const { result, seconds, changes, rows } = outcome;
  const { writes, lost, phantom, differing, writerStopMs, readerStopMs } = result;
  return {
    server: `${lab.primary.flavor} ${lab.primary.version}`,
    fixture: options.fixture.name,
    rows,
    seconds,
    rowsPerSecond: Math.round(rows / seconds),
    ...{ changes, writes, lost, phantom, differing, writerStopMs, readerStopMs },
  };
}

async function demo(options: DemoOptions): Promise<number> {
  const lab = await startLab({ flavor: options.flavor, replicas: options.replica ? 1 : 0 });
  let child: Child | undefined;
  const interrupt = (): void => {
    child?.kill('SIGKILL');
    void lab.stop().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  try {
    say(options, `${lab.primary.flavor} ${lab.primary.version} runs on port ${lab.primary.port}`);
    await prepare(options, lab);
    const outcome = await change(options, lab, (started) => {
      child = started;
    });
    const report = reportOf(options, lab, outcome);
    say(options, describeReport(report, outcome.result.examples));
    if (outcome.trouble !== '') say(options, `Failed: ${outcome.trouble}.`);
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    const { lost, phantom, differing } = report;
    return outcome.trouble === '' && lost + phantom + differing === 0 ? 0 : 1;
  } finally {
    child?.kill('SIGKILL');
    await lab.stop();
  }
}

try {
  process.exitCode = await demo(readOptions());
} catch (error) {
  process.stderr.write(`demo: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
