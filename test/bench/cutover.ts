import { parseArgs } from 'node:util';
import { Histogram, type StopTimes } from '../lab/histogram.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { migrate, told, toldAtMs } from './parts/migration.ts';

const writers = 8;
const readers = 2;
const writerPauseMs = 10;
const settleMs = 500;

/**
 * The longest stop that writers and readers of a small table meet, one figure a run of the whole migration: 8 writers
 * with pauses of 10 ms and 2 readers, MySQL and MariaDB. Milliseconds. `cutOver` has those of them that met the cut-over itself:
 * bench, server and our process share the processors, and what stops somebody may be none of a lock.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string', default: '10' }, server: { type: 'string' } },
  });
  const flavors: Flavor[] = values.server === undefined ? ['mysql', 'mariadb'] : [values.server as Flavor];
  const result: Record<string, unknown> = {};
  for (const flavor of flavors) result[flavor] = await measure(flavor, Number(values.runs));
  return result;
}

interface Stops {
  readonly writerStopMs: StopTimes;
  readonly readerStopMs: StopTimes;
}

/** One run: the longest stops of it all, and of the cut-over. */
interface RunStops {
  readonly writerMs: number;
  readonly readerMs: number;
  readonly cutOver: { readonly writerMs: number; readonly readerMs: number };
  /** What the command has told. */
  readonly reportedMs: number;
}

/** Something that took its time, on the wall's clock. */
interface Span {
  readonly fromMs: number;
  readonly tookMs: number;
}

async function measure(flavor: Flavor, runs: number): Promise<Stops & { readonly cutOver: Stops }> {
  const lab = await startLab({ flavor });
  const [writerStops, readerStops] = [new Histogram(), new Histogram()];
  const [writerLocks, readerLocks] = [new Histogram(), new Histogram()];
  try {
    for (let i = 0; i < runs; i += 1) {
      const stops = await oneRun(lab);
      writerStops.add(stops.writerMs);
      readerStops.add(stops.readerMs);
      writerLocks.add(stops.cutOver.writerMs);
      readerLocks.add(stops.cutOver.readerMs);
      process.stderr.write(`${flavor} run ${i + 1}: ${JSON.stringify(stops)}\n`);
    }
  } finally {
    await lab.stop();
  }
  return {
    ...{ writerStopMs: writerStops.times(), readerStopMs: readerStops.times() },
    cutOver: { writerStopMs: writerLocks.times(), readerStopMs: readerLocks.times() },
  };
}

async function oneRun(lab: Lab): Promise<RunStops> {
  const server = lab.primary;
  const admin = await server.connect();
  await runSql(admin, 'DROP DATABASE IF EXISTS small');
  await runSql(admin, 'CREATE DATABASE small');
  await runSql(admin, 'CREATE TABLE small.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL)');
  await admin.query('INSERT INTO small.t (v) VALUES ?', [Array.from({ length: 1000 }, (_, i) => [i])]);
  let stop = false;
  const [writes, reads]: [Span[], Span[]] = [[], []];
  const worker = async (sql: () => string, pauseMs: number, done: Span[]): Promise<void> => {
    const connection = await server.connect();
    while (!stop) {
      const [fromMs, startMs] = [Date.now(), performance.now()];
      await connection.query(sql());
      done.push({ fromMs, tookMs: performance.now() - startMs });
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await connection.end();
  };
  const anyRow = (): number => 1 + Math.floor(Math.random() * 1000);
  const write = (): string => `UPDATE small.t SET v = v + 1 WHERE id = ${anyRow()}`;
  const read = (): string => `SELECT v FROM small.t WHERE id = ${anyRow()}`;
  const load = [
    ...Array.from({ length: writers }, () => worker(write, writerPauseMs, writes)),
    ...Array.from({ length: readers }, () => worker(read, 1, reads)),
  ];
  const { log } = await migrate(server, {
    ...{ database: 'small', table: 't', alter: 'ADD COLUMN z INT NOT NULL DEFAULT 7' },
    options: ['--ok-to-drop-table'],
  });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  stop = true;
  await Promise.all(load);
  await admin.end();
  const swappedMs = toldAtMs(log, 'tables swapped');
  const lock = { fromMs: swappedMs - told(log, 'tables swapped', 'writerStopMs'), toMs: swappedMs };
  return {
    ...{ writerMs: longest(writes), readerMs: longest(reads) },
    cutOver: { writerMs: longest(writes, lock), readerMs: longest(reads, lock) },
    reportedMs: round(told(log, 'tables swapped', 'writerStopMs')),
  };
}

/** The longest of those that overlap with a time. */
function longest(spans: readonly Span[], { fromMs, toMs } = { fromMs: 0, toMs: Number.MAX_VALUE }): number {
  const met = spans.filter((span) => span.fromMs <= toMs && span.fromMs + span.tookMs >= fromMs);
  return round(met.reduce((most, { tookMs }) => Math.max(most, tookMs), 0));
}

function round(ms: number): number {
  return Number(ms.toFixed(1));
}
