import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { ServerBinary } from './binary.ts';
import type { Flavor } from './flavor.ts';
import type { ServerOptions, ServerSetup } from './options.ts';
import type { LabServer } from './server.ts';
import { runSql, runSqlForValue } from './sql.ts';

/** How a replica follows its primary. */
export interface ReplicaSpec extends ServerSetup {
  /** Applier threads; 0 or 1 is one. Default: the server's. */
  readonly workers?: number;
  /** The replica stays at least this far behind, in seconds. Default 0. */
  readonly delaySeconds?: number;
  /** Commits of the primary wait until this replica has received them (AFTER_SYNC). Default false. */
  readonly semiSync?: boolean;
  /** Whether it follows global transaction ids; false is a file and a position. Default: as the primary has it. */
  readonly autoPosition?: boolean;
}

/** How long commits wait for a semi-synchronous replica, in milliseconds: longer than any test. */
const SEMI_SYNC_WAIT_MS = 600_000;
const CONNECT_WAIT_MS = 30_000;

/**
 * Options that make a server one side of semi-synchronous replication.
 * @throws an Error where the program has no plugin for it.
 */
export function semiSyncOptions(binary: ServerBinary, side: 'source' | 'replica'): ServerOptions {
  if (binary.flavor === 'mariadb') {
    if (side === 'replica') return { rpl_semi_sync_slave_enabled: true };
    return {
      rpl_semi_sync_master_enabled: true,
      rpl_semi_sync_master_wait_point: 'AFTER_SYNC',
      rpl_semi_sync_master_timeout: SEMI_SYNC_WAIT_MS,
    };
  }
  const plugin = `semisync_${side}.so`;
  if (binary.pluginFolder === undefined || !existsSync(join(binary.pluginFolder, plugin))) {
    throw new Error(`${binary.command.at(-1)} has no ${plugin}: no semi-synchronous replication with it`);
  }
  const common = { plugin_load_add: plugin, [`rpl_semi_sync_${side}_enabled`]: true };
  if (side === 'replica') return common;
  return {
    ...common,
    rpl_semi_sync_source_wait_point: 'AFTER_SYNC',
    rpl_semi_sync_source_timeout: SEMI_SYNC_WAIT_MS,
  };
}

/** The server options that a spec stands for. */
export function replicaOptions(flavor: Flavor, spec: ReplicaSpec): ServerOptions {
  const options: Record<string, string | number | boolean> = { read_only: true };
  if (spec.workers !== undefined) {
    options[flavor === 'mysql' ? 'replica_parallel_workers' : 'slave_parallel_threads'] = spec.workers;
  }
  return { ...options, ...spec.options };
}

/** Makes a fresh server follow a primary, from the primary's present position on. */
export async function attachReplica(
  primary: LabServer,
  replica: LabServer,
  spec: ReplicaSpec,
): Promise<void> {
  const source = await primary.connect();
  const target = await replica.connect({ multipleStatements: true });
  try {
    const mysql = primary.flavor === 'mysql';
    const sql = mysql ? await mysqlStart(source, primary, spec) : await mariadbStart(source, primary, spec);
    await runSql(target, sql);
    await connected(source, target, spec);
  } finally {
    await source.end();
    await target.end();
  }
}

/** A replica counts (commits wait for a semi-synchronous one) only once it has reached its primary. */
async function connected(source: Connection, target: Connection, spec: ReplicaSpec): Promise<void> {
  const deadline = performance.now() + CONNECT_WAIT_MS;
  for (;;) {
    const status = (await runSql(target, 'SHOW REPLICA STATUS'))[0] ?? {};
    const clients = (await runSql(source, "SHOW STATUS LIKE 'rpl_semi_sync_%_clients'"))[0]?.Value;
    const isRunning = (status.Replica_IO_Running ?? status.Slave_IO_Running) === 'Yes';
    if (isRunning && (!spec.semiSync || Number(clients) > 0)) return;
    const said = String(status.Last_IO_Error ?? '');
    if (performance.now() > deadline) throw new Error(`the replica does not reach its primary: ${said}`);
    await sleep(20);
  }
}

async function mysqlStart(source: Connection, primary: LabServer, spec: ReplicaSpec): Promise<string> {
  const gtid = (await runSqlForValue(source, 'SELECT @@gtid_mode')) === 'ON' && (spec.autoPosition ?? true);
  const status = (await runSql(source, 'SHOW BINARY LOG STATUS'))[0];
  const place = gtid
    ? 'SOURCE_AUTO_POSITION=1'
    : `SOURCE_LOG_FILE='${status?.File}', SOURCE_LOG_POS=${status?.Position}`;
  return `CHANGE REPLICATION SOURCE TO SOURCE_HOST='${primary.host}', SOURCE_PORT=${primary.port},
    SOURCE_USER='${primary.user}', SOURCE_PASSWORD='${primary.password}', GET_SOURCE_PUBLIC_KEY=1,
    SOURCE_DELAY=${spec.delaySeconds ?? 0}, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=1000, ${place};
    START REPLICA`;
}

async function mariadbStart(source: Connection, primary: LabServer, spec: ReplicaSpec): Promise<string> {
  const status = (await runSql(source, 'SHOW MASTER STATUS'))[0];
  const gtid = spec.autoPosition ?? true;
  const place = gtid
    ? 'MASTER_USE_GTID=slave_pos'
    : `MASTER_USE_GTID=no, MASTER_LOG_FILE='${status?.File}', MASTER_LOG_POS=${status?.Position}`;
  const position = await runSqlForValue(source, 'SELECT @@gtid_binlog_pos');
  return `SET GLOBAL gtid_slave_pos='${position}';
    CHANGE MASTER TO MASTER_HOST='${primary.host}', MASTER_PORT=${primary.port},
    MASTER_USER='${primary.user}', MASTER_PASSWORD='${primary.password}',
    MASTER_DELAY=${spec.delaySeconds ?? 0}, MASTER_CONNECT_RETRY=1, ${place};
    START SLAVE`;
}

/**
 * Waits until a replica has applied everything that its primary has committed by now.
 * @throws an Error with the replica's own words after `timeoutMs`, or when its replication has stopped.
 */
export async function waitForReplica(
  primary: LabServer,
  replica: LabServer,
  timeoutMs: number,
): Promise<void> {
  const source = await primary.connect();
  const target = await replica.connect();
  const deadline = performance.now() + timeoutMs;
  try {
    const command = primary.flavor === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    const goal = (await runSql(source, command))[0];
    for (;;) {
      const status = (await runSql(target, 'SHOW REPLICA STATUS'))[0] ?? {};
      if (hasReached(status, String(goal?.File), Number(goal?.Position))) return;
      const said = String(status.Last_SQL_Error || status.Last_IO_Error || '');
      if (performance.now() > deadline) throw new Error(`replica not there after ${timeoutMs} ms: ${said}`);
      if (status.Last_SQL_Error) throw new Error(`replication has stopped: ${said}`);
      await sleep(20);
    }
  } finally {
    await source.end();
    await target.end();
  }
}

/** Both flavors tell the primary's file and position that is applied, whatever the replica follows. */
function hasReached(status: Record<string, unknown>, file: string, position: number): boolean {
  const appliedFile = String(status.Relay_Source_Log_File ?? status.Relay_Master_Log_File ?? '');
  const applied = Number(status.Exec_Source_Log_Pos ?? status.Exec_Master_Log_Pos ?? 0);
  if (appliedFile === '' || applied === 0) return false;
  return appliedFile === file ? applied >= position : appliedFile > file;
}
