import { type Row, textOrNull } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** A stream of changes that a server reads from another one. */
export interface ReplicationChannel {
  /** Empty for the only or default one. */
  readonly name: string;
  readonly sourceHost: string;
  readonly sourcePort: number;
  /** server_uuid of the source as the replica has seen it; empty where the server does not tell (MariaDB). */
  readonly sourceUuid: string;
  /** server_id of the source; 0 until the replica has reached it. */
  readonly sourceServerId: number;
  /** How far it stays behind on purpose, seconds. */
  readonly delaySeconds: number;
  /** It follows transaction ids, not a file and a position. */
  readonly byGtid: boolean;
  /** What it leaves out or renames, as `Replicate_Ignore_DB` and its text; those that are set. */
  readonly filters: readonly ReplicationFilter[];
  /** Whether the thread that fetches, and the one that applies, are running. */
  readonly fetching: boolean;
  readonly applying: boolean;
}

/** A rule by which a replica leaves changes out. */
export interface ReplicationFilter {
  /** As SHOW REPLICA STATUS names it. */
  readonly name: string;
  readonly text: string;
}

const FILTERS = [
  'Replicate_Do_DB',
  'Replicate_Ignore_DB',
  'Replicate_Do_Table',
  'Replicate_Ignore_Table',
  'Replicate_Wild_Do_Table',
  'Replicate_Wild_Ignore_Table',
  'Replicate_Rewrite_DB',
];

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
    sourceUuid: first('Source_UUID', 'Master_UUID'),
    sourceServerId: Number(first('Source_Server_Id', 'Master_Server_Id')),
    delaySeconds: Number(first('SQL_Delay')),
    byGtid: first('Auto_Position') === '1' || !['', 'No'].includes(first('Using_Gtid')),
    filters: FILTERS.map((name) => ({ name, text: first(name) })).filter((filter) => filter.text !== ''),
    // `Connecting` and `Preparing` count: the operator has not stopped it.
    fetching: first('Replica_IO_Running', 'Slave_IO_Running') !== 'No',
    applying: first('Replica_SQL_Running', 'Slave_SQL_Running') !== 'No',
  };
}
