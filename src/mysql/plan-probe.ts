import { messageOf } from '../base/errors.ts';
import { quoteName, quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { numberOrNull, type Row, textOrNull } from './row.ts';
import { type ScratchRefs, withTwin } from './scratch.ts';
import { ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** How the server would do an ALTER by itself, the cheapest way that it accepts. */
export type OwnAlgorithm = 'INSTANT' | 'NOCOPY' | 'INPLACE' | 'COPY' | 'unknown';

const attempts: readonly (readonly [OwnAlgorithm, string])[] = [
  ['INSTANT', 'ALGORITHM=INSTANT'],
  // MariaDB's word for what does not rebuild the table; others do not know it.
  ['NOCOPY', 'ALGORITHM=NOCOPY, LOCK=NONE'],
  ['INPLACE', 'ALGORITHM=INPLACE, LOCK=NONE'],
];

/**
 * Asks the server how it would do the ALTER itself with writers going on, by trying on an empty twin of the original. What
 * hangs on the state of the table (how often it was altered instantly) the twin cannot tell.
 * @param clauses what follows `ALTER TABLE t `, without ALGORITHM and LOCK.
 */
export async function ownAlgorithm(
  session: Session,
  original: TableRef,
  scratch: ScratchRefs,
  clauses: string,
): Promise<OwnAlgorithm> {
  const accepts = (how: string): Promise<boolean> =>
    session.execute(`ALTER TABLE ${quoteTable(scratch.twin)} ${how}, ${clauses}`).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ServerError) return false;
        throw error;
      },
    );
  try {
    await session.execute(`USE ${quoteName(original.schema)}`);
    return await withTwin(session, scratch, original, async () => {
      for (const [algorithm, how] of attempts) if (await accepts(how)) return algorithm;
      return 'COPY';
    });
  } catch (error) {
    if (error instanceof ServerError) return 'unknown';
    throw error;
  }
}

/** Servers that are reading the binlog of this one, as `host:port` where they report it; null when the account may not ask. */
export async function connectedReplicas(session: Session): Promise<readonly string[] | null> {
  const rows = await firstAccepted(session, ['SHOW REPLICAS', 'SHOW SLAVE HOSTS']);
  if (rows === null) return null;
  return rows.map((row) => {
    const [host, port] = [textOrNull(row, 'Host'), textOrNull(row, 'Port')];
    // Only a replica that is configured to (report_host) tells its name.
    if (!host) return `server id ${textOrNull(row, pick(row, 'Server_Id', 'Server_id'))} (port ${port})`;
    return `${host}:${port}`;
  });
}

/** How far a replica is behind by its own account, in words. */
export async function lagInWords(session: Session): Promise<string> {
  try {
    const rows = await firstAccepted(session, ['SHOW REPLICA STATUS', 'SHOW SLAVE STATUS']);
    if (rows === null) return 'lag not known: REPLICATION CLIENT is missing';
    if (rows.length === 0) return 'is no replica';
    const lags = rows.map((row) =>
      numberOrNull(row, pick(row, 'Seconds_Behind_Source', 'Seconds_Behind_Master')),
    );
    return lags.includes(null) ? 'replication is not running' : `${Math.max(...lags.map(Number))} s behind`;
  } catch (error) {
    return `cannot be asked: ${messageOf(error)}`;
  }
}

async function firstAccepted(
  session: Session,
  statements: readonly string[],
): Promise<readonly Row[] | null> {
  for (const sql of statements) {
    try {
      return await session.query(sql);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
    }
  }
  return null;
}

function pick(row: Row, ...names: readonly string[]): string {
  return names.find((name) => name in row) ?? names[0]!;
}
