// Writers for tables with keys of any type: all keys come from a pool of SQL literals, which may collide as the server
// sees fit. What they did is not recorded: old and new table are compared after they have come to rest.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type LabServer, quoteName, runSql } from '../lab/lab.ts';
import { Random } from '../lab/random.ts';
import { connectLax } from './migrate-run.ts';

/** A table that the writers know: key columns, `u` with unique values, `v` that counts, `note`. */
export interface WrittenTable {
  readonly schema: string;
  readonly name: string;
  readonly key: readonly string[];
  /** Keys, each with one literal a column. */
  readonly pool: readonly (readonly string[])[];
  /** False: there is no column `u`. */
  readonly swaps?: boolean;
}

export interface WriterOptions {
  readonly writers?: number;
  readonly seed?: number;
  readonly pauseMs?: number;
}

/** What is told by these codes is a part of the game. */
const expected = new Set(['ER_DUP_ENTRY', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD']);
const actions = ['insert', 'insert', 'update', 'update', 'delete', 'move', 'swap', 'take', 'many'] as const;
type Action = (typeof actions)[number];

let serial = 1_000_000;

/** Writers at work, until they are stopped. */
export class Writers {
  /** Row changes by action, and what failed by code. */
  readonly done: Record<string, number> = {};
  readonly #table: WrittenTable;
  readonly #work: Promise<void>[];
  /** Mean pause of a writer; may be changed while they are at work. */
  pauseMs: number;
  #stopped = false;

  constructor(server: LabServer, table: WrittenTable, options: WriterOptions = {}) {
    const { writers = 3, seed = 1, pauseMs = 2 } = options;
    this.#table = table;
    this.pauseMs = pauseMs;
    this.#work = Array.from({ length: writers }, (_, i) => this.#write(server, new Random(seed * 100 + i)));
    for (const work of this.#work) work.catch(() => undefined);
  }

  /** Statements that changed rows. */
  get total(): number {
    return actions.reduce((sum, action) => sum + (this.done[action] ?? 0), 0);
  }

  /** Lets everybody finish. Throws what a writer failed with. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#work);
  }

  async #write(server: LabServer, random: Random): Promise<void> {
    const connection = await connectLax(server);
    try {
      while (!this.#stopped) {
        const action = random.pick(actions);
        await this.#act(connection, action, random);
        if (this.pauseMs > 0) await sleep(this.pauseMs * 2 * random.next());
      }
    } finally {
      connection.destroy();
    }
  }

  async #act(connection: Connection, action: Action, random: Random): Promise<void> {
    const statements = this.#statements(action, random);
    try {
      if (statements.length > 1) await runSql(connection, 'START TRANSACTION');
      for (const sql of statements) await runSql(connection, sql);
      if (statements.length > 1) await runSql(connection, 'COMMIT');
      this.done[action] = (this.done[action] ?? 0) + 1;
    } catch (error) {
      const code = String((error as { code?: string }).code);
      if (!expected.has(code)) throw error;
      await runSql(connection, 'ROLLBACK');
      this.done[code] = (this.done[code] ?? 0) + 1;
    }
  }

  #statements(action: Action, random: Random): string[] {
    const { pool, key, swaps = true } = this.#table;
    const table = `${quoteName(this.#table.schema)}.${quoteName(this.#table.name)}`;
    const [a, b] = [random.pick(pool), random.pick(pool)];
    const is = (k: readonly string[]): string =>
      key.map((name, i) => `${quoteName(name)} = ${k[i]}`).join(' AND ');
    const names = [...key, ...(swaps ? ['u'] : []), 'v', 'note'].map(quoteName).join(', ');
    const row = (k: readonly string[], u: string): string =>
      `(${[...k, ...(swaps ? [u] : []), '0', `'n${serial}'`].join(', ')})`;
    const next = String(++serial);
    const insert = `INSERT INTO ${table} (${names}) VALUES`;
    switch (action) {
      case 'insert':
        return [`${insert} ${row(a, next)}`];
      case 'update':
        return [`UPDATE ${table} SET v = v + 1, note = 'u${next}' WHERE ${is(a)}`];
      case 'delete':
        return [`DELETE FROM ${table} WHERE ${is(a)}`];
      case 'move':
        return [
          `UPDATE ${table} SET ${key.map((name, i) => `${quoteName(name)} = ${b[i]}`).join(', ')} WHERE ${is(a)}`,
        ];
      case 'many':
        return [`UPDATE ${table} SET v = v + 1 WHERE ${[a, b, random.pick(pool)].map(is).join(' OR ')}`];
      case 'swap':
        if (!swaps) return [`UPDATE ${table} SET v = v + 2 WHERE ${is(a)}`];
        return [
          `SET @a = (SELECT u FROM ${table} WHERE ${is(a)} FOR UPDATE)`,
          `SET @b = (SELECT u FROM ${table} WHERE ${is(b)} FOR UPDATE)`,
          `UPDATE ${table} SET u = -${next} WHERE ${is(a)} AND @b IS NOT NULL`,
          `UPDATE ${table} SET u = @a WHERE ${is(b)} AND @a IS NOT NULL`,
          `UPDATE ${table} SET u = @b WHERE ${is(a)} AND u < 0 AND @b IS NOT NULL`,
        ];
      case 'take':
        if (!swaps) return [`DELETE FROM ${table} WHERE ${is(a)}`, `${insert} ${row(b, next)}`];
        return [
          `SET @u = (SELECT u FROM ${table} WHERE ${is(a)} FOR UPDATE)`,
          `DELETE FROM ${table} WHERE ${is(a)}`,
          `${insert} ${row(b, `IFNULL(@u, ${next})`)}`,
        ];
    }
  }
}
