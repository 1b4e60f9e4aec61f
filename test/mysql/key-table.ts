// What the key tests need of a server: a table's definition, and the keys that its row images in the binlog give.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { Key, KeyCodec } from '../../src/core/key.ts';
import type { TableDefinition } from '../../src/core/table.ts';
import { ROWS_TRAITS } from '../../src/mysql/binlog/event-type.ts';
import { FollowedTables } from '../../src/mysql/binlog/followed-tables.ts';
import { RowWalker } from '../../src/mysql/binlog/row-walker.ts';
import { walkRowsEvent } from '../../src/mysql/binlog/rows-event.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import type { Session } from '../../src/mysql/session.ts';
import { type LabServer, type Row, runSql, runSqlForValue } from '../lab/lab.ts';

const sessionModes = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

/** A connection with the settings of our sessions (DESIGN 6). */
export async function connectAsOurs(server: LabServer): Promise<Connection> {
  const connection = await server.connect({ dateStrings: true, supportBigNumbers: true });
  await runSql(connection, 'SET NAMES utf8mb4 COLLATE utf8mb4_bin');
  await runSql(connection, `SET time_zone = '+00:00', sql_mode = '${sessionModes}'`);
  if (server.flavor === 'mysql') await runSql(connection, 'SET range_optimizer_max_mem_size = 0');
  await runSql(connection, 'CREATE DATABASE IF NOT EXISTS k');
  await runSql(connection, 'USE k');
  return connection;
}

export async function definitionOf(connection: Connection, name: string): Promise<TableDefinition> {
  const session = { query: (sql: string) => runSql(connection, sql) };
  const found = await readTableDefinition(session as unknown as Session, { schema: 'k', name });
  if (found === null) throw new Error(`there is no table ${name}`);
  return found;
}

/** The keys of all row images of the table since `FLUSH BINARY LOGS`, read from the server's own file. */
export async function keysInBinlog(
  connection: Connection,
  definition: TableDefinition,
  codec: KeyCodec,
): Promise<Key[]> {
  const base = String(await runSqlForValue(connection, 'SELECT @@log_bin_basename'));
  const logs = await runSql(connection, 'SHOW BINARY LOGS');
  const bytes = readFileSync(join(dirname(base), String(Object.values(logs.at(-1) as Row)[0])));
  const keys: Key[] = [];
  const notices: unknown[] = [];
  const tables = new FollowedTables(
    { touched: (_role, key) => keys.push(key) },
    { marked: () => {}, noticed: (notice) => notices.push(notice) },
  );
  tables.subscribe(definition.ref, { role: 'original', definition, codec });
  const walker = new RowWalker();
  for (let at = 4; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at + 9);
    const end = at + size - 4;
    const type = bytes[at + 4] as number;
    const traits = ROWS_TRAITS[type];
    if (type === 19) tables.map(bytes, at, end);
    const visitor = traits === undefined ? undefined : tables.visitor(bytes.readUIntLE(at + 19, 6));
    if (traits !== undefined && visitor) walkRowsEvent(walker, visitor, traits, bytes, at, end);
    at += size;
  }
  if (notices.length > 0) throw new Error(JSON.stringify(notices));
  return keys;
}

/** The access type that EXPLAIN gives for the (only) table. */
export async function accessOf(connection: Connection, server: LabServer, sql: string): Promise<Row> {
  const format = server.flavor === 'mysql' ? 'FORMAT=TRADITIONAL ' : '';
  return (await runSql(connection, `EXPLAIN ${format}${sql}`))[0] as Row;
}
