import type { Clock } from '../base/clock.ts';
import { Failure, messageOf } from '../base/errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { refusal } from './inspector/refusal.ts';
import { dataProfile } from './profile.ts';
import type { ReplicationChannel } from './replication-status.ts';
import { probeServer, type ServerFacts } from './server.ts';
import { classify } from './server-error.ts';
import { Session } from './session.ts';

/** What the operator has said about who replicates from whom, and where to migrate. */
export interface TopologyOptions {
  /** Migrate on the given replica itself (`--migrate-on-replica`, `--test-on-replica`). */
  readonly onReplica: boolean;
  /** Swap the tables back afterwards (`--test-on-replica`). */
  readonly testOnly: boolean;
  /** Leave it to others to stop replication for the test (`--test-on-replica-skip-replica-stop`). */
  readonly skipReplicaStop: boolean;
  /** The primary by name, with an account of its own where one is given: nothing is looked for. */
  readonly assumed: {
    readonly host: string;
    readonly port: number;
    readonly user?: string;
    readonly password?: string;
  } | null;
  /** Servers that replicate from each other in a ring are allowed. */
  readonly allowMasterMaster: boolean;
  /** The format of the streamed server's binlog may be set to ROW. */
  readonly switchToRbr: boolean;
}

/** A server that a migration works with. */
export interface ServerPlace {
  readonly connection: ConnectionOptions;
  readonly facts: ServerFacts;
}

/** Where a migration reads and where it writes. */
export interface Topology {
  /** Whose binlog is read. */
  readonly inspected: ServerPlace;
  /** Where the tables are read, written and swapped. The same object where it is the same server. */
  readonly applied: ServerPlace;
  /**
   * From the inspected server to the applied one, as far as it is known: each but the last replicates from
   * the next.
   */
  readonly chain: readonly ServerPlace[];
}

/** More servers behind each other than anybody has. */
const hopsMax = 16;
const questionMs = 30_000;

/**
 * Finds the server to write to, from the one that was given. Reads only.
 * @throws Refusal `not-a-replica`, `several-sources`, `other-source`, `circular`, `several-writable`;
 *   Failure when a server cannot be reached.
 */
export async function findTopology(
  given: ConnectionOptions,
  options: TopologyOptions,
  clock: Clock,
): Promise<Topology> {
  const inspected = { connection: given, facts: await probe(given, clock) };
  const alone: Topology = { inspected, applied: inspected, chain: [inspected] };
  if (options.onReplica) {
    if (inspected.facts.channels?.length) return alone;
    throw refusal(
      'not-a-replica',
      `${named(inspected)} does not replicate from another server: to migrate or to test on a replica it must be one.`,
      'Point --host at a replica, or leave --migrate-on-replica and --test-on-replica out.',
    );
  }
  if (options.assumed !== null) {
    const applied = await reach(given.with(options.assumed), 'named by --assume-master-host', clock);
    if (applied.facts.uuid === inspected.facts.uuid) return alone;
    return { inspected, applied, chain: [inspected, applied] };
  }
  const chain = await climb(inspected, options, clock);
  return { inspected, applied: chain.at(-1)!, chain };
}

/** From replica to source until there is none. */
async function climb(
  inspected: ServerPlace,
  options: TopologyOptions,
  clock: Clock,
): Promise<readonly ServerPlace[]> {
  const chain = [inspected];
  while (chain.length <= hopsMax) {
    const here = chain.at(-1)!;
    const channel = soleChannel(here);
    if (channel === null) return chain;
    const { sourceHost: host, sourcePort: port } = channel;
    const source = await reach(here.connection.with({ host, port }), `the source of ${named(here)}`, clock);
    refuseOther(here, channel, source);
    const seen = chain.findIndex(({ facts }) => facts.uuid === source.facts.uuid);
    if (seen >= 0) return endInRing(chain, chain.slice(seen), options);
    chain.push(source);
  }
  throw new Failure(
    `more than ${hopsMax} servers replicate from each other: ${chain.map(named).join(', ')}`,
    {
      hint: 'Name the primary with --assume-master-host. Nothing was touched.',
    },
  );
}

function soleChannel(place: ServerPlace): ReplicationChannel | null {
  const channels = place.facts.channels ?? [];
  if (channels.length <= 1) return channels[0] ?? null;
  const sources = channels.map(({ name, sourceHost, sourcePort }) => `${name} ${sourceHost}:${sourcePort}`);
  throw refusal(
    'several-sources',
    `${named(place)} replicates from several servers (${sources.join(', ')}): which one has the table cannot be told.`,
    'Name the primary with --assume-master-host host:port.',
  );
}

/** Whoever answers under the source's address must be the server that the replica replicates from. */
function refuseOther(here: ServerPlace, channel: ReplicationChannel, source: ServerPlace): void {
  const { sourceUuid, sourceServerId } = channel;
  const { uuid, serverId } = source.facts;
  const isOther = sourceUuid === '' ? sourceServerId > 0 && sourceServerId !== serverId : sourceUuid !== uuid;
  if (!isOther) return;
  throw refusal(
    'other-source',
    `${named(here)} replicates from ${sourceUuid || `server_id ${sourceServerId}`}, but under the address of its ` +
      `source, ${channel.sourceHost}:${channel.sourcePort}, ${uuid} (server_id ${serverId}) answers from here.`,
    'Name the primary as it is reached from this host with --assume-master-host host:port.',
  );
}

/** In a ring the one that takes writes is the primary. */
function endInRing(
  chain: readonly ServerPlace[],
  ring: readonly ServerPlace[],
  { allowMasterMaster }: TopologyOptions,
): readonly ServerPlace[] {
  const list = ring.map(named).join(', ');
  if (!allowMasterMaster) {
    throw refusal(
      'circular',
      `These servers replicate from each other in a circle (a master-master setup): ${list}.`,
      'If only one of them is written to, say --allow-master-master.',
    );
  }
  const writable = ring.filter(({ facts }) => !facts.readOnly);
  if (writable.length === 1) return chain.slice(0, chain.indexOf(writable[0]!) + 1);
  throw refusal(
    'several-writable',
    `Of the servers that replicate from each other (${list}) ${writable.length} take writes, and a lock on one does not ` +
      'stop the writers of another.',
    'Set read_only on all but one; or, if you know that only one is written to, name it with --assume-master-host.',
  );
}

async function reach(connection: ConnectionOptions, what: string, clock: Clock): Promise<ServerPlace> {
  try {
    return { connection, facts: await probe(connection, clock) };
  } catch (error) {
    const kind = classify(error);
    if (kind !== 'connection' && kind !== 'privilege') throw error;
    const where = `${connection.host}:${connection.port}`;
    throw new Failure(`${where}, ${what}, cannot be reached: ${messageOf(error)}`, {
      hint:
        'Nothing was touched. If the primary has another address as seen from here, or another account: ' +
        '--assume-master-host host:port, with --master-user and --master-password.',
      cause: error,
    });
  }
}

async function probe(connection: ConnectionOptions, clock: Clock): Promise<ServerFacts> {
  const profile = { ...dataProfile, statementTimeoutMs: questionMs };
  const session = await Session.open(connection, { profile, clock, name: 'topology' });
  try {
    return await probeServer(session);
  } finally {
    await session.close();
  }
}

function named({ connection, facts }: ServerPlace): string {
  const own = `${facts.hostname}:${facts.port}`;
  const given = `${connection.host}:${connection.port}`;
  return own === given ? own : `${given} (${own})`;
}
