import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Lab } from '../lab/lab.ts';
import type { FaultProxy } from '../lab/proxy.ts';
import { Random } from '../lab/random.ts';
import { quoteName, runSql } from '../lab/sql.ts';
import type { FaultAction } from './faults.ts';

/** What faults happen to. */
export interface World {
  readonly lab: Lab;
  readonly proxy: FaultProxy;
  /** Account of the command: nobody else has it. */
  readonly account: string;
  readonly database: string;
  readonly table: string;
  readonly seed: number;
  /** Signals the command, if it runs. */
  signal(name: NodeJS.Signals): void;
  /** Ends the command; it is started again so long after its end. */
  restart(name: 'SIGKILL' | 'SIGTERM', pauseMs: number): void;
  /** Says a line to the command's socket. */
  command(line: string): Promise<void>;
}

const CONNECT_TRIES = 100;
const TRIGGER = 'soak_foreign';

/**
 * Lets faults happen. Each ends what it began: when `inject` has returned, nothing of the fault goes on except what
 * it has destroyed. Faults of the server happen one after another.
 */
export class Injector {
  readonly #world: World;
  readonly #random: Random;
  #server: Promise<unknown> = Promise.resolve();
  #xa = 0;

  constructor(world: World) {
    this.#world = world;
    this.#random = new Random(world.seed);
  }

  async inject(fault: FaultAction): Promise<void> {
    const { proxy } = this.#world;
    switch (fault.kind) {
      case 'sigkill':
      case 'sigterm':
        this.#world.restart(fault.kind === 'sigkill' ? 'SIGKILL' : 'SIGTERM', fault.pauseMs);
        return;
      case 'stop-process':
        this.#world.signal('SIGSTOP');
        await sleep(fault.ms);
        this.#world.signal('SIGCONT');
        return;
      case 'freeze':
        proxy.freeze(fault.way);
        await sleep(fault.ms);
        proxy.unfreeze(fault.way);
        return;
      case 'reset':
        proxy.reset(fault.bytes);
        return;
      case 'refuse':
        proxy.stop();
        await sleep(fault.ms);
        await proxy.accept();
        return;
      case 'latency':
        await this.#latency(fault.ms, fault.latencyMs);
        return;
      case 'throttle':
        await this.#world.command('throttle');
        await sleep(fault.ms);
        await this.#world.command('no-throttle');
        return;
      case 'panic':
        await this.#world.command('panic');
        return;
      case 'server-kill':
      case 'server-pause':
        await this.#onServer(fault);
        return;
      default:
        await this.#inSession(fault);
    }
  }

  /** Removes what faults have left on the server. */
  async cleanUp(): Promise<void> {
    await this.#withConnection(async (connection) => {
      for (const { data } of await runSql(connection, 'XA RECOVER')) {
        await runSql(connection, `XA COMMIT '${data}'`).catch(() => undefined);
      }
      await runSql(connection, `DROP TRIGGER IF EXISTS ${quoteName(this.#world.database)}.${TRIGGER}`);
    });
  }

  async #latency(ms: number, latencyMs: number): Promise<void> {
    const { proxy } = this.#world;
    proxy.setLatency(latencyMs);
    await sleep(ms);
    proxy.setLatency(0);
  }

  #onServer(fault: FaultAction & { kind: 'server-kill' | 'server-pause' }): Promise<void> {
    const { primary } = this.#world.lab;
    const done = this.#server.then(async () => {
      if (fault.kind === 'server-pause') {
        primary.pause();
        await sleep(fault.ms);
        primary.resume();
        return;
      }
      await primary.kill9();
      await sleep(fault.downMs);
      await primary.restart();
    });
    this.#server = done.catch(() => undefined);
    return done;
  }

  async #inSession(fault: FaultAction): Promise<void> {
    await this.#withConnection(async (connection) => {
      switch (fault.kind) {
        case 'kill-connections':
          for (let i = 0; i < fault.repeats; i++) {
            await this.#kill(connection, '1 = 1', fault.share);
            await sleep(40);
          }
          return;
        case 'kill-dump':
          return await this.#kill(connection, "command LIKE 'Binlog Dump%'", 1);
        case 'long-transaction':
          return await this.#hold(connection, fault.where, fault.ms);
        case 'prepared-xa':
          return await this.#prepareXa(connection, fault.ms);
        case 'rotate':
          await runSql(connection, 'FLUSH BINARY LOGS');
          if (fault.purge) await purge(connection);
          return;
        case 'foreign-ddl':
          return await this.#trigger(connection);
        case 'replica-lag':
          return await this.#lag(fault.ms);
      }
    });
  }

  async #kill(connection: Connection, which: string, share: number): Promise<void> {
    const sql = `SELECT id FROM information_schema.processlist WHERE user = ? AND ${which}`;
    for (const { id, ID } of await runSql(connection, sql, [this.#world.account])) {
      if (this.#random.next() > share) continue;
      await runSql(connection, `KILL ${id ?? ID}`).catch(() => undefined); // gone in between
    }
  }

  /** A transaction that has read the table, or changed another one, and does not end. */
  async #hold(connection: Connection, where: 'original' | 'elsewhere', ms: number): Promise<void> {
    const target = `${quoteName(this.#world.database)}.${quoteName(this.#world.table)}`;
    await runSql(connection, 'START TRANSACTION');
    if (where === 'original') await runSql(connection, `SELECT * FROM ${target} LIMIT 1`);
    else
      await runSql(
        connection,
        `INSERT INTO ${quoteName(this.#world.database)}.elsewhere VALUES (NULL, 'held')`,
      );
    await sleep(ms);
    await runSql(connection, 'COMMIT');
  }

  async #prepareXa(connection: Connection, ms: number): Promise<void> {
    const id = `soak${this.#world.seed}x${this.#xa++}`;
    await runSql(connection, `XA START '${id}'`);
    await runSql(connection, `INSERT INTO ${quoteName(this.#world.database)}.elsewhere VALUES (NULL, 'xa')`);
    await runSql(connection, `XA END '${id}'`);
    await runSql(connection, `XA PREPARE '${id}'`);
    await sleep(ms);
    await runSql(connection, `XA COMMIT '${id}'`);
  }

  /** What must stop a migration wherever it is: the swap would lose the trigger. */
  async #trigger(connection: Connection): Promise<void> {
    const { database, table } = this.#world;
    const name = `${quoteName(database)}.${TRIGGER}`;
    await runSql(connection, 'SET lock_wait_timeout = 20');
    await runSql(
      connection,
      `CREATE TRIGGER ${name} AFTER DELETE ON ${quoteName(database)}.${quoteName(table)} FOR EACH ROW SET @gone = 1`,
    );
  }

  async #lag(ms: number): Promise<void> {
    const [replica] = this.#world.lab.replicas;
    if (replica === undefined) return;
    const connection = await replica.connect();
    try {
      const word = replica.flavor === 'mysql' ? 'REPLICA' : 'SLAVE';
      await runSql(connection, `STOP ${word} SQL_THREAD`);
      await sleep(ms);
      await runSql(connection, `START ${word} SQL_THREAD`);
    } finally {
      connection.destroy();
    }
  }

  /** A fresh connection for each fault, as soon as the server takes one; the fault may cost it its life. */
  async #withConnection(work: (connection: Connection) => Promise<void>): Promise<void> {
    const connection = await this.#connect();
    connection.on('error', () => undefined);
    try {
      await work(connection);
    } finally {
      connection.destroy();
    }
  }

  async #connect(): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#world.lab.primary.connect({ connectTimeout: 3000 });
      } catch (error) {
        if (attempt >= CONNECT_TRIES) throw error;
        await sleep(100);
      }
    }
  }
}

/** Removes all binlogs but the last, as an impatient administrator does. */
async function purge(connection: Connection): Promise<void> {
  const logs = await runSql(connection, 'SHOW BINARY LOGS');
  const last = logs.at(-1)?.Log_name;
  await runSql(connection, `PURGE BINARY LOGS TO '${last}'`);
}
