import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { type LabServer, runSql } from '../lab/lab.ts';
import type { Command } from './command.ts';

/** Everything that tells why nothing goes on: the status by socket, the process list, the locks. */
export async function diagnose(server: LabServer, command: Command): Promise<string> {
  const status = await command.say('status').catch((error) => `no status: ${messageOf(error)}`);
  return `status:\n${status}\n${await serverSide(server).catch(messageOf)}`;
}

/**
 * Keeps the binlogs and what the command said: a difference can be traced to its transaction.
 * @returns the folder.
 */
export function keepEvidence(server: LabServer, name: string, lines: readonly string[]): string {
  const folder = join(tmpdir(), `soak-evidence-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of server.dataDir === '' ? [] : readdirSync(server.dataDir)) {
    if (/^binlog\.\d+$/.test(file)) cpSync(join(server.dataDir, file), join(folder, file));
  }
  writeFileSync(join(folder, 'server.log'), server.errorLog());
  writeFileSync(join(folder, 'command.log'), lines.join('\n'));
  return folder;
}

async function serverSide(server: LabServer): Promise<string> {
  const connection = await server.connect({ connectTimeout: 3000 });
  const table = (rows: readonly object[]): string => rows.map((row) => `  ${JSON.stringify(row)}`).join('\n');
  try {
    const processes = await runSql(connection, 'SHOW FULL PROCESSLIST');
    const locks = await runSql(
      connection,
      `SELECT object_name, lock_type, lock_duration, lock_status, processlist_id
         FROM performance_schema.metadata_locks JOIN performance_schema.threads ON owner_thread_id = thread_id
        WHERE object_schema = 'soak'`,
    ).catch((error) => [{ error: messageOf(error) }]);
    return `processes:\n${table(processes)}\nlocks:\n${table(locks)}`;
  } finally {
    connection.destroy();
  }
}
