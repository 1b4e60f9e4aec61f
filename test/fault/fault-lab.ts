// What the tests of faults share: a small table with a ledger, and migrations of it in this process, where a test can hold
// every step of a cut-over.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { Moments } from '../../src/core/moments.ts';
import type { CutOverStep } from '../../src/core/swap-port.ts';
import type { MigrationParts } from '../../src/migrator/config.ts';
import { Migrator } from '../../src/migrator.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { migrationConfig } from '../../src/ops/migration-config.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { targetOf } from '../../src/ops/target.ts';
import type { Child } from '../lab/children.ts';
import { type LabServer, type LabSpec, runSql, type ServerAddress, startLab } from '../lab/lab.ts';
import { Ledger, type LedgerOptions, type LedgerTable } from '../lab/ledger.ts';

export const DB = 'fault';

/** The servers to test with; the last one shows no locks, which is how MariaDB comes. */
export const SERVERS: readonly { readonly name: string; readonly spec: LabSpec }[] = [
  { name: 'mysql', spec: { flavor: 'mysql' } },
  { name: 'mariadb', spec: { flavor: 'mariadb' } },
  {
    name: 'mariadb without performance_schema',
    spec: { flavor: 'mariadb', options: { performance_schema: false } },
  },
];

export const start = (spec: LabSpec): ReturnType<typeof startLab> => startLab({ fast: true, ...spec });

/** The server counts up the key; hot rows are counted up by all writers. */
export const items: LedgerTable = {
  database: DB,
  name: 'items',
  key: ['id'],
  columns: ['id', 'body', 'hits'],
  autoKey: true,
  makeRow: (serial) => ({ body: `body ${serial}`, hits: '0' }),
  mutate: (_, serial) => ({ body: `changed ${serial}` }),
  counter: 'hits',
};

/** The database with `items` in it, and nothing else. */
export async function prepare(connection: Connection, rows = 300, table = 'items'): Promise<void> {
  await runSql(connection, `DROP DATABASE IF EXISTS ${DB}`);
  await runSql(connection, `CREATE DATABASE ${DB} CHARACTER SET utf8mb4`);
  await runSql(
    connection,
    `CREATE TABLE ${DB}.\`${table}\` (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(60), hits INT NOT NULL)`,
  );
  const values = Array.from({ length: rows }, (_, i) => [`body ${i}`, 0]);
  await connection.query(`INSERT INTO ${DB}.\`${table}\` (body, hits) VALUES ?`, [values]);
}

export const openLedger = (server: ServerAddress, options: LedgerOptions = {}): Promise<Ledger> =>
  Ledger.open(server, items, { sampleRows: 200, hotRows: 4, ...options });

/** The command line of a migration that adds a column. */
export function migrationArguments(
  server: ServerAddress,
  column: string,
  extra: readonly string[],
): string[] {
  const { host, port, user, password } = server;
  const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
  const what = [
    '--database',
    DB,
    '--table',
    'items',
    '--alter',
    `ADD COLUMN ${column} INT NOT NULL DEFAULT 7`,
  ];
  return [...place, ...what, '--allow-on-master', '--execute', ...extra];
}

/** Called at every step of every attempt. */
export type AtStep = (step: CutOverStep, run: Run) => void | Promise<void>;

/** A migration in this process. */
export interface Run {
  readonly migrator: Migrator;
  /** `level message`, in order. */
  readonly lines: string[];
  /** How it ended: undefined is success. */
  readonly ended: Promise<Error | undefined>;
  stop(reason?: Error): void;
  /** Connection ids of the latest attempt. */
  threads(): { readonly lock: number; readonly rename: number };
}

export interface RunOptions {
  readonly column?: string;
  readonly extra?: readonly string[];
  readonly atStep?: AtStep;
  readonly clock?: Clock;
  readonly moments?: Moments;
  /** Told of every line of the log as it is written. */
  readonly onLine?: (message: string) => void;
  /** Deadlines of statements, ms: see migrator/config.ts. */
  readonly statementMs?: MigrationParts['statementMs'];
}

export function startRun(server: ServerAddress, options: RunOptions = {}): Run {
  const { column = 'extra', extra = [], atStep, clock = systemClock, moments, onLine, statementMs } = options;
  const parsed = parseOptions(migrationArguments(server, column, ['--ok-to-drop-table=false', ...extra]), {});
  const lines: string[] = [];
  const say =
    (level: string) =>
    (facts: object, message: string): void => {
      lines.push(`${level} ${message} ${JSON.stringify(facts)}`);
      onLine?.(message);
    };
  const log = { debug: say('debug'), info: say('info'), warn: say('warn') };
  const settings = liveSettings(parsed);
  const target = targetOf(parsed);
  const config = migrationConfig(parsed, {
    ...{ password: parsed.password, target, socketFile: '', wallMs: Date.now() },
  });
  const controller = new AbortController();
  const migrator = new Migrator({
    ...{ config, settings, clock, log, print: () => undefined },
    ...(statementMs ? { statementMs } : {}),
    atStep: (step) => atStep?.(step, run),
    ...(moments ? { moments } : {}),
  });
  const run: Run = {
    migrator,
    lines,
    ended: migrator.run(controller.signal).then(
      () => repairsOf(migrator),
      (error: Error) => error,
    ),
    stop: (reason = new Error('stopped by the test')) => controller.abort(reason),
    threads: () => {
      const line = lines.findLast((one) => one.includes('renames')) ?? '';
      const [, lock, rename] = /connection (\d+) locks, connection (\d+) renames/.exec(line) ?? [];
      return { lock: Number(lock), rename: Number(rename) };
    },
  };
  return run;
}

/** The verifier mends what went wrong before it: that it had to is the defect. */
function repairsOf(migrator: Migrator): Error | undefined {
  const { differencesFound } = migrator.snapshot();
  return differencesFound === 0
    ? undefined
    : new Error(`the verifier had to repair ${differencesFound} rows`);
}

/** Waits for a command that is to succeed, and by itself: not because the verifier repaired what had gone wrong. */
export async function endsWell(child: Child): Promise<void> {
  assert.equal((await child.exit).code, 0, child.stderr);
  assert.doesNotMatch(child.stderr, /no change explains it/);
}

/** Ends a connection of the server's, whatever it is at; it may have ended already. */
export async function kill(sql: Connection, id: number): Promise<void> {
  await runSql(sql, `KILL ${id}`).catch((error: { errno?: number }) => assert.equal(error.errno, 1094));
}

export async function tablesOf(sql: Connection): Promise<string[]> {
  const rows = await runSql(
    sql,
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${DB}'`,
  );
  return rows.map((row) => String(row.name)).sort();
}

export async function hasColumn(sql: Connection, column: string, table = 'items'): Promise<boolean> {
  const rows = await runSql(
    sql,
    `SELECT 1 FROM information_schema.columns WHERE table_schema = '${DB}' AND table_name = ? AND column_name = ?`,
    [table, column],
  );
  return rows.length > 0;
}

/** All of a table, to compare two of them. */
export async function contents(sql: Connection, table: string): Promise<string> {
  return JSON.stringify(await runSql(sql, `SELECT id, body, hits FROM ${DB}.\`${table}\` ORDER BY id`));
}

/** No acknowledged write is missing, and nothing is there that nobody wrote. */
export async function assertNothingLost(ledger: Ledger, context: string): Promise<void> {
  const result = await ledger.compare();
  const { lost, phantom, differing, surprises } = result;
  assert.deepEqual(
    { lost, phantom, differing, surprises },
    { lost: 0, phantom: 0, differing: 0, surprises: 0 },
    `${context}: ${JSON.stringify(result, undefined, 1)}`,
  );
}

/** Waits for something that has to come. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(10);
  }
}

/** Can be read and written at once, by a session that would not wait long. */
export async function assertUsable(server: LabServer, withinMs: number): Promise<void> {
  const connection = await server.connect();
  const startMs = performance.now();
  try {
    await runSql(connection, `SET SESSION lock_wait_timeout = ${Math.ceil(withinMs / 1000)}`);
    await runSql(connection, `SELECT COUNT(*) FROM ${DB}.items`);
    await runSql(connection, `UPDATE ${DB}.items SET body = body WHERE id = 1`);
  } finally {
    await connection.end();
  }
  const ms = performance.now() - startMs;
  assert.ok(ms < withinMs, `the table was out of reach for ${Math.round(ms)} ms`);
}
