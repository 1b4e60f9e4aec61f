import type { Connection } from 'mysql2';
import { IDENTITY_SQL, type ServerFlavor } from './server-facts.ts';

/** How the session that will carry the dump shall be. */
export interface DumpSessionSpec {
  readonly flavor: ServerFlavor;
  readonly heartbeatMs: number;
  readonly netTimeoutSeconds: number;
  /** A server that sees it again ends what is left of the connection before. */
  readonly replicaUuid: string;
  readonly onError: (error: Error) => void;
  /** Tells which server is at the other end of this very connection. */
  readonly onIdentity: (identity: string) => void;
}

/** Queues what the session needs before the dump command goes out on it. */
export function prepareDumpSession(session: Connection, spec: DumpSessionSpec): void {
  const { flavor, heartbeatMs, netTimeoutSeconds, replicaUuid, onError, onIdentity } = spec;
  const period = Math.round(heartbeatMs * 1e6);
  const check = (error: Error | null): void => {
    if (error !== null) onError(error);
  };
  const variables = [
    `@master_heartbeat_period=${period}, @source_heartbeat_period=${period}`,
    `@slave_uuid='${replicaUuid}', @replica_uuid='${replicaUuid}'`,
    // We can read both kinds of files; without this, one that switches checksums on would end the stream.
    "@master_binlog_checksum='CRC32', @source_binlog_checksum='CRC32'",
  ];
  session.query(`SET ${variables.join(', ')}`, check);
  const seconds = Math.round(netTimeoutSeconds);
  session.query(`SET SESSION net_write_timeout=${seconds}, net_read_timeout=${seconds}`, check);
  session.query(IDENTITY_SQL[flavor], (error: Error | null, rows: unknown) => {
    check(error);
    if (error === null) onIdentity(String((rows as { identity?: unknown }[])[0]?.identity));
  });
}
