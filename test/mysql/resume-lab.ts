// What the tests of resuming share: a table under load, runs of the real command that are cut down, and what
// they leave.
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { osuScores } from '../../fixtures/osu-scores/fixture.ts';
import { type CheckpointState, stateFromText } from '../../src/core/checkpoint.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type LabServer, runSql, type ServerAddress } from '../lab/lab.ts';
import { Ledger } from '../lab/ledger.ts';

export const DB = 'resume_lab';
export const TABLE = osuScores.table;

/** Any file that exists puts the cut-over off. */
const ANY_FILE = new URL(import.meta.url).pathname;

/** The database anew, with the scores in it, and a ledger that is open on them. */
export async function prepare(server: LabServer, sql: Connection, rows: number, seed = 1): Promise<Ledger> {
  await runSql(sql, `DROP DATABASE IF EXISTS ${DB}`);
  await osuScores.create(sql, DB, rows, seed);
  return await Ledger.open(server, osuScores.ledgerTable(DB, rows), { seed, sampleRows: 3000 });
}

/** @see commandLine */
export interface CommandOptions {
  readonly resume?: boolean;
  readonly postpone?: boolean;
  readonly more?: readonly string[];
  readonly alter?: string;
  readonly table?: string;
}

/** The command line of a migration of the scores, with small chunks and a checkpoint every second. */
export function commandLine(server: ServerAddress, options: CommandOptions = {}): string[] {
  const { host, port, user, password } = server;
  const { resume = false, postpone = false, more = [], alter = osuScores.alter, table = TABLE } = options;
  const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
  const what = ['--database', DB, '--table', table, '--alter', alter, '--allow-on-master'];
  const how = ['--chunk-size', '100', '--checkpoint-seconds', '1', '--verbose', '--execute'];
  // As an operator would: the same command, whatever it said about what was there at the start.
  const drops = ['--initially-drop-ghost-table', '--initially-drop-old-table'];
  const socket = ['--serve-socket-file', join(tmpdir(), `pg-${process.pid}-${table}.sock`)];
  const later = postpone ? ['--postpone-cut-over-flag-file', ANY_FILE] : [];
  return [
    ...[...place, ...what, ...how, ...drops, ...socket, '--initially-drop-socket-file'],
    ...[...later, ...(resume ? ['--resume'] : []), ...more],
  ];
}

/** Starts the command in a process of its own. */
export function startCommand(server: ServerAddress, options: CommandOptions = {}): Child {
  return startCli(commandLine(server, options));
}

/** A checkpoint as it stands in the table. */
export interface FoundCheckpoint extends CheckpointState {
  readonly writtenAtMs: number;
}

export async function checkpointOf(sql: Connection, table = TABLE): Promise<FoundCheckpoint> {
  const [row] = await runSql(sql, `SELECT written_at_ms, state FROM ${DB}._${table}_ghk`);
  assert.ok(row, 'there is no checkpoint');
  return { ...stateFromText(String(row.state)), writtenAtMs: Number(row.written_at_ms) };
}

/** All tables of the database, sorted. */
export async function tablesOf(sql: Connection): Promise<string[]> {
  const rows = await runSql(
    sql,
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${DB}'`,
  );
  return rows.map((row) => String(row.name)).sort();
}

/**
 * Waits for the end of a run that is to succeed.
 * @param repairs whether the verifier has to repair what the test damaged.
 */
export async function succeed(child: Child, repairs = false): Promise<void> {
  const { code, signal } = await child.exit;
  assert.equal(code, 0, `the run ended with ${signal ?? code}:\n${child.stderr.slice(-4000)}`);
  // It mends what went wrong before it: that it had to is the defect.
  assert.equal(child.stderr.includes('no change explains it'), repairs, child.stderr.slice(-4000));
}

/** Cuts a run down. */
export async function killNow(child: Child): Promise<void> {
  child.kill('SIGKILL');
  await child.exit;
}

/** Every acknowledged write is in the table, and nothing else. */
export async function assertNothingLost(ledger: Ledger): Promise<void> {
  const { lost, phantom, differing, surprises, examples, writes } = await ledger.compare();
  assert.deepEqual(
    { lost, phantom, differing, surprises },
    { lost: 0, phantom: 0, differing: 0, surprises: 0 },
    JSON.stringify(examples),
  );
  assert.ok(writes > 0, 'nothing was written');
}
