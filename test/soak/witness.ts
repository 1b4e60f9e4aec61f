import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type LabServer, quoteName, type Row, runSql, runSqlForValue } from '../lab/lab.ts';
import { ACCOUNT } from './command.ts';
import { DATABASE, type SoakPlan } from './plan.ts';

const ASK_TRIES = 100;
const ASK_PAUSE_MS = 200;
const LOST = new Set(['ECONNREFUSED', 'ECONNRESET', 'PROTOCOL_CONNECTION_LOST', 'ETIMEDOUT', 'EPIPE']);

/** Prepares the table of a migration, and tells afterwards what is there. */
export class Witness {
  readonly #server: LabServer;
  readonly #plan: SoakPlan;

  constructor(server: LabServer, plan: SoakPlan) {
    this.#server = server;
    this.#plan = plan;
  }

  /** Makes account, database and table anew. */
  async prepare(): Promise<void> {
    await this.#ask(async (connection) => {
      const { user, password } = ACCOUNT;
      await runSql(connection, `CREATE USER IF NOT EXISTS ${user}@'%' IDENTIFIED BY '${password}'`);
      await runSql(connection, `GRANT ALL ON *.* TO ${user}@'%'`);
      await runSql(connection, `DROP DATABASE IF EXISTS ${DATABASE}`);
      await runSql(connection, `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`);
      await runSql(
        connection,
        `CREATE TABLE ${DATABASE}.elsewhere (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(9))`,
      );
      await this.#plan.subject.create(connection);
    });
  }

  /** Whether the table bears the mark of the change. */
  async isChanged(): Promise<boolean> {
    const { subject, seed } = this.#plan;
    const comment = await this.#ask((connection) =>
      runSqlForValue(
        connection,
        'SELECT table_comment FROM information_schema.tables WHERE table_schema = ? AND table_name = ?',
        [DATABASE, subject.table],
      ),
    );
    return comment === `soak ${seed}`;
  }

  /** Names of tables that the command has left, the old table aside. */
  async leftovers(): Promise<string[]> {
    const rows = await this.#ask<Row[]>((connection) =>
      runSql(
        connection,
        `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?
           AND (table_name LIKE '\\_%\\_gho' OR table_name LIKE '\\_%\\_ghc' OR table_name LIKE '\\_%\\_ghk')`,
        [DATABASE],
      ),
    );
    return rows.map(({ name }) => String(name));
  }

  /** What a completed change should not have left undone, in words. */
  async check(): Promise<string[]> {
    const { subject } = this.#plan;
    const table = `${quoteName(DATABASE)}.${quoteName(subject.table)}`;
    const complaints: string[] = [];
    await this.#ask(async (connection) => {
      for (const sql of subject.checks) {
        const count = Number(await runSqlForValue(connection, sql.replace('{t}', table)));
        if (count > 0) complaints.push(`${count} rows of: ${sql}`);
      }
    });
    for (const name of await this.leftovers()) complaints.push(`${name} is left behind`);
    return complaints;
  }

  /** Asks again where a fault has come in between: all questions are harmless. */
  async #ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let connection: Connection | undefined;
      try {
        connection = await this.#server.connect({ charset: 'utf8mb4', connectTimeout: 3000 });
        connection.on('error', () => undefined); // the statement that meets it tells
        return await work(connection);
      } catch (error) {
        if (attempt >= ASK_TRIES || !LOST.has(String((error as { code?: string }).code))) throw error;
        await sleep(ASK_PAUSE_MS);
      } finally {
        connection?.destroy();
      }
    }
  }
}
