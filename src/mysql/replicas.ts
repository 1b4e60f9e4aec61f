import { type Row, text } from './row.ts';
import { ServerError } from './server-error.ts';
import type { Session, StatementLimits } from './session.ts';

/** A replica that has registered with its primary, and where it may be. */
export interface RegisteredReplica {
  readonly serverId: number;
  /** `host:port`: where it says it is (report_host), else each host that reads the binlog. Empty: nobody knows. */
  readonly addresses: readonly string[];
}

/**
 * The replicas of a server. Our own stream does not register.
 * @throws ServerError when the account may not ask (REPLICATION SLAVE, MariaDB: REPLICATION MASTER ADMIN); SessionError.
 */
export async function registeredReplicas(
  session: Session,
  limits: StatementLimits = {},
): Promise<readonly RegisteredReplica[]> {
  const rows = await askForReplicas(session, limits);
  const silent = rows.some((row) => text(row, 'Host') === '');
  const readers = silent ? await hostsOfReaders(session, limits) : [];
  return rows.map((row) => {
    const host = text(row, 'Host');
    const hosts = host === '' ? readers : [host];
    const port = text(row, 'Port');
    return {
      serverId: Number(row.Server_Id ?? row.Server_id),
      addresses: hosts.map((each) => (each.includes(':') ? `[${each}]:${port}` : `${each}:${port}`)),
    };
  });
}

async function askForReplicas(session: Session, limits: StatementLimits): Promise<readonly Row[]> {
  try {
    return await session.query('SHOW REPLICAS', limits);
  } catch (error) {
    if (!(error instanceof ServerError) || error.kind !== 'syntax') throw error;
    return await session.query('SHOW SLAVE HOSTS', limits);
  }
}

/** Where the connections come from that read the binlog. */
async function hostsOfReaders(session: Session, limits: StatementLimits): Promise<readonly string[]> {
  const rows = await session.query('SHOW PROCESSLIST', limits);
  const readers = rows.filter((row) => text(row, 'Command').startsWith('Binlog Dump'));
  return [...new Set(readers.map((row) => text(row, 'Host').replace(/:\d+$/, '')))];
}
