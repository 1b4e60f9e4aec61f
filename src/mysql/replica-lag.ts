import type { Clock } from '../base/clock.ts';
import { Transient } from '../base/errors.ts';
import { readHeartbeatSql } from '../core/changelog-sql.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { dataProfile } from './profile.ts';
import { textOrNull } from './row.ts';
import { classify } from './server-error.ts';
import { Session } from './session.ts';

const openTimeoutMs = 3000;
/** More than rounding can make of a heartbeat of our own, ms. */
const clockErrorMs = 1000;

/**
 * The lag of replicas, read off the heartbeat row that arrives on each of them: finer than seconds, and true also where
 * the applier of a replica stands still.
 */
export class ReplicaLag {
  readonly #connection: ConnectionOptions;
  readonly #changelog: TableRef;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Session>();

  constructor(connection: ConnectionOptions, changelog: TableRef, clock: Clock) {
    this.#connection = connection;
    this.#changelog = changelog;
    this.#clock = clock;
  }

  /**
   * Age of the newest heartbeat that has arrived on a replica, ms.
   * @param replica `host:port`; the port is the primary's where it is left out.
   * @throws Transient when it cannot be read.
   */
  async read(replica: string, signal: AbortSignal): Promise<number> {
    const session = await this.#session(replica, signal);
    try {
      const [row] = await session.query(readHeartbeatSql(this.#changelog), { signal });
      if (!row) throw new Transient(`the changelog on ${replica} is empty`);
      const writtenAtMs = Number(textOrNull(row, 'written_at_ms'));
      if (writtenAtMs === 0) throw new Transient(`no heartbeat has arrived on ${replica} yet`);
      const lagMs = this.#clock.wallMs() - writtenAtMs;
      // An earlier run wrote it, on a machine whose clock was ahead of ours.
      if (lagMs < -clockErrorMs)
        throw new Transient(`no heartbeat of this run has arrived on ${replica} yet`);
      return Math.max(0, lagMs);
    } catch (error) {
      // The changelog itself has not arrived yet: that is lag, of unknown size.
      if (classify(error) === 'missing')
        throw new Transient(`the changelog has not arrived on ${replica} yet`);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  async #session(replica: string, signal: AbortSignal): Promise<Session> {
    const known = this.#sessions.get(replica);
    if (known?.usable) return known;
    const { host, port } = splitAddress(replica, this.#connection.port);
    const options = this.#connection.with({ host, port, connectTimeoutMs: openTimeoutMs });
    const session = await Session.open(options, {
      profile: { ...dataProfile, statementTimeoutMs: openTimeoutMs },
      clock: this.#clock,
      name: `replica ${replica}`,
      signal,
    });
    this.#sessions.set(replica, session);
    return session;
  }
}

/** `host:port`, `host`, or `[v6]:port`. */
export function splitAddress(address: string, defaultPort: number): { host: string; port: number } {
  const match = /^\[(?<v6>[^\]]+)\](?::(?<p6>\d+))?$|^(?<host>[^:]+)(?::(?<port>\d+))?$/.exec(address.trim());
  const { v6, p6, host, port } = match?.groups ?? {};
  return { host: v6 ?? host ?? address, port: Number(p6 ?? port ?? defaultPort) };
}
