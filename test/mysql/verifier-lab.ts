import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { ConnectionOptions } from '../../src/mysql/connection-options.ts';
import { SessionPool } from '../../src/mysql/pool.ts';
import { dataProfile } from '../../src/mysql/profile.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { connectLax } from './migrate-run.ts';

/** A server with an empty schema `verify`, a connection that minds no warning, and sessions as the verifier has them. */
export class VerifierLab {
  readonly connection: Connection;
  readonly sessions: SessionPool;
  readonly #lab: Lab;

  private constructor(lab: Lab, connection: Connection) {
    this.#lab = lab;
    this.connection = connection;
    const { host, port, user, password } = lab.primary;
    const options = new ConnectionOptions({ host, port, user, password, connectTimeoutMs: 10_000 });
    const pool = { name: 'verifier', size: 1, profile: dataProfile, clock: systemClock };
    this.sessions = new SessionPool(options, pool);
  }

  static async start(flavor: Flavor): Promise<VerifierLab> {
    const lab = await startLab({ flavor, fast: true });
    const connection = await connectLax(lab.primary);
    await runSql(connection, 'CREATE DATABASE verify CHARACTER SET utf8mb4');
    await runSql(connection, 'USE verify');
    return new VerifierLab(lab, connection);
  }

  async stop(): Promise<void> {
    await this.sessions.close();
    await this.connection.end();
    await this.#lab.stop();
  }
}
