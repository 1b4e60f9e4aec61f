import { steady } from '../base/clock.ts';
import type { ConnectionOptions } from '../mysql/connection-options.ts';
import { dataProfile } from '../mysql/profile.ts';
import { Session } from '../mysql/session.ts';
import { findTopology, type Topology } from '../mysql/topology.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';

const questionMs = 30_000;

/**
 * Parts whose configuration can learn which servers the run is about, and whose clock nobody sets: lag is told by times that this
 * run has written down itself. The caller's own stay as they are.
 */
export function ownParts(parts: MigrationParts): MigrationParts {
  return { ...parts, config: { ...parts.config }, clock: steady(parts.clock) };
}

/**
 * Finds the servers of a run and writes them into its configuration: before, both of its connections are the given
 * server's.
 * @param parts from `ownParts`.
 * @throws Refusal, Failure; nothing is touched.
 */
export async function locate({ config, clock, log }: MigrationParts): Promise<Topology> {
  const topology = await findTopology(config.connection, config.topology, clock);
  const servers: Pick<MigrationConfig, 'connection' | 'inspected'> = {
    connection: topology.applied.connection,
    inspected: topology.inspected.connection,
  };
  Object.assign(config, servers);
  if (streamsElsewhere(config)) {
    const way = topology.chain.map(({ connection }) => addressOf(connection)).join(' <- ');
    log.info({}, `changes are read from the replica ${addressOf(config.inspected)}: ${way}`);
  }
  return topology;
}

/** Whether the binlog is read from another server than the one that is written to. */
export function streamsElsewhere({ connection, inspected }: MigrationConfig): boolean {
  return connection !== inspected;
}

/** `host:port`. */
export function addressOf({ host, port }: ConnectionOptions): string {
  return `${host}:${port}`;
}

/** Gives `work` a session on the server whose binlog is read. */
export async function withInspected<T>(
  { config, clock }: MigrationParts,
  work: (session: Session) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const profile = { ...dataProfile, statementTimeoutMs: questionMs };
  const setup = { profile, clock, name: 'streamed server', ...(signal ? { signal } : {}) };
  const session = await Session.open(config.inspected, setup);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
