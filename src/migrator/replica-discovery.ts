import type { Clock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import type { ConnectionOptions } from '../mysql/connection-options.ts';
import { dataProfile } from '../mysql/profile.ts';
import { splitAddress } from '../mysql/replica-lag.ts';
import { type RegisteredReplica, registeredReplicas } from '../mysql/replicas.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationLog } from './config.ts';

/** Replicas come and go; to look is a query. */
const lookEveryMs = 10_000;
const openTimeoutMs = 2000;

/** What a discovery works with. */
export interface DiscoveryParts {
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly log: MigrationLog;
  /** Gives a session of the primary. */
  readonly ask: <T>(work: (session: Session) => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/**
 * `--discover-replicas`: the replicas that have registered with the primary, found again every ten seconds.
 *
 * A replica is known by its server id, and the address is the one at which a server with that id answers. One that is registered
 * and cannot be reached is an error: at the start a refusal, later it throttles. One that is gone from the list still counts while it
 * can be reached (its replication has stopped, its readers have not), and is forgotten when it cannot. A registered reader at whose
 * address another server answers is a tool, no replica, and does not count.
 */
export class ReplicaDiscovery {
  readonly #parts: DiscoveryParts;
  readonly #known = new Map<number, string>();
  readonly #noReplicas = new Set<number>();
  #lookedAtMs: number | null = null;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  /** The replicas that were found, as `host:port`. */
  get addresses(): readonly string[] {
    return [...this.#known.values()];
  }

  /** Looks again where it is time to. @throws UsageError for a replica that cannot be reached; ServerError, SessionError. */
  async look(signal: AbortSignal): Promise<void> {
    const { clock, ask } = this.#parts;
    const nowMs = clock.nowMs();
    if (this.#lookedAtMs !== null && nowMs - this.#lookedAtMs < lookEveryMs) return;
    const registered = await ask((session) => registeredReplicas(session, { signal }), signal);
    for (const replica of registered) await this.#find(replica, signal);
    await this.#forget(new Set(registered.map(({ serverId }) => serverId)), signal);
    this.#lookedAtMs = nowMs;
  }

  async #find({ serverId, addresses }: RegisteredReplica, signal: AbortSignal): Promise<void> {
    if (this.#known.has(serverId) || this.#noReplicas.has(serverId)) return;
    const { log } = this.#parts;
    const failures: string[] = [];
    for (const address of addresses) {
      try {
        if ((await this.#serverIdAt(address, signal)) !== serverId) continue;
        this.#known.set(serverId, address);
        log.info({ replica: address, serverId }, `replica found: ${address}`);
        return;
      } catch (error) {
        failures.push(`${address}: ${messageOf(error)}`);
      }
    }
    const tried = failures.length > 0 ? failures.join('; ') : 'it does not say where it is';
    if (failures.length > 0 || addresses.length === 0)
      throw new UsageError(`the replica with server id ${serverId} cannot be reached: ${tried}`, {
        hint:
          'Set report_host and report_port on it, let our account connect to it, or name the replicas with ' +
          '--throttle-control-replicas instead of --discover-replicas.',
      });
    this.#noReplicas.add(serverId);
    log.warn(
      { serverId },
      `${addresses.join(', ')} reads the binlog as server ${serverId} and is another one: it does not count`,
    );
  }

  async #forget(registered: ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    for (const [serverId, address] of this.#known) {
      if (registered.has(serverId)) continue;
      const there = await this.#serverIdAt(address, signal).then(
        (id) => id === serverId,
        () => false,
      );
      signal.throwIfAborted();
      if (there) continue;
      this.#known.delete(serverId);
      this.#parts.log.warn(
        { replica: address },
        `replica ${address} is gone: its lag does not count any more`,
      );
    }
  }

  async #serverIdAt(address: string, signal: AbortSignal): Promise<number> {
    const { connection, clock } = this.#parts;
    const session = await Session.open(
      connection.with({ ...splitAddress(address, connection.port), connectTimeoutMs: openTimeoutMs }),
      {
        profile: { ...dataProfile, statementTimeoutMs: openTimeoutMs },
        clock,
        name: `replica ${address}`,
        signal,
      },
    );
    try {
      const [row] = await session.query('SELECT CAST(@@global.server_id AS CHAR) AS id', { signal });
      return Number(row?.id);
    } finally {
      await session.close();
    }
  }
}
