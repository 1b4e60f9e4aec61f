import type { RowDataPacket } from 'mysql2/promise';
import { type Flavor, TRAITS } from './flavor.ts';
import { connectTo, type LabServer } from './server.ts';

/** The server that the environment names by URL instead of a private one, while it does. */
export function runningServerUrl(flavor: Flavor): string | undefined {
  return process.env[TRAITS[flavor].urlVariable] || undefined;
}

/** The replicas of that server, as the environment names them. */
export function runningReplicaUrls(flavor: Flavor): string[] {
  const urls = process.env[TRAITS[flavor].replicaUrlVariable] ?? '';
  return urls.split(',').filter((url) => url !== '');
}

/**
 * A server that somebody else runs.
 * @param url as `mysql://user:password@host:port`.
 * @throws an Error when it cannot be reached or is of the other flavor.
 */
export async function useRunningServer(flavor: Flavor, url: string): Promise<LabServer> {
  const { hostname, port, username, password } = new URL(url);
  const address = {
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username || 'root'),
    password: decodeURIComponent(password),
  };
  const connection = await connectTo(address);
  const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
  await connection.end();
  const text = String(rows[0]?.version);
  if (/MariaDB/i.test(text) !== (flavor === 'mariadb')) throw new Error(`${url} is no ${flavor} but ${text}`);
  return {
    ...address,
    flavor,
    version: /\d+\.\d+\.\d+/.exec(text)?.[0] ?? text,
    socketPath: '',
    dataDir: '',
    connect: (options) => connectTo(address, options),
    kill9: () => Promise.reject(notOurs('killed', flavor)),
    stop: () => Promise.reject(notOurs('stopped', flavor)),
    restart: () => Promise.reject(notOurs('restarted', flavor)),
    pause: () => {
      throw notOurs('paused', flavor);
    },
    resume: () => {
      throw notOurs('resumed', flavor);
    },
    errorLog: () => {
      throw notOurs('asked for its error log', flavor);
    },
    dispose: () => Promise.resolve(),
  };
}

function notOurs(what: string, flavor: Flavor): Error {
  const { urlVariable } = TRAITS[flavor];
  return new Error(`the server of ${urlVariable} cannot be ${what}: unset the variable to use a private one`);
}
