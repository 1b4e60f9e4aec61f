import { PoltergeistError } from '../base/errors.ts';

/** What a server's error means to us. Retrying goes by kind, never by message. */
export type ServerErrorKind =
  | 'duplicate'
  | 'lock-timeout'
  | 'deadlock'
  | 'connection'
  | 'killed'
  | 'busy'
  | 'read-only'
  | 'disk-full'
  | 'privilege'
  | 'data'
  | 'missing'
  | 'exists'
  | 'packet'
  | 'range-memory'
  | 'foreign-key'
  | 'syntax'
  | 'unsupported'
  | 'other';

const CODES: { readonly [K in ServerErrorKind]?: readonly number[] } = {
  // 1022 has no entry and no key in its message; 1859 neither.
  duplicate: [1022, 1062, 1169, 1586, 1859],
  // 3572: NOWAIT. 1206: the lock table is full, which goes away with the locks.
  'lock-timeout': [1205, 1206, 3572],
  // MariaDB's 1020, "record has changed since last read", asks for the transaction again, as 1213 does.
  // 1614 is the XA form of 1213, 3058 that of GET_LOCK; 1467 is how MariaDB tells a deadlock over the AUTO-INC lock.
  deadlock: [1020, 1213, 1467, 1614, 3058],
  // 1053 shutdown, 1079 normal shutdown, 1080 forced close, 1927 killed (MariaDB), 4031 idle (MySQL).
  connection: [
    1042, 1043, 1053, 1079, 1080, 1158, 1159, 1160, 1161, 1184, 1152, 1927, 2002, 2003, 2006, 2013, 4031,
  ],
  // 1317 KILL QUERY, 1969 max_statement_time (MariaDB), 3024 max_execution_time (MySQL).
  killed: [1317, 1969, 3024],
  // Too many connections of everybody, of this account, or of this account within the hour.
  busy: [1040, 1203, 1226, 1135],
  'read-only': [1792, 1836, 3989],
  // 1878: no room for the sort of an index build.
  'disk-full': [3, 20, 1021, 1026, 1114, 1878],
  privilege: [1044, 1045, 1095, 1142, 1143, 1227, 1370, 1410, 1419, 1698, 3530],
  data: [
    1048, 1138, 1263, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1416, 1425, 1426, 1439,
    1441, 1525, 1526, 1690, 1748, 3140, 3141, 3156, 3157, 3158, 3643, 3819, 3854, 3856, 4025, 4078, 4079,
    1977, 1918, 1972,
  ],
  missing: [1008, 1049, 1051, 1054, 1091, 1109, 1146, 1176, 1360],
  exists: [1007, 1050, 1060, 1061, 1359, 1826],
  packet: [1153, 1301, 2020],
  'range-memory': [3170],
  'foreign-key': [1215, 1216, 1217, 1451, 1452, 1701, 1761, 1762, 1832, 1833, 1834, 1835, 3730],
  syntax: [1064, 1149],
  // Unknown variable, not supported here, ALGORITHM or LOCK not possible for this ALTER.
  unsupported: [1193, 1235, 1289, 1845, 1846, 4092],
};

const KIND_OF_CODE: ReadonlyMap<number, ServerErrorKind> = new Map(
  Object.entries(CODES).flatMap(([kind, codes]) =>
    codes.map((code) => [code, kind as ServerErrorKind] as const),
  ),
);

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_PACKETS_OUT_OF_ORDER',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

const TRANSIENT_KINDS: ReadonlySet<ServerErrorKind> = new Set([
  'lock-timeout',
  'deadlock',
  'connection',
  'busy',
]);

const noAccess =
  'Check --user, --password (or --ask-pass, --conf), and that the account may connect from this machine.';
const hints: { readonly [errno: number]: string } = { 1045: noAccess, 1698: noAccess };

/** An error that the server sent in answer to a statement. */
export class ServerError extends PoltergeistError {
  override readonly exitCode = 1;
  readonly errno: number;
  readonly sqlState: string;
  readonly kind: ServerErrorKind;
  /** What the server said, without our surroundings. */
  readonly serverMessage: string;

  /** @param where the session and the shortened statement, for the message. */
  constructor(raw: RawServerError, where: string, hint: string | undefined = hints[raw.errno]) {
    super(`${raw.message} (error ${raw.errno}, ${where})`, { cause: raw, ...(hint ? { hint } : {}) });
    this.errno = raw.errno;
    this.sqlState = raw.sqlState ?? '';
    this.serverMessage = raw.message;
    this.kind = classify(raw);
  }
}

/** The shape of the driver's errors for what a server sent. */
export interface RawServerError extends Error {
  readonly errno: number;
  readonly sqlState?: string;
}

/** The kind of anything that was thrown by a session; `other` for what no table knows. */
export function classify(error: unknown): ServerErrorKind {
  if (error instanceof ServerError) return error.kind;
  const {
    errno,
    code,
    message = '',
  } = (error ?? {}) as { errno?: unknown; code?: unknown; message?: string };
  if (code === 'connection-lost' || code === 'connect-failed') return 'connection';
  if (typeof code === 'string' && NETWORK_CODES.has(code)) return 'connection';
  if (typeof errno !== 'number') return 'other';
  // 1290 names whichever option forbids the statement; only read_only is a matter of failover.
  if (errno === 1290) return /read[-_]only/i.test(message) ? 'read-only' : 'unsupported';
  return KIND_OF_CODE.get(errno) ?? 'other';
}

/** Whether doing the same again may succeed without anybody changing anything. */
export function isTransient(kind: ServerErrorKind): boolean {
  return TRANSIENT_KINDS.has(kind);
}

/** What a duplicate-key error names. */
export interface Duplicate {
  /** The key's values as the server prints them, joined by `-`; cut at 64 characters or so. For people. */
  readonly entry: string;
  /** The index. */
  readonly key: string;
}

/**
 * The entry and the key of a duplicate-key error, or null where the message has none (1022, 1859).
 * @param table the table's bare name: some servers print `table.key`, others `key`; both may contain dots.
 */
export function duplicateOf(error: unknown, table: string): Duplicate | null {
  if (classify(error) !== 'duplicate') return null;
  const message = error instanceof ServerError ? error.serverMessage : String((error as Error).message);
  // The entry may itself contain quotes, even `' for key '`: the last one counts.
  const match = /'(.*)' for key '(.*)'/s.exec(message);
  if (!match) return null;
  const [, entry = '', printed = ''] = match;
  return { entry, key: printed.startsWith(`${table}.`) ? printed.slice(table.length + 1) : printed };
}
