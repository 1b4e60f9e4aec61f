import { quoteText } from '../core/quote.ts';
import { type ReplicationChannel, readReplication } from './replication-status.ts';
import { type Row, text, textOrNull } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

export type ServerFlavor = 'mysql' | 'mariadb';

/** Where the server shows who holds a table; `none` where it does not. */
export type LockSource = 'performance-schema' | 'metadata-lock-info' | 'none';

/** What a server is and how it is set up, as far as it matters to a migration. */
export interface ServerFacts {
  readonly flavor: ServerFlavor;
  /** As the server prints it: `9.7.4`, `10.11.18-MariaDB-log`. For people: decide by capability. */
  readonly version: string;
  readonly versionComment: string;
  /** Differs between servers and stays over restarts: server_uuid, server_uid, or id, host and port. */
  readonly uuid: string;
  readonly serverId: number;
  readonly hostname: string;
  readonly port: number;
  /** Global variables by name, of those in `NAMES` the ones that the server has. */
  readonly variables: ReadonlyMap<string, string>;
  readonly logBin: boolean;
  /** Upper case. A server without the variable knows only ROW. */
  readonly binlogFormat: string;
  readonly binlogRowImage: string;
  /** False where commits may become visible in another order than that of the binlog. */
  readonly commitsOrdered: boolean;
  readonly gtid: boolean;
  readonly logsReplicaUpdates: boolean;
  /** What it replicates stands in its own binlog in the order of its source. */
  readonly appliesInOrder: boolean;
  /** read_only or super_read_only. */
  readonly readOnly: boolean;
  /** Galera replication is on: DDL and locks then work in other ways. */
  readonly galera: boolean;
  /** Member of a group with several primaries: a lock on one does not stop writers on the others. */
  readonly multiPrimary: boolean;
  /** The server writes the row changes of foreign key cascades to its binlog. */
  readonly logsCascades: boolean;
  /** Where it replicates from; empty for a primary, null when the account may not know. */
  readonly channels: readonly ReplicationChannel[] | null;
  readonly lockSource: LockSource;
  readonly lowerCaseTableNames: number;
  readonly maxAllowedPacketBytes: number;
  /** `@@global.time_zone`, and what SYSTEM means on its machine. */
  readonly timeZone: string;
  readonly systemTimeZone: string;
}

const NAMES = [
  ...[
    'version',
    'version_comment',
    'server_uuid',
    'server_uid',
    'server_id',
    'hostname',
    'port',
    'extra_port',
  ],
  ...['log_bin', 'binlog_format', 'binlog_row_image', 'binlog_order_commits', 'binlog_row_value_options'],
  ...['binlog_row_metadata', 'binlog_transaction_compression', 'log_bin_compress', 'binlog_checksum'],
  ...['binlog_encryption', 'encrypt_binlog', 'binlog_expire_logs_seconds', 'expire_logs_days'],
  ...['gtid_mode', 'enforce_gtid_consistency', 'gtid_strict_mode', 'gtid_domain_id'],
  ...['log_replica_updates', 'log_slave_updates', 'read_only', 'super_read_only'],
  ...['sql_mode', 'time_zone', 'system_time_zone', 'lower_case_table_names', 'max_allowed_packet'],
  ...['innodb_autoinc_lock_mode', 'innodb_native_foreign_keys', 'net_write_timeout', 'wait_timeout'],
  ...['lock_wait_timeout', 'performance_schema', 'wsrep_on', 'wsrep_provider', 'partial_revokes'],
  ...['group_replication_group_name', 'group_replication_single_primary_mode', 'innodb_read_only'],
  ...['rpl_semi_sync_source_enabled', 'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_wait_point'],
  ...[
    'rpl_semi_sync_source_wait_point',
    'explicit_defaults_for_timestamp',
    'old_alter_table',
    'alter_algorithm',
  ],
  ...['innodb_ddl_buffer_size', 'innodb_buffer_pool_size'],
  ...['replica_parallel_workers', 'slave_parallel_workers', 'slave_parallel_threads', 'slave_parallel_mode'],
  ...['replica_preserve_commit_order', 'slave_preserve_commit_order', 'gtid_binlog_pos'],
  ...['log_bin_trust_function_creators', 'innodb_rollback_on_timeout', 'sql_require_primary_key'],
];

/** Whether the server has a global variable of this name. */
export function hasVariable(facts: Pick<ServerFacts, 'variables'>, name: string): boolean {
  return facts.variables.has(name);
}

/**
 * Asks a server what it is; changes nothing.
 * @throws ServerError, SessionError.
 */
export async function probeServer(session: Session): Promise<ServerFacts> {
  const wanted = NAMES.map(quoteText).join(', ');
  const rows = await session.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${wanted})`);
  const variables = new Map(rows.map((row) => [text(row, 'Variable_name'), text(row, 'Value')]));
  const value = (name: string, otherwise = ''): string => variables.get(name) ?? otherwise;
  const isOn = (name: string): boolean => !['', '0', 'OFF', 'NO'].includes(value(name).toUpperCase());
  const hostname = value('hostname');
  const port = Number(value('port'));
  const version = value('version');
  return {
    flavor: /mariadb/i.test(version) ? 'mariadb' : 'mysql',
    version,
    versionComment: value('version_comment'),
    uuid: value('server_uuid') || value('server_uid') || `${value('server_id')}@${hostname}:${port}`,
    serverId: Number(value('server_id')),
    hostname,
    port,
    variables,
    logBin: isOn('log_bin'),
    binlogFormat: value('binlog_format', 'ROW').toUpperCase(),
    binlogRowImage: value('binlog_row_image', 'FULL').toUpperCase(),
    // MariaDB has no such variable: its commits are always in order.
    commitsOrdered: !variables.has('binlog_order_commits') || isOn('binlog_order_commits'),
    // MariaDB gives every transaction an id.
    gtid: !variables.has('gtid_mode') ? variables.has('gtid_domain_id') : value('gtid_mode') === 'ON',
    logsReplicaUpdates: isOn('log_replica_updates') || isOn('log_slave_updates'),
    appliesInOrder: appliesInOrder(value),
    readOnly: isOn('read_only') || isOn('super_read_only') || isOn('innodb_read_only'),
    galera: isOn('wsrep_on') && !['', 'none'].includes(value('wsrep_provider')),
    multiPrimary: await isMultiPrimary(session, variables),
    // The variable came with foreign keys above the storage engine, which do log what they cascade.
    logsCascades: variables.has('innodb_native_foreign_keys') && !isOn('innodb_native_foreign_keys'),
    channels: await readReplication(session),
    lockSource: await findLockSource(session),
    lowerCaseTableNames: Number(value('lower_case_table_names', '0')),
    maxAllowedPacketBytes: Number(value('max_allowed_packet')),
    timeZone: value('time_zone'),
    systemTimeZone: value('system_time_zone'),
  };
}

/** Transactions that are applied beside each other must still be committed in the order in which they came. */
function appliesInOrder(value: (name: string) => string): boolean {
  const workers = Number(value('replica_parallel_workers') || value('slave_parallel_workers'));
  const preserves = value('replica_preserve_commit_order') || value('slave_preserve_commit_order');
  if (preserves !== '') return workers <= 1 || ['1', 'ON'].includes(preserves.toUpperCase());
  // MariaDB keeps the order within a domain, and lets domains pass each other.
  const threads = value('slave_parallel_mode') === 'none' ? 0 : Number(value('slave_parallel_threads'));
  return threads === 0 || value('gtid_binlog_pos').split(',').length <= 1;
}

async function isMultiPrimary(session: Session, variables: ReadonlyMap<string, string>): Promise<boolean> {
  if (!variables.get('group_replication_group_name')) return false;
  if (variables.get('group_replication_single_primary_mode') !== 'OFF') return false;
  const members = await rowsOrNone(
    session,
    `SELECT MEMBER_STATE AS state FROM performance_schema.replication_group_members`,
  );
  return members.some((row) => textOrNull(row, 'state') === 'ONLINE');
}

async function findLockSource(session: Session): Promise<LockSource> {
  const instrument = await rowsOrNone(
    session,
    `SELECT i.ENABLED AS enabled
       FROM performance_schema.setup_instruments AS i
       LEFT JOIN performance_schema.metadata_locks AS l ON FALSE
       LEFT JOIN performance_schema.threads AS t ON FALSE
      WHERE i.NAME = 'wait/lock/metadata/sql/mdl' AND @@performance_schema`,
  );
  if (instrument.some((row) => text(row, 'enabled') === 'YES')) return 'performance-schema';
  const plugin = await rowsOrNone(
    session,
    'SELECT 1 AS there FROM information_schema.METADATA_LOCK_INFO LIMIT 0',
  );
  return plugin === NONE ? 'none' : 'metadata-lock-info';
}

const NONE: readonly Row[] = [];

/** The rows, or `NONE` where the server does not have that table or does not let us read it. */
async function rowsOrNone(session: Session, sql: string): Promise<readonly Row[]> {
  try {
    return await session.query(sql);
  } catch (error) {
    if (['missing', 'privilege', 'unsupported'].includes(classify(error)) && session.usable) return NONE;
    throw error;
  }
}
