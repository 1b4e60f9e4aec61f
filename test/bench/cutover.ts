import { parseArgs } from 'node:util';
import { Histogram, type StopTimes } from '../lab/histogram.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { migrate } from './parts/migration.ts';

const writers = 8;
const readers = 2;
const writerPauseMs = 10;
const settleMs = 500;

/**
 * The longest stop that writers and readers of a small table meet, one figure a run of the whole migration: 8 writers
 * with pauses of 10 ms and 2 readers, MySQL and MariaDB. Milliseconds.
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

async function measure(flavor: Flavor, runs: number): Promise<Stops> {
  const lab = await startLab({ flavor });
  const [writerStops, readerStops] = [new Histogram(), new Histogram()];
  try {
    for (let i = 0; i < runs; i += 1) {
      const stops = await oneRun(lab);
      writerStops.add(stops.writerMs);
      readerStops.add(stops.readerMs);
      process.stderr.write(`${flavor} run ${i + 1}: ${JSON.stringify(stops)}\n`);
    }
  } finally {
    await lab.stop();
  }
  return { writerStopMs: writerStops.times(), readerStopMs: readerStops.times() };
}

async function oneRun(lab: Lab): Promise<{ writerMs: number; readerMs: number; reportedMs: number }> {
  const server = lab.primary;
  const admin = await server.connect();
  await runSql(admin, 'DROP DATABASE IF EXISTS small');
  await runSql(admin, 'CREATE DATABASE small');
  await runSql(admin, 'CREATE TABLE small.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL)');
  await admin.query('INSERT INTO small.t (v) VALUES ?', [Array.from({ length: 1000 }, (_, i) => [i])]);
  let stop = false;
  let longestWrite = 0;
  let longestRead = 0;
  const worker = async (sql: () => string, pauseMs: number, took: (ms: number) => void): Promise<void> => {
    const connection = await server.connect();
    while (!stop) {
      const startMs = performance.now();
      await connection.query(sql());
      took(performance.now() - startMs);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await connection.end();
  };
  const anyRow = (): number => 1 + Math.floor(Math.random() * 1000);
  const write = (): string => `UPDATE small.t SET v = v + 1 WHERE id = ${anyRow()}`;
  const read = (): string => `SELECT v FROM small.t WHERE id = ${anyRow()}`;
  const load = [
    ...Array.from({ length: writers }, () =>
      worker(write, writerPauseMs, (ms) => {
        longestWrite = Math.max(longestWrite, ms);
      }),
    ),
    ...Array.from({ length: readers }, () =>
      worker(read, 1, (ms) => {
        longestRead = Math.max(longestRead, ms);
      }),
    ),
  ];
  const { log } = await migrate(server, {
    ...{ database: 'small', table: 't', alter: 'ADD COLUMN z INT NOT NULL DEFAULT 7' },
    options: ['--ok-to-drop-table'],
  });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  stop = true;
  await Promise.all(load);
  await admin.end();
  const reported = /writers were stopped for (\d+) ms/.exec(log)?.[1];
  return { writerMs: round(longestWrite), readerMs: round(longestRead), reportedMs: Number(reported) };
}

function round(ms: number): number {
  return Number(ms.toFixed(1));
}
