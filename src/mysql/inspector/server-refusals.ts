import type { ReplicationChannel } from '../replication-status.ts';
import type { ServerFacts } from '../server.ts';
import type { Topology, TopologyOptions } from '../topology.ts';
import { type RefusalOptions, refusal } from './refusal.ts';
import { filtersOn } from './replication-filters.ts';

/** The servers of a migration, and what it wants of them. */
export interface ServerQuestion {
  readonly topology: Topology;
  readonly how: Pick<TopologyOptions, 'onReplica' | 'switchToRbr'>;
  /** Of the table. */
  readonly schema: string;
}

/**
 * Refuses servers on which a migration cannot be safe.
 * @throws Refusal `binlog-off`, `binlog-format`, `binlog-order`, `galera`, `group-multi-primary`, `read-only`,
 * `allow-on-master`, `other-flavor`, `not-a-replica`, `replica-updates`, `replica-order`, `replica-stopped`, `replica-delayed`,
 * `replica-filters`.
 */
export function refuseServer({ topology, how, schema }: ServerQuestion, options: RefusalOptions): void {
  const { applied, inspected, chain } = topology;
  refuseWritten(applied.facts, how.onReplica);
  refuseStreamed(inspected.facts, how.switchToRbr);
  if (applied.facts.uuid !== inspected.facts.uuid) {
    refuseFlavors(applied.facts, inspected.facts);
    // What is replicated as statements may do something else on a replica; in MIXED those that may go as rows.
    if (applied.facts.binlogFormat !== 'MIXED') refuseFormat(applied.facts);
    refuseStranger(inspected.facts, applied.facts);
    for (const { facts } of chain.slice(0, -1)) refuseHop(facts, schema);
  } else if (!how.onReplica && !options.allowOnMaster) {
    throw refusal(
      'allow-on-master',
      `${nameOf(applied.facts)} is a primary: reading table and binlog there is load on the server that the writers use.`,
      'Point --host at a replica of it, or say --allow-on-master.',
    );
  }
}

/** The server on which the table is locked and swapped, and whose COMMIT makes things visible (I2). */
function refuseWritten(facts: ServerFacts, onReplica: boolean): void {
  const server = nameOf(facts);
  if (!facts.logBin) throw binlogOff(server);
  if (!facts.commitsOrdered) {
    throw refusal(
      'binlog-order',
      `${server} has binlog_order_commits=OFF: what is in the binlog becomes visible in no known order.`,
      'SET GLOBAL binlog_order_commits=ON.',
    );
  }
  if (facts.galera) {
    throw refusal(
      'galera',
      `${server} is a node of a Galera cluster (wsrep_on=ON): a lock does not stop writers on other nodes.`,
      'Use the rolling or total order schema upgrade of the cluster itself.',
    );
  }
  if (facts.multiPrimary) {
    throw refusal(
      'group-multi-primary',
      `${server} is in a group with several primaries: a lock does not stop writers on the others.`,
      'Switch the group to single-primary mode: SELECT group_replication_switch_to_single_primary_mode().',
    );
  }
  // Replicas are read-only as a rule, and accounts that may write all the same are a matter of privileges.
  if (!facts.readOnly || onReplica) return;
  throw refusal(
    'read-only',
    `${server} is read-only (read_only, super_read_only, innodb_read_only): it is not where writes go.`,
    'Point --host at the primary or at a replica of it, or name the primary with --assume-master-host.',
  );
}

/** The server whose binlog is read. */
function refuseStreamed(facts: ServerFacts, switchToRbr: boolean): void {
  const server = nameOf(facts);
  if (!facts.logBin) throw binlogOff(server);
  if (!switchToRbr) refuseFormat(facts);
  if ((facts.channels ?? []).length > 0 && !facts.logsReplicaUpdates) throw noUpdates(facts);
}

function binlogOff(server: string): Error {
  return refusal(
    'binlog-off',
    `${server} writes no binlog (log_bin=OFF): changes of the table could not be seen.`,
    'Start the server with --log-bin, or point --host at another one.',
  );
}

function refuseFormat(facts: ServerFacts): void {
  if (facts.binlogFormat === 'ROW') return;
  throw refusal(
    'binlog-format',
    `${nameOf(facts)} has binlog_format=${facts.binlogFormat}, but the changes of rows are needed: ROW.`,
    'SET GLOBAL binlog_format=ROW, and let the applications reconnect: open sessions keep the old format. ' +
      'On the server that is streamed from --switch-to-rbr does it, where that server has no replicas.',
  );
}

function noUpdates(facts: ServerFacts): Error {
  return refusal(
    'replica-updates',
    `${nameOf(facts)} is a replica with log_replica_updates=OFF: what it replicates is not in its binlog.`,
    'Start it with log_replica_updates=ON (log_slave_updates on MariaDB), or point --host at another replica or the primary.',
  );
}

function refuseFlavors(applied: ServerFacts, inspected: ServerFacts): void {
  if (applied.flavor === inspected.flavor) return;
  throw refusal(
    'other-flavor',
    `${nameOf(inspected)} is ${inspected.flavor}, and its primary ${nameOf(applied)} is ${applied.flavor}: ` +
      'their definitions and binlogs differ.',
    `Point --host at a ${applied.flavor} replica, or at the primary with --allow-on-master.`,
  );
}

/** With --assume-master-host nobody has followed the way from one to the other. */
function refuseStranger(facts: ServerFacts, primary: ServerFacts): void {
  // Members of a group replicate without a channel of their own.
  if (facts.channels?.length !== 0 || facts.variables.get('group_replication_group_name')) return;
  throw refusal(
    'not-a-replica',
    `${nameOf(facts)} replicates from nobody, so not from ${nameOf(primary)}: changes would never arrive.`,
    'Point --host at a replica of the server that --assume-master-host names.',
  );
}

/** A server that changes pass on their way to the stream must bring all of them, in their order, and now. */
function refuseHop(facts: ServerFacts, schema: string): void {
  const server = nameOf(facts);
  if (!facts.logsReplicaUpdates) throw noUpdates(facts);
  if (!facts.appliesInOrder) {
    throw refusal(
      'replica-order',
      `${server} applies transactions beside each other and commits them in another order than the primary: a mark ` +
        'that has arrived would say nothing of the changes before it.',
      'Set replica_preserve_commit_order=ON or replica_parallel_workers=1 (MariaDB with several domains: ' +
        'slave_parallel_threads=0), or point --host at another replica.',
    );
  }
  for (const channel of facts.channels ?? []) refuseChannel(server, channel, schema);
}

function refuseChannel(server: string, channel: ReplicationChannel, schema: string): void {
  const { sourceHost, sourcePort, fetching, applying, delaySeconds, filters } = channel;
  const source = `${sourceHost}:${sourcePort}`;
  if (!fetching || !applying) {
    throw refusal(
      'replica-stopped',
      `${server} does not replicate from ${source} now: its ${fetching ? 'SQL' : 'IO'} thread is stopped.`,
      'START REPLICA, or point --host at another replica.',
    );
  }
  if (delaySeconds > 0) {
    throw refusal(
      'replica-delayed',
      `${server} stays ${delaySeconds} s behind ${source} on purpose: the cut-over would keep writers waiting that long.`,
      'Point --host at a replica without a delay.',
    );
  }
  const harmful = filtersOn(filters, schema);
  if (harmful.length === 0) return;
  throw refusal(
    'replica-filters',
    `${server} filters what it replicates: ${harmful.map(({ name, text }) => `${name}=${text}`).join(', ')}. ` +
      'Changes of the table, or our own tables, may not reach it.',
    'Point --host at a replica without such filters, or at the primary with --allow-on-master.',
  );
}

function nameOf({ hostname, port }: ServerFacts): string {
  return `The server ${hostname}:${port}`;
}
