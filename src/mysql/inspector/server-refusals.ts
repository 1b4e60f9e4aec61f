import type { Refusal } from '../../base/errors.ts';
import { Refusals } from '../../base/refusals.ts';
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
  const refusals = new Refusals();
  refuseWritten(refusals, applied.facts, how.onReplica);
  refuseStreamed(refusals, inspected.facts, how.switchToRbr);
  if (applied.facts.uuid !== inspected.facts.uuid) {
    refuseFlavors(refusals, applied.facts, inspected.facts);
    // What is replicated as statements may do something else on a replica; in MIXED those that may go as rows.
    if (applied.facts.binlogFormat !== 'MIXED') refuseFormat(refusals, applied.facts);
    refuseStranger(refusals, inspected.facts, applied.facts);
    for (const { facts } of chain.slice(0, -1)) refuseHop(refusals, facts, schema);
  } else if (!how.onReplica && !options.allowOnMaster) refusals.add(isPrimary(applied.facts));
  refusals.throwIfAny();
}

function isPrimary(facts: ServerFacts): Refusal {
  return refusal(
    'allow-on-master',
    `${nameOf(facts)} is a primary: reading table and binlog there is load on the server that the writers use.`,
    'Point --host at a replica of it, or say --allow-on-master.',
  );
}

/** The server on which the table is locked and swapped, and whose COMMIT makes things visible (I2). */
function refuseWritten(refusals: Refusals, facts: ServerFacts, onReplica: boolean): void {
  const server = nameOf(facts);
  const refuse = (code: string, message: string, hint: string): void =>
    refusals.add(refusal(code, `${server} ${message}`, hint));
  if (!facts.logBin) refusals.add(binlogOff(server));
  if (!facts.commitsOrdered)
    refuse(
      'binlog-order',
      'has binlog_order_commits=OFF: what is in the binlog becomes visible in no known order.',
      'SET GLOBAL binlog_order_commits=ON.',
    );
  if (facts.galera)
    refuse(
      'galera',
      'is a node of a Galera cluster (wsrep_on=ON): a lock does not stop writers on other nodes.',
      'Use the rolling or total order schema upgrade of the cluster itself.',
    );
  if (facts.multiPrimary)
    refuse(
      'group-multi-primary',
      'is in a group with several primaries: a lock does not stop writers on the others.',
      'Switch the group to single-primary mode: SELECT group_replication_switch_to_single_primary_mode().',
    );
  // Replicas are read-only as a rule, and accounts that may write all the same are a matter of privileges.
  if (facts.readOnly && !onReplica)
    refuse(
      'read-only',
      'is read-only (read_only, super_read_only, innodb_read_only): it is not where writes go.',
      'Point --host at the primary or at a replica of it, or name the primary with --assume-master-host.',
    );
}

/** The server whose binlog is read. */
function refuseStreamed(refusals: Refusals, facts: ServerFacts, switchToRbr: boolean): void {
  if (!facts.logBin) refusals.add(binlogOff(nameOf(facts)));
  if (!switchToRbr) refuseFormat(refusals, facts);
  if ((facts.channels ?? []).length > 0 && !facts.logsReplicaUpdates) refusals.add(noUpdates(facts));
}

function binlogOff(server: string): Refusal {
  return refusal(
    'binlog-off',
    `${server} writes no binlog (log_bin=OFF): changes of the table could not be seen.`,
    'Start the server with --log-bin, or point --host at another one.',
  );
}

function refuseFormat(refusals: Refusals, facts: ServerFacts): void {
  if (facts.binlogFormat === 'ROW') return;
  refusals.add(
    refusal(
      'binlog-format',
      `${nameOf(facts)} has binlog_format=${facts.binlogFormat}, but the changes of rows are needed: ROW.`,
      'SET GLOBAL binlog_format=ROW, and let the applications reconnect: open sessions keep the old format. ' +
        'On the server that is streamed from --switch-to-rbr does it, where that server has no replicas.',
    ),
  );
}

function noUpdates(facts: ServerFacts): Refusal {
  return refusal(
    'replica-updates',
    `${nameOf(facts)} is a replica with log_replica_updates=OFF: what it replicates is not in its binlog.`,
    'Start it with log_replica_updates=ON (log_slave_updates on MariaDB), or point --host at another replica or the primary.',
  );
}

function refuseFlavors(refusals: Refusals, applied: ServerFacts, inspected: ServerFacts): void {
  if (applied.flavor === inspected.flavor) return;
  refusals.add(
    refusal(
      'other-flavor',
      `${nameOf(inspected)} is ${inspected.flavor}, and its primary ${nameOf(applied)} is ${applied.flavor}: ` +
        'their definitions and binlogs differ.',
      `Point --host at a ${applied.flavor} replica, or at the primary with --allow-on-master.`,
    ),
  );
}

/** With --assume-master-host nobody has followed the way from one to the other. */
function refuseStranger(refusals: Refusals, facts: ServerFacts, primary: ServerFacts): void {
  // Members of a group replicate without a channel of their own.
  if (facts.channels?.length !== 0 || facts.variables.get('group_replication_group_name')) return;
  refusals.add(
    refusal(
      'not-a-replica',
      `${nameOf(facts)} replicates from nobody, so not from ${nameOf(primary)}: changes would never arrive.`,
      'Point --host at a replica of the server that --assume-master-host names.',
    ),
  );
}

/** A server that changes pass on their way to the stream must bring all of them, in their order, and now. */
function refuseHop(refusals: Refusals, facts: ServerFacts, schema: string): void {
  const server = nameOf(facts);
  if (!facts.logsReplicaUpdates) refusals.add(noUpdates(facts));
  if (!facts.appliesInOrder)
    refusals.add(
      refusal(
        'replica-order',
        `${server} applies transactions beside each other and commits them in another order than the primary: a mark ` +
          'that has arrived would say nothing of the changes before it.',
        'Set replica_preserve_commit_order=ON or replica_parallel_workers=1 (MariaDB with several domains: ' +
          'slave_parallel_threads=0), or point --host at another replica.',
      ),
    );
  for (const channel of facts.channels ?? []) refuseChannel(refusals, server, channel, schema);
}

function refuseChannel(
  refusals: Refusals,
  server: string,
  channel: ReplicationChannel,
  schema: string,
): void {
  const { sourceHost, sourcePort, fetching, applying, delaySeconds, filters } = channel;
  const source = `${sourceHost}:${sourcePort}`;
  const refuse = (code: string, message: string, hint: string): void =>
    refusals.add(refusal(code, `${server} ${message}`, hint));
  if (!fetching || !applying)
    refuse(
      'replica-stopped',
      `does not replicate from ${source} now: its ${fetching ? 'SQL' : 'IO'} thread is stopped.`,
      'START REPLICA, or point --host at another replica.',
    );
  if (delaySeconds > 0)
    refuse(
      'replica-delayed',
      `stays ${delaySeconds} s behind ${source} on purpose: the cut-over would keep writers waiting that long.`,
      'Point --host at a replica without a delay.',
    );
  const harmful = filtersOn(filters, schema);
  if (harmful.length > 0)
    refuse(
      'replica-filters',
      `filters what it replicates: ${harmful.map(({ name, text }) => `${name}=${text}`).join(', ')}. ` +
        'Changes of the table, or our own tables, may not reach it.',
      'Point --host at a replica without such filters, or at the primary with --allow-on-master.',
    );
}

function nameOf({ hostname, port }: ServerFacts): string {
  return `The server ${hostname}:${port}`;
}
