import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { Histogram, type StopTimes } from '../../lab/histogram.ts';
import { type LabServer, runSql } from '../../lab/lab.ts';
import { Random } from '../../lab/random.ts';
import { database, table } from './sysbench-table.ts';

/** A writer that is this late does not make up for it: it would only measure its own burst. */
const latenessMaxMs = 1000;

/** One transaction of a writer. */
export type Transaction = (connection: Connection, random: Random) => Promise<void>;

/** What the writers have done in a span of time. */
export interface Window {
  readonly perSecond: number;
  /** How long transactions took, ms: a stop of the table is a long one. */
  readonly times: StopTimes;
}

/** Writers with a connection each; all of them work between `start` and `stop`, as fast as they can or at a rate. */
export class Writers {
  readonly #server: LabServer;
  readonly #transaction: Transaction;
  #running: Promise<void>[] = [];
  #stopping = false;
  #intervalMs = 0;
  #times = new Histogram();
  #sinceMs = 0;

  constructor(server: LabServer, transaction: Transaction) {
    this.#server = server;
    this.#transaction = transaction;
  }

  /** @param perSecond transactions of all together; without it, as many as the server takes. */
  start(count: number, perSecond?: number): void {
    this.#stopping = false;
    this.#intervalMs = perSecond === undefined ? 0 : (1000 * count) / perSecond;
    this.#running = Array.from({ length: count }, (_, i) => this.#work(i + 1));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  /** What they do for so many seconds, from now on. */
  async measure(seconds: number): Promise<Window> {
    this.begin();
    await sleep(seconds * 1000);
    return this.end();
  }

  /** Counts from now on. */
  begin(): void {
    this.#times = new Histogram();
    this.#sinceMs = performance.now();
  }

  /** What was done since `begin`. */
  end(): Window {
    const seconds = (performance.now() - this.#sinceMs) / 1000;
    return { perSecond: Math.round(this.#times.count / seconds), times: this.#times.times() };
  }

  async #work(seed: number): Promise<void> {
    const random = new Random(seed);
    const connection = await this.#server.connect();
    let dueMs = performance.now() + random.next() * this.#intervalMs;
    while (!this.#stopping) {
      if (this.#intervalMs > 0) {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        dueMs = Math.max(dueMs + this.#intervalMs, performance.now() - latenessMaxMs);
      }
      const startMs = performance.now();
      if (await done(this.#transaction(connection, random))) this.#times.add(performance.now() - startMs);
      else await runSql(connection, 'ROLLBACK');
    }
    await connection.end();
  }
}

/** False after a deadlock or a lock wait that was too long: the transaction is given up, as an application would. */
async function done(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ER_LOCK_DEADLOCK' || code === 'ER_LOCK_WAIT_TIMEOUT') return false;
    throw error;
  }
}

/** A transaction of sysbench's oltp_write_only on random rows: an indexed update, another, a delete and its insert. */
export function writeOnly(rows: number): Transaction {
  return async (connection, random) => {
    const id = (): number => 1 + random.below(rows);
    const text = String(random.below(1_000_000_000)).padStart(11, '0').repeat(10);
    const again = id();
    await runSql(connection, 'BEGIN');
    await runSql(connection, `UPDATE ${database}.${table} SET k = k + 1 WHERE id = ${id()}`);
    await runSql(connection, `UPDATE ${database}.${table} SET c = '${text}' WHERE id = ${id()}`);
    await runSql(connection, `DELETE FROM ${database}.${table} WHERE id = ${again}`);
    await runSql(
      connection,
      `INSERT INTO ${database}.${table} (id, k, c, pad)
       VALUES (${again}, ${random.below(rows)}, '${text}', '${text.slice(0, 55)}')`,
    );
    await runSql(connection, 'COMMIT');
  };
}
