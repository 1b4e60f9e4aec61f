import { type Row, textOrNull } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** A stream of changes that a server reads from another one. */
export interface ReplicationChannel {
  /** Empty for the only or default one. */
  readonly name: string;
  readonly sourceHost: string;
  readonly sourcePort: number;
  /** Whether the thread that fetches, and the one that applies, are running. */
  readonly fetching: boolean;
  readonly applying: boolean;
}

/** Newest spelling first; ALL is for MariaDB's many sources, which its SHOW REPLICA STATUS leaves out. */
const STATEMENTS = [
  'SHOW ALL REPLICAS STATUS',
  'SHOW ALL SLAVES STATUS',
  'SHOW REPLICA STATUS',
  'SHOW SLAVE STATUS',
];

/**
 * Where a server replicates from; its own group (group replication) is not counted.
 * @returns null when the account may not ask.
 * @throws ServerError, SessionError.
 */
export async function readReplication(session: Session): Promise<readonly ReplicationChannel[] | null> {
  for (const sql of STATEMENTS) {
    try {
      const rows = await session.query(sql);
      return rows.map(channelOf).filter((channel) => !channel.name.startsWith('group_replication_'));
    } catch (error) {
      const kind = classify(error);
      if (kind === 'privilege') return null;
      if (kind !== 'syntax') throw error;
    }
  }
  return null;
}

function channelOf(row: Row): ReplicationChannel {
  const first = (...names: string[]): string => {
    const name = names.find((candidate) => candidate in row);
    return name === undefined ? '' : (textOrNull(row, name) ?? '');
  };
  return {
    name: first('Channel_Name', 'Connection_name'),
    sourceHost: first('Source_Host', 'Master_Host'),
    sourcePort: Number(first('Source_Port', 'Master_Port')),
    // `Connecting` and `Preparing` count: the operator has not stopped it.
    fetching: first('Replica_IO_Running', 'Slave_IO_Running') !== 'No',
    applying: first('Replica_SQL_Running', 'Slave_SQL_Running') !== 'No',
  };
}
