import { quoteText } from '../core/quote.ts';
import {
  FilePosition,
  GtidPosition,
  type MariadbGtidPosition,
  parseMariadbGtids,
  parsePosition,
} from './binlog/stream-position.ts';
import { text } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** Why the stream cannot start at a position. */
export interface MissingPosition {
  /**
   * `purged`: the server has thrown away what comes behind it. `unknown`: the server has never been there.
   */
  readonly code: 'purged' | 'unknown';
  readonly why: string;
}

/** Whether a position means the same on every server of a topology. @throws UsageError when the text is no position. */
export function isPortable(position: string): boolean {
  return !(parsePosition(position) instanceof FilePosition);
}

/**
 * Whether the server still has everything behind a position, and has been there at all: a server that was
 * restored or failed over may not (HAZARDS 42). Reads only.
 * @returns null when the stream can start there, as far as can be told beforehand.
 * @throws UsageError when the text is no position; ServerError, SessionError.
 */
export async function findMissing(session: Session, position: string): Promise<MissingPosition | null> {
  const parsed = parsePosition(position);
  if (parsed instanceof FilePosition) return await missingFile(session, parsed);
  if (parsed instanceof GtidPosition) return await missingGtids(session, parsed);
  return await missingDomains(session, parsed);
}

const purged = (why: string): MissingPosition => ({ code: 'purged', why });
const unknown = (why: string): MissingPosition => ({ code: 'unknown', why });

async function missingFile(
  session: Session,
  { file, offset }: FilePosition,
): Promise<MissingPosition | null> {
  const logs = await session.query('SHOW BINARY LOGS');
  const found = logs.find((row) => text(row, 'Log_name') === file);
  if (found) {
    const size = Number(text(found, 'File_size'));
    return offset <= size ? null : unknown(`${file} has ${size} bytes only, not ${offset}`);
  }
  const first = logs[0] ? text(logs[0], 'Log_name') : null;
  const isOlder = first !== null && numberOf(file) < numberOf(first);
  return isOlder ? purged(`the oldest binlog is ${first}`) : unknown(`the server has no binlog ${file}`);
}

/** `binlog.000012` is 12. */
function numberOf(file: string): number {
  return Number(/\d+$/.exec(file)?.[0] ?? Number.NaN);
}

async function missingGtids(session: Session, { set }: GtidPosition): Promise<MissingPosition | null> {
  const wanted = quoteText(set.toString());
  const [row] = await session.query(
    `SELECT GTID_SUBSET(@@GLOBAL.gtid_purged, ${wanted}) AS there, ` +
      `GTID_SUBSET(${wanted}, @@GLOBAL.gtid_executed) AS known, @@GLOBAL.gtid_mode AS mode, ` +
      `GTID_SUBTRACT(@@GLOBAL.gtid_purged, ${wanted}) AS lost, ` +
      `GTID_SUBTRACT(${wanted}, @@GLOBAL.gtid_executed) AS ahead`,
  );
  if (!row) return unknown('the server does not say what it has executed');
  if (text(row, 'mode') !== 'ON') return unknown(`gtid_mode is ${text(row, 'mode')} now`);
  if (text(row, 'known') !== '1') return unknown(`the server has never executed ${text(row, 'ahead')}`);
  return text(row, 'there') === '1' ? null : purged(`the server has purged ${text(row, 'lost')}`);
}

async function missingDomains(
  session: Session,
  { domains }: MariadbGtidPosition,
): Promise<MissingPosition | null> {
  const [row] = await session.query('SELECT @@GLOBAL.gtid_binlog_state AS state');
  const state = parseStates(row ? text(row, 'state') : '');
  for (const { domain, server, sequence } of domains) {
    const last = state.get(`${domain}-${server}`);
    if (last === undefined || last < sequence)
      return unknown(`the server has never written ${domain}-${server}-${sequence}`);
  }
  const oldest = await firstGtids(session);
  for (const lost of oldest?.domains ?? []) {
    const ours = domains.find(({ domain }) => domain === lost.domain);
    if (ours === undefined || ours.sequence < lost.sequence)
      return purged(`the oldest binlog begins behind ${lost.domain}-${lost.server}-${lost.sequence}`);
  }
  return null;
}

/** `0-1-100,0-2-7`: the last number by domain and server. */
function parseStates(list: string): ReadonlyMap<string, number> {
  const states = new Map<string, number>();
  for (const item of list.split(',')) {
    const [, name, sequence] = /^\s*(\d+-\d+)-(\d+)\s*$/.exec(item) ?? [];
    if (name !== undefined) states.set(name, Number(sequence));
  }
  return states;
}

/**
 * Where the oldest binlog of a MariaDB begins; null where the account may not look, and the stream will find
 * out.
 */
async function firstGtids(session: Session): Promise<MariadbGtidPosition | null> {
  try {
    const [first] = await session.query('SHOW BINARY LOGS');
    if (!first) return null;
    const file = quoteText(text(first, 'Log_name'));
    const events = await session.query(`SHOW BINLOG EVENTS IN ${file} LIMIT 4`);
    const list = events.find((event) => text(event, 'Event_type') === 'Gtid_list');
    return list ? parseMariadbGtids(text(list, 'Info').replace(/[[\]]/g, '')) : null;
  } catch (error) {
    if (classify(error) === 'privilege') return null;
    throw error;
  }
}
