import type { ServerFlavor } from './server.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** Newest spelling first. On MariaDB the plain statement is for the one without a name only. */
const STATEMENTS: Readonly<Record<ServerFlavor, Readonly<Record<'start' | 'stop', readonly string[]>>>> = {
  mysql: { start: ['START REPLICA', 'START SLAVE'], stop: ['STOP REPLICA', 'STOP SLAVE'] },
  mariadb: {
    start: ['START ALL REPLICAS', 'START ALL SLAVES'],
    stop: ['STOP ALL REPLICAS', 'STOP ALL SLAVES'],
  },
};

/**
 * Starts or stops all that a server replicates. A stop returns when what was being applied has ended.
 * @throws ServerError (REPLICATION_SLAVE_ADMIN or SUPER is missing), SessionError.
 */
export async function controlReplication(
  session: Session,
  flavor: ServerFlavor,
  act: 'start' | 'stop',
): Promise<void> {
  await spelled(STATEMENTS[flavor][act], (sql) => session.execute(sql));
}

/** How many servers read the binlog of this one now. */
export async function countReplicas(session: Session): Promise<number> {
  const rows = await spelled(['SHOW REPLICAS', 'SHOW SLAVE HOSTS'], (sql) => session.query(sql));
  return rows.length;
}

/** For sessions and replication threads that begin from now on. */
export async function setRowFormat(session: Session): Promise<void> {
  await session.execute('SET GLOBAL binlog_format = ROW');
}

/** The first spelling that the server understands. */
async function spelled<T>(statements: readonly string[], run: (sql: string) => Promise<T>): Promise<T> {
  const [first, ...others] = statements;
  try {
    return await run(first!);
  } catch (error) {
    if (classify(error) !== 'syntax' || others.length === 0) throw error;
    return await spelled(others, run);
  }
}
