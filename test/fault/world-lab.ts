// What the tests of a changing world share: a migration that waits before its cut-over, and how it ended.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { PoltergeistError } from '../../src/base/errors.ts';
import { type LabServer, runSql, type ServerAddress } from '../lab/lab.ts';
import { contents, DB, type Run, type RunOptions, SERVERS, startRun, tablesOf, until } from './fault-lab.ts';

/** Both flavors as they come. */
export const WORLDS = SERVERS.filter(({ name }) => !name.includes('without'));

/** Any file that exists puts the cut-over off. */
export const POSTPONED = ['--postpone-cut-over-flag-file', fileURLToPath(import.meta.url)];

/** A migration in which everything is copied and the cut-over is put off. */
export async function startWaiting(server: ServerAddress, options: RunOptions = {}): Promise<Run> {
  const run = startRun(server, { ...options, extra: [...POSTPONED, ...(options.extra ?? [])] });
  await reachWaiting(run);
  return run;
}

/** Waits until everything is copied. @throws what the run failed with. */
export async function reachWaiting(run: Run): Promise<void> {
  let over = false;
  const ended = run.ended.then((error) => {
    over = true;
    if (error) throw error;
  });
  ended.catch(() => undefined);
  const isWaiting = (): boolean => {
    const { phase, postponing } = run.migrator.snapshot();
    return over || (phase === 'waiting' && postponing);
  };
  await until(isWaiting, `a wait for the cut-over:\n${run.lines.join('\n')}`, 30_000);
  if (over) await ended;
}

/** Lets it cut over. @throws what it failed with. */
export async function finish(run: Run): Promise<void> {
  run.migrator.unpostpone();
  const error = await ended(run);
  if (error) throw new Error(`${error.message}\n${run.lines.join('\n')}`, { cause: error });
}

/** How a run ends, which has to come. */
export async function ended(run: Run, timeoutMs = 60_000): Promise<Error | undefined> {
  const late = new AbortController();
  const limit = sleep(timeoutMs, 'late' as const, { signal: late.signal }).catch(() => 'late' as const);
  const end = await Promise.race([run.ended, limit]);
  late.abort();
  if (end !== 'late') return end;
  run.stop();
  throw new Error(`no end within ${timeoutMs} ms:\n${run.lines.join('\n')}`);
}

/** What a run said when it ended. */
export interface Said {
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly exitCode?: number;
}

/** Asserts that a run ends with an error that an operator can act on. */
export async function assertFails(run: Run, said: Said, context: string): Promise<PoltergeistError> {
  const error = await ended(run);
  const log = `${context}: ${error}\n${run.lines.join('\n')}`;
  assert.ok(error instanceof PoltergeistError, log);
  assert.equal(error.exitCode, said.exitCode ?? 1, log);
  assert.match(error.message, said.message, log);
  assert.match(error.hint ?? '(no hint)', said.hint, log);
  return error;
}

/** The new table holds what the old one held at the end: for tests whose writers have stopped before the swap. */
export async function assertSameAsOld(sql: Connection): Promise<void> {
  assert.equal(await contents(sql, 'items'), await contents(sql, '_items_del'));
}

/** Only these tables of the database are there. */
export async function assertTables(
  sql: Connection,
  expected: readonly string[],
  context = '',
): Promise<void> {
  assert.deepEqual(await tablesOf(sql), [...expected].sort(), context);
}

/** Runs statements in a session of their own. */
export async function inSession(server: LabServer, ...statements: readonly string[]): Promise<void> {
  const connection = await server.connect();
  try {
    for (const statement of statements) await runSql(connection, statement);
  } finally {
    await connection.end();
  }
}

/** One row changed, one deleted and one added: by key, which all formats of events can tell. */
export function writesTo(id: number, body = 'written'): string[] {
  return [
    `UPDATE ${DB}.items SET body = '${body}', hits = hits + 1 WHERE id = ${id}`,
    `DELETE FROM ${DB}.items WHERE id = ${id + 1}`,
    `INSERT INTO ${DB}.items (body, hits) VALUES ('${body} ${id}', 1)`,
  ];
}
