import mysql, { type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { Failure } from '../../base/errors.ts';
import { GtidSet } from './gtid-set.ts';
import { FilePosition, GtidPosition, parseMariadbGtids, type StreamPosition } from './stream-position.ts';
import { formatXid } from './xid.ts';

export type ServerFlavor = 'mysql' | 'mariadb';

/** What must be known of a server before its binlog is read. */
export interface ServerFacts {
  /** Table names are compared without case. */
  readonly foldCase: boolean;
  /** XIDs that are prepared now (see formatXid); null where we may not look (MySQL: XA_RECOVER_ADMIN). */
  readonly preparedXids: readonly string[] | null;
}

/** A statement whose first value tells servers of one topology apart. */
export const IDENTITY_SQL: Readonly<Record<ServerFlavor, string>> = {
  mysql: 'SELECT @@GLOBAL.server_uuid AS identity',
  mariadb: "SELECT CONCAT(@@GLOBAL.server_id, ' ', @@hostname, ' ', @@port) AS identity",
};

const ER_PARSE = 1064;

/** Runs `work` on a connection of its own. */
async function withConnection<T>(
  options: ConnectionOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await mysql.createConnection({ ...options, charset: 'utf8mb4' });
  // Between two statements nobody else listens.
  connection.on('error', () => undefined);
  try {
    return await work(connection);
  } finally {
    connection.destroy();
  }
}

async function select(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return rows;
}

/** Asks the server. @throws the driver's errors. */
export function readServerFacts(options: ConnectionOptions, flavor: ServerFlavor): Promise<ServerFacts> {
  return withConnection(options, async (connection) => {
    const [row] = await select(connection, 'SELECT @@GLOBAL.lower_case_table_names AS folding');
    return {
      foldCase: Number(row?.folding) !== 0,
      preparedXids: await readPreparedXids(connection, flavor),
    };
  });
}

async function readPreparedXids(connection: Connection, flavor: ServerFlavor): Promise<string[] | null> {
  try {
    if (flavor === 'mariadb') {
      const rows = await select(connection, "XA RECOVER FORMAT='SQL'");
      return rows.map((row) => normaliseXid(String(row.data)));
    }
    const rows = await select(connection, 'XA RECOVER CONVERT XID');
    return rows.map((row) => {
      const hex = String(row.data).replace(/^0x/i, '');
      const gtrid = hex.slice(0, 2 * Number(row.gtrid_length));
      return formatXid(gtrid, hex.slice(gtrid.length), Number(row.formatID));
    });
  } catch (error) {
    if ((error as { errno?: number }).errno === undefined) throw error;
    return null;
  }
}

/** MariaDB prints XIDs as `X'..',X'..',1`, and leaves out what is default. */
function normaliseXid(text: string): string {
  const match = /^X'([0-9a-f]*)'(?:,X'([0-9a-f]*)')?(?:,(\d+))?/i.exec(text);
  if (match !== null) return formatXid(match[1]!, match[2] ?? '', Number(match[3] ?? 1));
  const plain = /^'(.*)'$/.exec(text)?.[1] ?? text;
  return formatXid(Buffer.from(plain, 'latin1').toString('hex'), '', 1);
}

/**
 * Where the server's binlog ends now.
 * @param gtid `auto` takes GTIDs where the server writes one for every transaction.
 * @throws Failure when the server writes no binlog, or GTIDs are asked for and there are none.
 */
export function readCurrentPosition(
  options: ConnectionOptions,
  flavor: ServerFlavor,
  gtid: 'auto' | 'on' | 'off',
): Promise<StreamPosition> {
  return withConnection(options, async (connection) => {
    const status = await readBinlogStatus(connection);
    const file = new FilePosition(String(status.File), Number(status.Position));
    if (gtid === 'off') return file;
    if (flavor === 'mariadb') {
      const [row] = await select(connection, 'SELECT @@GLOBAL.gtid_binlog_pos AS list');
      return parseMariadbGtids(String(row?.list ?? ''));
    }
    const [row] = await select(connection, 'SELECT @@GLOBAL.gtid_mode AS mode');
    if (row?.mode === 'ON') return new GtidPosition(GtidSet.parse(String(status.Executed_Gtid_Set)));
    if (gtid === 'auto') return file;
    throw new Failure(`the server's gtid_mode is ${row?.mode}, and GTIDs were asked for`, {
      hint: 'Use gtid auto or off, or set gtid_mode=ON on the server.',
    });
  });
}

async function readBinlogStatus(connection: Connection): Promise<Record<string, unknown>> {
  let rows: Record<string, unknown>[];
  try {
    // MySQL 8.2 and later.
    rows = await select(connection, 'SHOW BINARY LOG STATUS');
  } catch (error) {
    if ((error as { errno?: number }).errno !== ER_PARSE) throw error;
    rows = await select(connection, 'SHOW MASTER STATUS');
  }
  const status = rows[0];
  if (status === undefined) {
    throw new Failure('the server writes no binlog', {
      hint: 'The changes to the table are read from the binlog: start the server with log_bin.',
    });
  }
  return status;
}
