import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type LabServer, runSql } from '../../lab/lab.ts';
import { type Job, migrate, peers, timed } from './migration.ts';

/** A minute at the most for what is left to be written; some pages are always dirty. */
const settlePollsMax = 240;
const settlePollMs = 250;
const dirtyPagesMax = 100;

/** How long each way to rebuild one table has taken, in seconds; null: not there, or not asked for. */
export interface Rebuilds {
  readonly rows: number;
  readonly insertSelect: number | null;
  readonly copy: number | null;
  readonly inplace: number;
  /** The whole command, with its verification as it comes. */
  readonly poltergeist: number;
  readonly poltergeistUnverified: number;
  readonly ghost: number | null;
  readonly ptosc: number | null;
}

/**
 * Rebuilds a table in every way, one after another on one idle server: one INSERT .. SELECT of all rows, the server's own
 * COPY and INPLACE, ours with and without verification, and the peers that are on PATH.
 * @param brief without the first two, which are slow where a table does not fit into memory.
 */
export async function compareRebuilds(
  connection: Connection,
  server: LabServer,
  job: Job,
  brief = false,
): Promise<Rebuilds> {
  const name = `${job.database}.${job.table}`;
  await settle(connection);
  const insertSelect = brief ? null : await insertAll(connection, job);
  const copy = brief ? null : await byServer(connection, job, 'COPY');
  const inplace = await byServer(connection, job, 'INPLACE');
  const poltergeist = await ours(connection, server, job, []);
  const poltergeistUnverified = await ours(connection, server, job, ['--verify', 'off']);
  const others = await peers(server, job, async () => {
    await runSql(connection, `DROP TABLE IF EXISTS ${job.database}._${job.table}_del`);
    await settle(connection);
  });
  const [count] = await runSql(connection, `SELECT COUNT(*) AS rows_ FROM ${name}`);
  const rows = Number(count?.rows_);
  return { rows, insertSelect, copy, inplace, poltergeist, poltergeistUnverified, ...others };
}

async function insertAll(connection: Connection, { database, table }: Job): Promise<number> {
  const seconds = await timed(async () => {
    await runSql(connection, `CREATE TABLE ${database}.plain LIKE ${database}.${table}`);
    await runSql(connection, `INSERT INTO ${database}.plain SELECT * FROM ${database}.${table}`);
  });
  await runSql(connection, `DROP TABLE ${database}.plain`);
  await settle(connection);
  return seconds;
}

async function byServer(
  connection: Connection,
  { database, table, alter }: Job,
  algorithm: 'COPY' | 'INPLACE',
): Promise<number> {
  const sql = `ALTER TABLE ${database}.${table} ${alter}, ALGORITHM=${algorithm}`;
  const seconds = await timed(() => runSql(connection, sql));
  await settle(connection);
  return seconds;
}

/** Our command's whole run; the old table is dropped afterwards, out of time. */
async function ours(
  connection: Connection,
  server: LabServer,
  job: Job,
  options: readonly string[],
): Promise<number> {
  const { seconds, log } = await migrate(server, { ...job, options: [...(job.options ?? []), ...options] });
  for (const line of log.split('\n')) {
    if (!/Row copy complete|verified: |indexes|writers were stopped/.test(line)) continue;
    process.stderr.write(`${line}\n`);
  }
  const old = await runSql(connection, `SHOW TABLES FROM ${job.database} LIKE '%\\_del'`);
  if (old.length !== 1) throw new Error('the tables were not swapped');
  await runSql(connection, `DROP TABLE ${job.database}.${Object.values(old[0]!)[0]}`);
  await settle(connection);
  return seconds;
}

/** Waits until the pages that the step before has changed are written: they must not be paid for by the next one. */
export async function settle(connection: Connection): Promise<void> {
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0');
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct = 0');
  for (let polls = 0; polls < settlePollsMax; polls += 1) {
    const [row] = await runSql(connection, "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
    if (Number(row?.Value) < dirtyPagesMax) break;
    await sleep(settlePollMs);
  }
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct = 90');
  await runSql(connection, 'SET GLOBAL innodb_max_dirty_pages_pct_lwm = 10');
}
