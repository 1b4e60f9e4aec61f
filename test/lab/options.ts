import type { ServerBinary } from './binary.ts';
import { redoOption } from './template.ts';

/** Options of a server by name, with underscores or dashes; `true` and `false` are ON and OFF. */
export type ServerOptions = Readonly<Record<string, string | number | boolean>>;

/** What the lab decides about a server, before its options. */
export interface ServerSetup {
  /** MySQL: whether changes have global transaction ids. MariaDB's always do. Default true. */
  readonly gtid?: boolean;
  /** Turns durability down: commits do not wait for the disk. Default false. */
  readonly fast?: boolean;
  /** Override everything else. */
  readonly options?: ServerOptions;
  /** Variables of its environment besides ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The command line options of a private server: what the tests need, overridden by the setup's own.
 * @param serverId differs between the servers of a lab.
 */
export function serverOptions(binary: ServerBinary, serverId: number, setup: ServerSetup): string[] {
  const merged = new Map<string, string | number | boolean>();
  const layers: ServerOptions[] = [
    commonOptions(serverId),
    binary.flavor === 'mysql' ? mysqlOptions(setup.gtid ?? true) : mariadbOptions(),
    setup.fast ? { sync_binlog: 0, innodb_flush_log_at_trx_commit: 2, innodb_doublewrite: false } : {},
    setup.options ?? {},
  ];
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) merged.set(name.replaceAll('-', '_'), value);
  }
  return [redoOption(binary), ...[...merged].map(([name, value]) => commandLineOption(name, value))];
}

function commonOptions(serverId: number): ServerOptions {
  return {
    server_id: serverId,
    bind_address: '127.0.0.1',
    skip_name_resolve: true,
    secure_file_priv: '',
    local_infile: true,
    log_bin: true,
    binlog_format: 'ROW',
    sync_binlog: 1,
    innodb_flush_log_at_trx_commit: 1,
    innodb_buffer_pool_size: '256M',
    performance_schema: true,
    max_connections: 300,
  };
}

function mysqlOptions(gtid: boolean): ServerOptions {
  const consistency = gtid ? { gtid_mode: true, enforce_gtid_consistency: true } : { gtid_mode: false };
  return {
    mysqlx: false,
    ...consistency,
    // The default, a percentage of the machine's memory, is too much where several servers share it.
    innodb_buffer_pool_instances: 1,
  };
}

function mariadbOptions(): ServerOptions {
  return {
    log_slave_updates: true,
    performance_schema_instrument: 'wait/lock/metadata/sql/mdl=ON',
  };
}

function commandLineOption(name: string, value: string | number | boolean): string {
  // For this one the value is a file name, not a switch.
  if (name === 'log_bin' && typeof value === 'boolean') return value ? '--log-bin=binlog' : '--skip-log-bin';
  const text = typeof value === 'boolean' ? (value ? 'ON' : 'OFF') : String(value);
  return `--${name.replaceAll('_', '-')}=${text}`;
}
