import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerBinary } from './binary.ts';
import { cached } from './cache.ts';
import { mustRun } from './run.ts';

/** The account of every private server. */
export const LAB_USER = 'root';
export const LAB_PASSWORD = 'lab';

const ACCOUNTS = `
CREATE USER '${LAB_USER}'@'%' IDENTIFIED BY '${LAB_PASSWORD}';
GRANT ALL ON *.* TO '${LAB_USER}'@'%' WITH GRANT OPTION;
ALTER USER '${LAB_USER}'@'localhost' IDENTIFIED BY '${LAB_PASSWORD}';
`;

/** A bootstrapping MariaDB has no statements for accounts yet: their table is written. */
const MARIADB_ACCOUNTS = `USE mysql;
DELETE FROM global_priv WHERE user = '${LAB_USER}';
INSERT INTO global_priv SELECT host, '${LAB_USER}', JSON_OBJECT('access', 18446744073709551615,
  'plugin', 'mysql_native_password', 'authentication_string', PASSWORD('${LAB_PASSWORD}'))
  FROM (SELECT '%' AS host UNION SELECT 'localhost') AS hosts;
`;

/** Size of the redo log: servers start faster when it is what the template has. */
const REDO_OPTIONS = {
  mysql: '--loose-innodb-redo-log-capacity=128M',
  mariadb: '--innodb-log-file-size=96M',
} as const;

/** As root, a server starts only when told who it shall run as. */
export function userOptions(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** The option that sizes the redo log of templates and their copies alike. */
export function redoOption(binary: ServerBinary): string {
  return REDO_OPTIONS[binary.flavor];
}

/**
 * Makes a data directory for a new server: a copy of one that is initialised once a program and then cached.
 * @param target where it shall be; must not exist.
 * @throws an Error when the program cannot initialise one.
 */
export async function copyTemplate(binary: ServerBinary, target: string): Promise<void> {
  const template = await dataTemplate(binary);
  await mustRun(['cp', '-a', '--reflink=auto', '--sparse=always', join(template, 'data'), target]);
  rmSync(join(target, 'auto.cnf'), { force: true }); // each server makes an identity of its own
}

/** The cached template of a program; initialised when there is none yet. */
export function dataTemplate(binary: ServerBinary): Promise<string> {
  return cached(`template-2-${binary.key}`, (folder) =>
    binary.flavor === 'mysql' ? initialiseMysql(binary, folder) : initialiseMariadb(binary, folder),
  );
}

async function initialiseMysql(binary: ServerBinary, folder: string): Promise<void> {
  const accounts = join(folder, 'accounts.sql');
  writeFileSync(accounts, ACCOUNTS);
  await mustRun([
    ...binary.command,
    '--no-defaults',
    '--initialize-insecure',
    ...binary.layout,
    ...userOptions(),
    `--datadir=${join(folder, 'data')}`,
    `--init-file=${accounts}`,
    '--skip-log-bin',
    '--mysqlx=OFF',
    redoOption(binary),
  ]);
}

/** The installer's scripts, fed by hand: its helper programs are not in the package of the server. */
async function initialiseMariadb(binary: ServerBinary, folder: string): Promise<void> {
  const data = join(folder, 'data');
  mkdirSync(join(data, 'mysql'), { recursive: true });
  const script = (name: string): string => {
    const paths = ['mysql_', 'mariadb_', ''].map((prefix) =>
      join(binary.shareFolder, `${prefix}${name}.sql`),
    );
    const path = paths.find((candidate) => existsSync(candidate));
    if (path === undefined) throw new Error(`${binary.shareFolder} has no ${name}.sql`);
    return readFileSync(path, 'utf8');
  };
  const scripts = ['system_tables', 'performance_tables', 'system_tables_data', 'fill_help_tables'];
  const more = ['maria_add_gis_sp_bootstrap', 'sys_schema'];
  const sql = [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;',
    'SET @auth_root_socket=NULL, @skip_auth_anonymous=1;',
    ...[...scripts, ...more].map(script),
    MARIADB_ACCOUNTS,
  ];
  await mustRun(
    [
      ...binary.command,
      '--no-defaults',
      '--bootstrap',
      ...binary.layout,
      ...userOptions(),
      `--datadir=${data}`,
      '--log-warnings=0',
      '--enforce-storage-engine=',
      redoOption(binary),
    ],
    sql.join('\n'),
  );
}
