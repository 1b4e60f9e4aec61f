import mysql from 'mysql2';
import type { Clock } from '../base/clock.ts';
import { Failure, toError } from '../base/errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { Row } from './row.ts';
import { classify, type RawServerError, ServerError } from './server-error.ts';
import { SessionError } from './session-error.ts';

/** What the driver's connection is to us. */
export type DriverConnection = mysql.Connection;

/** What the server says of a statement that has no rows. */
export interface Outcome {
  /** Rows inserted, deleted, or matched by an UPDATE; REPLACE counts a displaced row and its successor. */
  readonly affectedRows: number;
  /** Rows that an UPDATE really changed. */
  readonly changedRows: number;
  /** A BIGINT, as text; `0` where nothing was generated. */
  readonly insertId: string;
  readonly warningCount: number;
  /** For example `Records: 3  Duplicates: 0  Warnings: 0`. */
  readonly info: string;
}

/** The answer to a statement: it never rejects, so that nobody has to be there to catch it. */
export type Answer =
  | { readonly rows: readonly Row[]; readonly outcome: Outcome | null }
  | { readonly error: Error };

/**
 * Connects, TLS included.
 * @param name the session's name, for messages.
 * @throws SessionError `connect-failed` or `aborted`; ServerError where the server refuses us (`privilege`,
 * `busy`); Failure where trying again is of no use, such as a certificate that does not hold.
 */
export async function connect(
  options: ConnectionOptions,
  name: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<DriverConnection> {
  if (signal?.aborted) throw connectAborted(options, name, signal);
  const connection = mysql.createConnection(driverOptions(options));
  // Without a listener an 'error' event would end the process; every loss is also seen elsewhere.
  connection.on('error', () => {});
  const timer = new AbortController();
  let onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(connectAborted(options, name, signal!));
      signal?.addEventListener('abort', onAbort, { once: true });
      const late = new Error(`no answer in ${options.connectTimeoutMs} ms`);
      clock
        .sleep(options.connectTimeoutMs, timer.signal)
        .then(() => reject(connectError(Object.assign(late, { code: 'ETIMEDOUT' }), options, name)))
        .catch(() => {});
      connection.connect((error) => (error ? reject(connectError(error, options, name)) : resolve()));
    });
    return connection;
  } catch (error) {
    cut(connection);
    throw error;
  } finally {
    timer.abort();
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** Sends a statement and waits for the answer; pends forever on a connection that `cut` has ended. */
export function ask(connection: DriverConnection, sql: string): Promise<Answer> {
  return new Promise((resolve) => {
    connection.query(sql, (error: Error | null, result: unknown) => {
      if (error) resolve({ error });
      else if (Array.isArray(result)) resolve({ rows: result as Row[], outcome: null });
      else resolve({ rows: [], outcome: outcomeOf(result as DriverResult) });
    });
  });
}

/** Ends a connection now, whatever it is doing; the socket is closed even if the peer is frozen. */
export function cut(connection: DriverConnection): void {
  connection.destroy();
  (connection as unknown as { stream?: { destroy(): void } }).stream?.destroy();
}

/** Says goodbye and resolves when the connection has ended; pends as long as the peer does not answer. */
export function quit(connection: DriverConnection): Promise<void> {
  return new Promise((resolve) => {
    connection.once('end', () => resolve());
    connection.end(() => resolve());
  });
}

interface DriverResult {
  readonly affectedRows: number;
  readonly changedRows?: number;
  readonly insertId: number | string;
  readonly warningStatus: number;
  readonly info: string;
}

function outcomeOf(result: DriverResult): Outcome {
  return {
    affectedRows: Number(result.affectedRows),
    changedRows: result.changedRows ?? 0,
    insertId: String(result.insertId),
    warningCount: result.warningStatus,
    info: result.info.trim(),
  };
}

function driverOptions(options: ConnectionOptions): mysql.ConnectionOptions {
  const { ssl } = options;
  return {
    ...(options.socketPath === undefined
      ? { host: options.host, port: options.port }
      : { socketPath: options.socketPath }),
    user: options.user,
    password: options.password,
    connectTimeout: options.connectTimeoutMs,
    charset: 'utf8mb4_bin',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    multipleStatements: false,
    enableKeepAlive: true,
    keepAliveInitialDelay: 30_000,
    // A server must not be able to ask for our files.
    flags: ['-LOCAL_FILES'],
    // Statements go out exactly as they are: a `?` in them is a question mark.
    queryFormat: ((sql: string) => sql) as (sql: string) => void,
    ...(ssl ? { ssl: { ...ssl, verifyIdentity: ssl.rejectUnauthorized } } : {}),
  };
}

function connectAborted(options: ConnectionOptions, name: string, signal: AbortSignal): SessionError {
  return new SessionError(`${name}: connecting to ${options} was given up`, {
    code: 'aborted',
    session: name,
    statement: null,
    mayHaveCommitted: false,
    cause: signal.reason,
  });
}

function connectError(thrown: unknown, options: ConnectionOptions, name: string): Error {
  const error = toError(thrown);
  if (isServerError(error)) return new ServerError(error, `${name}, connecting to ${options}`);
  const why = error.message || (error as { code?: string }).code;
  const message = `${name}: cannot connect to ${options}: ${why}`;
  if (classify(error) !== 'connection') {
    const { code = '' } = error as { code?: string };
    return new Failure(message, {
      cause: error,
      hint: ['EMFILE', 'ENFILE'].includes(code)
        ? 'This process may not open more files: raise its limit (ulimit -n). The original table is untouched.'
        : 'If this is about TLS: check --ssl, --ssl-ca, and that --host is the name in the certificate, not an address.',
    });
  }
  return new SessionError(message, {
    code: 'connect-failed',
    session: name,
    statement: null,
    mayHaveCommitted: false,
    cause: error,
    hint: 'Check host, port and that the server is up.',
  });
}

/** Whether the server itself sent this error: system errors have negative numbers, the driver's own none. */
export function isServerError(error: Error): error is RawServerError {
  return typeof (error as { errno?: unknown }).errno === 'number' && (error as RawServerError).errno > 0;
}
