import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql, startLab } from '../../lab/lab.ts';
import { ghostCommand, isOnPath, type Job, migrate, ratio, secondsSince } from './migration.ts';
import { settle } from './rebuilds.ts';
import { createSysbenchTable, database, table } from './sysbench-table.ts';
import { type Transaction, type Window, Writers } from './writers.ts';

/** gh-ost does not end under writers that are faster than it is; it is given so much time. */
const ghostTimeoutMs = 240_000;
const aloneSeconds = 20;

const writerCount = 4;

/** What the writers of a busy table do. */
export interface BusySpec {
  readonly transaction: Transaction;
  /** Transactions a second of all writers, given what they do when nothing holds them back; without it, that. */
  readonly pace?: (unpaced: number) => number;
  /** Row changes in one transaction: what is told is changes a second, where it is not one. */
  readonly changes?: number;
  /** Also migrate before the writers begin, to compare with. */
  readonly idleToo: boolean;
}

/**
 * What a migration costs the writers of its table, and they it: 4 writers alone, then with the migration, on one server in
 * one run. gh-ost beside it where it is on PATH. Options: --rows N, --server mysql|mariadb, --concurrency N.
 * @param specOf gets the number of rows.
 */
export async function measureBusy(
  args: readonly string[],
  specOf: (rows: number) => BusySpec,
): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '2000000' },
      server: { type: 'string', default: 'mysql' },
      concurrency: { type: 'string' },
    },
  });
  const rows = Number(values.rows);
  const options = values.concurrency === undefined ? [] : ['--concurrency', values.concurrency];
  const spec = specOf(rows);
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, options: { innodb_buffer_pool_size: '2G' } });
  const writers = new Writers(lab.primary, spec.transaction);
  try {
    const connection = await lab.primary.connect();
    await createSysbenchTable(connection, lab.primary, rows);
    await settle(connection);
    const job: Job = { database, table, alter: 'ENGINE=InnoDB', options };
    const idleSeconds = spec.idleToo ? (await migrate(lab.primary, job)).seconds : null;
    if (spec.idleToo) await dropOld(connection);
    const rate = await paceOf(spec, writers);
    writers.start(writerCount, rate);
    const alone = await writers.measure(aloneSeconds);
    writers.begin();
    const { seconds, backlogMax } = await migrate(lab.primary, job);
    const during = writers.end();
    await dropOld(connection);
    const ghost = await ghostBeside(lab, job, writers, alone);
    await writers.stop();
    const idle = idleSeconds === null ? {} : { idleSeconds, ratioIdle: ratio(seconds, idleSeconds) };
    return {
      server: `${lab.primary.flavor} ${lab.primary.version}`,
      ...{ rows, seconds, ...idle },
      ...inFigures(alone, during, spec.changes ?? 1),
      ...{ backlogMax, ghost },
    };
  } finally {
    await writers.stop();
    await lab.stop();
  }
}

async function paceOf(spec: BusySpec, writers: Writers): Promise<number | undefined> {
  if (spec.pace === undefined) return undefined;
  writers.start(writerCount);
  const { perSecond } = await writers.measure(aloneSeconds / 2);
  await writers.stop();
  return spec.pace(perSecond);
}

function inFigures(alone: Window, during: Window, changes: number): object {
  return {
    ...{ writersAlone: alone.perSecond * changes, writersDuring: during.perSecond * changes },
    writersKept: ratio(during.perSecond, alone.perSecond),
    ...{ writerP99Ms: during.times.p99, writerP99AloneMs: alone.times.p99 },
    writerStopMs: { p99: during.times.p99, max: during.times.max },
    writerStopAloneMs: { p99: alone.times.p99, max: alone.times.max },
  };
}

/** The same with gh-ost; its `seconds` are null where it did not end in time. */
async function ghostBeside(lab: Lab, job: Job, writers: Writers, alone: Window): Promise<object | null> {
  if (!isOnPath('gh-ost')) return null;
  const [program = '', ...args] = ghostCommand(lab.primary, job);
  const startMs = performance.now();
  writers.begin();
  const ended = await promisify(execFile)(program, args, { timeout: ghostTimeoutMs }).then(
    () => true,
    () => false,
  );
  const during = writers.end();
  return { seconds: ended ? secondsSince(startMs) : null, ...inFigures(alone, during, 1) };
}

async function dropOld(connection: Connection): Promise<void> {
  await runSql(connection, `DROP TABLE ${database}._${table}_del`);
}
