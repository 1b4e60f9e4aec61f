import { deadline } from '../base/pulse.ts';
import type { Gate, Gates } from '../core/gate.ts';
import type { TableRef } from '../core/table-ref.ts';
import { SessionPool } from '../mysql/pool.ts';
import { dataProfile } from '../mysql/profile.ts';
import { ReplicaLag } from '../mysql/replica-lag.ts';
import { countWaitingThreads, readStatus } from '../mysql/status-variables.ts';
import { Throttler } from '../stages/throttler.ts';
import type { MigrationParts } from './config.ts';
import { HttpHead } from './http-head.ts';
import {
  CriticalLoadSignal,
  maxLoadSignal,
  type StatusReader,
  streamLagSignal,
  throttleHttpSignal,
  throttleQuerySignal,
} from './load-signals.ts';
import { type DiscoveryParts, ReplicaDiscovery } from './replica-discovery.ts';
import { flagFileSignal, type LagReader, ReplicaLagSignal } from './throttle-signals.ts';

/** A probe is a short question: one that takes longer counts as unreadable. */
const probeTimeoutMs = 4000;
/** What is looked at before anything is touched: some replicas may be slow to answer. */
const checkTimeoutMs = 30_000;

/**
 * All that may make a migration rest, as gates: the signals that its configuration and its live settings ask for, in the order of
 * their precedence (docs/throttling.md).
 *
 * States: made (nothing is read, the gates are shut) -> following (`follow` has named the changelog) -> running (`run`) -> closed.
 */
export class Throttling implements Gates {
  readonly #parts: MigrationParts;
  readonly #throttler: Throttler;
  readonly #lag: ReplicaLagSignal;
  #probes: SessionPool | null = null;
  readonly #http: HttpHead;
  readonly #discovery: ReplicaDiscovery | null;
  #replicas: ReplicaLag | null = null;
  #streamLagMs: () => number = () => 0;

  constructor(parts: MigrationParts) {
    const { config, settings, clock, log } = parts;
    this.#parts = parts;
    this.#http = new HttpHead(clock);
    const ask: DiscoveryParts['ask'] = (work, signal) => this.#pool().use(work, signal);
    const connection = config.inspected;
    this.#discovery = config.throttle.discoverReplicas
      ? new ReplicaDiscovery({ connection, clock, log, ask })
      : null;
    const reader: LagReader = {
      discovered: async (signal) => {
        await this.#discovery?.look(signal);
        return this.#discovery?.addresses ?? [];
      },
      read: async (replica, signal) => (await this.#replicas?.read(replica, signal)) ?? 0,
    };
    this.#lag = new ReplicaLagSignal(reader, settings);
    const read: StatusReader = (names, signal) => this.readStatus(names, signal);
    const signals = [
      new CriticalLoadSignal({ settings, read, clock, log }, config.throttle.criticalLoad),
      ...[config.throttleFlagFile, config.throttleAdditionalFlagFile]
        .filter((path) => path !== null)
        .map(flagFileSignal),
      maxLoadSignal(settings, read),
      throttleQuerySignal(settings, (query, signal) => this.#ask(query, signal)),
      throttleHttpSignal(
        settings,
        (url, timeoutMs, signal) => this.#http.status(url, timeoutMs, signal),
        config.throttle.http,
      ),
      streamLagSignal(settings, () => this.#streamLagMs()),
      this.#lag,
    ];
    this.#throttler = new Throttler(signals, clock);
  }

  get reason(): string | null {
    return this.#throttler.reason;
  }

  get bulk(): Gate {
    return this.#throttler.bulk;
  }

  /** The greatest lag of the control replicas at the last reading, ms. */
  get lagMs(): number {
    return this.#lag.lagMs;
  }

  /** The operator's own throttle. */
  command(rest: boolean): void {
    this.#throttler.command(rest);
  }

  pass(signal: AbortSignal): Promise<void> {
    return this.#throttler.pass(signal);
  }

  /** Global status variables of the server that is written to. @throws as mysql/status-variables.ts does. */
  readStatus(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    return this.#pool().use((session) => readStatus(session, names, { signal }), signal);
  }

  /** Threads of that server that count as running and only wait. */
  countWaitingThreads(signal: AbortSignal): Promise<number> {
    return this.#pool().use((session) => countWaitingThreads(session, { signal }), signal);
  }

  /**
   * Whether the server has what `--max-load` and `--critical-load` name, and its replicas can be reached.
   * @throws UsageError; as `readStatus` does.
   */
  async check(): Promise<void> {
    const { settings, clock } = this.#parts;
    const limit = deadline(checkTimeoutMs, 'reading the status variables and finding the replicas', clock);
    try {
      await this.readStatus([...settings.maxLoad.keys(), ...settings.criticalLoad.keys()], limit.signal);
      await this.#discovery?.look(limit.signal);
    } finally {
      limit.clear();
    }
  }

  /** From now on the heartbeat is written to this changelog, and comes back through the stream. */
  follow(changelog: TableRef, heartbeat: { readonly streamLagMs: number }): void {
    const { config, clock } = this.#parts;
    this.#replicas = new ReplicaLag(config.inspected, changelog, clock);
    this.#streamLagMs = () => heartbeat.streamLagMs;
  }

  /** Reads the signals until the signal aborts. @throws Abandoned at a critical load. */
  run(signal: AbortSignal): Promise<void> {
    return this.#throttler.run(signal);
  }

  async close(): Promise<void> {
    this.#http.close();
    await Promise.all([this.#replicas?.close(), this.#probes?.close()]);
  }

  /** The server that is written to is known only after the start. */
  #pool(): SessionPool {
    const { config, clock } = this.#parts;
    this.#probes ??= new SessionPool(config.connection, {
      ...{ name: 'throttle', size: 3, clock },
      profile: { ...dataProfile, statementTimeoutMs: probeTimeoutMs },
    });
    return this.#probes;
  }

  /** The first value that a query gives; no row and NULL are 0. */
  #ask(query: string, signal: AbortSignal): Promise<number> {
    return this.#pool().use(async (session) => {
      const [row] = await session.query(query, { signal });
      const value = row ? Object.values(row)[0] : null;
      const number = value === null ? 0 : Number(String(value));
      if (Number.isNaN(number)) throw new Error(`the answer is no number: "${String(value).slice(0, 40)}"`);
      return number;
    }, signal);
  }
}
