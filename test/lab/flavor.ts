/** The two families of servers that the tool works on. */
export type Flavor = 'mysql' | 'mariadb';

/** Everything that differs between the flavors before a server runs: names of binaries, packages and variables. */
export interface FlavorTraits {
  readonly binaryName: string;
  /** Environment variable with the path of a binary. */
  readonly binaryVariable: string;
  /** Environment variable with the URL of a running server. */
  readonly urlVariable: string;
  /** Environment variable with the URLs of its replicas, separated by commas. */
  readonly replicaUrlVariable: string;
  readonly packages: readonly string[];
  /** Suite of Debian that carries the packages; undefined is the machine's own. */
  readonly suite: string | undefined;
}

export const TRAITS: Readonly<Record<Flavor, FlavorTraits>> = {
  mysql: {
    binaryName: 'mysqld',
    binaryVariable: 'POLTERGEIST_MYSQLD',
    urlVariable: 'POLTERGEIST_MYSQL_URL',
    replicaUrlVariable: 'POLTERGEIST_MYSQL_REPLICA_URL',
    packages: ['mysql-server-core', 'mysql-client-core'],
    suite: 'unstable',
  },
  mariadb: {
    binaryName: 'mariadbd',
    binaryVariable: 'POLTERGEIST_MARIADBD',
    urlVariable: 'POLTERGEIST_MARIADB_URL',
    replicaUrlVariable: 'POLTERGEIST_MARIADB_REPLICA_URL',
    packages: ['mariadb-server-core', 'mariadb-client-core'],
    suite: undefined,
  },
};
