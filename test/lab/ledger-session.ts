import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import type { Outcome } from './ledger-model.ts';
import type { Statement } from './ledger-sql.ts';
import { connectTo, type ServerAddress } from './server.ts';
import { runSql, runSqlForValue } from './sql.ts';

/** What became of a transaction, with what the server said. */
export interface TransactionResult {
  readonly outcome: Outcome;
  /** Rows matched, a statement. */
  readonly affected: readonly number[];
  /** Ids that the server gave to inserted rows, a statement; 0 for none. */
  readonly insertIds: readonly string[];
  /** The server's or the network's name of the error, where it was not committed. */
  readonly code: string;
}

/** Errors of the server that come with the end of the session, or that leave a commit's outcome open. */
const SESSION_ENDS = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1180, 1317, 1927, 3169, 4031]);
const RECONNECT_PAUSE_MS = 30;
const LOCK_NAME_LENGTH = 30;

/**
 * A writer's connection, which comes back when it breaks. Before a new one is used, the old one's session is
 * known to have ended on the server: no transaction of unknown outcome can still happen after a later one.
 */
export class LedgerSession {
  readonly #server: ServerAddress;
  readonly #stopped: () => boolean;
  #connection: Connection | undefined;
  #lockName = '';

  /** @param stopped asked while there is no connection: whether to give up. */
  constructor(server: ServerAddress, stopped: () => boolean) {
    this.#server = server;
    this.#stopped = stopped;
  }

  /** The connection, made anew where it broke; undefined when it was stopped before there was one. */
  async connection(): Promise<Connection | undefined> {
    while (this.#connection === undefined) {
      let opened: Connection | undefined;
      try {
        opened = await openTextConnection(this.#server);
        await this.#replacePrevious(opened);
        this.#connection = opened;
      } catch {
        opened?.destroy();
        if (this.#stopped()) return undefined;
        await sleep(RECONNECT_PAUSE_MS);
      }
    }
    return this.#connection;
  }

  /** Runs statements as one transaction; a single one by itself. */
  async transaction(statements: readonly Statement[], rollBack = false): Promise<TransactionResult> {
    const connection = await this.connection();
    const affected: number[] = [];
    const insertIds: string[] = [];
    const result = (outcome: Outcome, code = ''): TransactionResult => ({
      outcome,
      affected,
      insertIds,
      code,
    });
    if (connection === undefined) return result('rolled-back', 'STOPPED');
    const single = statements.length === 1 && !rollBack;
    let deciding = single;
    try {
      if (!single) await connection.query('START TRANSACTION');
      for (const { sql, values } of statements) {
        const [header] = await connection.query<ResultSetHeader>(sql, [...values]);
        affected.push(header.affectedRows);
        insertIds.push(String(header.insertId));
      }
      if (rollBack) {
        await connection.query('ROLLBACK');
        return result('rolled-back', 'ASKED');
      }
      deciding = true;
      if (!single) await connection.query('COMMIT');
      return result('committed');
    } catch (error) {
      const { errno, code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
      // The driver's own errors have no number of the server's, or a negative one of the system's.
      const alive = errno !== undefined && errno > 0 && !SESSION_ENDS.has(errno);
      if (alive && (single || (await this.#rolledBack(connection)))) return result('rolled-back', code);
      this.#drop(connection);
      return result(deciding && !alive ? 'unknown' : 'rolled-back', code);
    }
  }

  /** Ends the connection. */
  async end(): Promise<void> {
    await this.#connection?.end().catch(() => {});
    this.#connection = undefined;
  }

  /** For errors met outside of `transaction`. */
  drop(): void {
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  async #rolledBack(connection: Connection): Promise<boolean> {
    try {
      await connection.query('ROLLBACK');
      return true;
    } catch {
      return false; // the session ended with the transaction open: that rolls it back as well
    }
  }

  #drop(connection: Connection): void {
    connection.destroy();
    this.#connection = undefined;
  }

  /** A session holds a named lock, by which its successor can tell whether it is gone. */
  async #replacePrevious(connection: Connection): Promise<void> {
    while (this.#lockName !== '') {
      const holder = await runSqlForValue(connection, 'SELECT IS_USED_LOCK(?)', [this.#lockName]);
      if (holder === null) break;
      await runSql(connection, `KILL ${holder}`).catch(() => {}); // gone in between
      await sleep(10);
    }
    const name = `ledger-${randomUUID()}`.slice(0, LOCK_NAME_LENGTH);
    await runSql(connection, 'SELECT GET_LOCK(?, 0)', [name]);
    this.#lockName = name;
  }
}

/** A connection that gives and takes all values as text, in UTC. */
export async function openTextConnection(server: ServerAddress): Promise<Connection> {
  const connection = await connectTo(server, { charset: 'utf8mb4', connectTimeout: 5000 });
  connection.on('error', () => {}); // the statement that meets it tells
  await connection.query("SET time_zone = '+00:00'");
  return connection;
}
