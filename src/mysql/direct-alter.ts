import type { Clock } from '../base/clock.ts';
import { Ambiguous, messageOf } from '../base/errors.ts';
import { rewrittenColumn, type ShownColumn } from '../core/metadata-only-column.ts';
import { quoteName, quoteTable } from '../core/quote.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { readTableDefinition, withoutCounter } from './inspector/definition.ts';
import { SessionPool } from './pool.ts';
import { dataProfile } from './profile.ts';
import { text, textOrNull } from './row.ts';
import { ServerError } from './server-error.ts';
import { Session } from './session.ts';
import { SessionError } from './session-error.ts';
import { endStatement } from './zombie.ts';

/** An ALTER of the original itself. */
export interface DirectAlter {
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly original: TableDefinition;
  /** `ALGORITHM=INSTANT` or the like. */
  readonly how: string;
  /** The clauses, to stand after `how` and a comma. */
  readonly clauses: string;
  /** In which the server's own ALTER would read and write times. */
  readonly timeZone: string;
  /** How long it may wait for the table, and everybody behind it, seconds. */
  readonly lockWaitSeconds: number;
}

/** What became of it: `locked-out` may succeed when tried again, `refused` will not. */
export type DirectOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'locked-out' | 'refused'; readonly why: string };

const LOCK_WAIT_TIMEOUT = 1205;
/** A change of the dictionary takes milliseconds: what takes longer than this with the lock is not one, ms. */
const workMs = 20_000;

/**
 * Has the server alter the original itself. A lost answer is not an answer: the statement is seen to end, and the server is
 * asked what the table is now.
 * @throws SessionError when no connection can be made; Failure when the statement cannot be seen to end.
 */
export async function alterDirectly(alter: DirectAlter, signal: AbortSignal): Promise<DirectOutcome> {
  const { connection, clock, original, how, clauses, timeZone, lockWaitSeconds } = alter;
  const profile = { ...dataProfile, timeZone, lockWaitTimeoutSeconds: lockWaitSeconds };
  const session = await Session.open(connection, { profile, clock, name: 'direct ALTER', signal });
  const timeoutMs = lockWaitSeconds * 1000 + workMs;
  try {
    // The clauses may name things of the schema.
    await session.execute(`USE ${quoteName(original.ref.schema)}`);
    await session.execute(`ALTER TABLE ${quoteTable(original.ref)} ${how}, ${clauses}`, {
      timeoutMs,
      signal,
    });
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof SessionError) {
      if (await wasDone(alter, session)) return { kind: 'done' };
      signal.throwIfAborted();
      return { kind: 'refused', why: messageOf(error) };
    }
    if (!(error instanceof ServerError)) throw error;
    return { kind: error.errno === LOCK_WAIT_TIMEOUT ? 'locked-out' : 'refused', why: error.serverMessage };
  } finally {
    await session.close();
  }
}

/** Whether the table is another one than before, once the statement is over. */
async function wasDone({ connection, clock, original }: DirectAlter, lost: Session): Promise<boolean> {
  const pool = new SessionPool(connection, {
    name: 'direct ALTER outcome',
    size: 1,
    profile: dataProfile,
    clock,
  });
  try {
    // Whoever wants the run to end has to wait for this: it decides what there is to be told.
    await endStatement(pool, lost, clock, new AbortController().signal);
    const now = await pool.use((session) => readTableDefinition(session, original.ref));
    return now !== null && withoutCounter(now.createSql) !== withoutCounter(original.createSql);
  } catch (error) {
    // To try again would be wrong: two columns that swap their names would have them back, and success be reported.
    throw new Ambiguous(
      `whether the server has altered ${quoteTable(original.ref)} cannot be told: ${messageOf(error)}`,
      {
        hint: 'Look at SHOW CREATE TABLE, and that no ALTER of it is running; then start again, or leave it if it is done.',
        cause: error,
      },
    );
  } finally {
    await pool.close();
  }
}

/**
 * Has the server say, on a temporary table that only our session sees, what becomes of the columns under some clauses.
 * @param scratch a name for it.
 * @returns the first column whose rows would have to be written anew, in words; null when none has to be.
 */
export async function judgeColumns(
  {
    connection,
    clock,
    original,
    timeZone,
  }: Pick<DirectAlter, 'connection' | 'clock' | 'original' | 'timeZone'>,
  scratch: TableRef,
  clauses: string,
  renames: ReadonlyMap<string, string>,
): Promise<string | null> {
  const session = await Session.open(connection, {
    profile: { ...dataProfile, timeZone },
    clock,
    name: 'judge',
  });
  const name = quoteTable(scratch);
  try {
    await session.execute(`USE ${quoteName(original.ref.schema)}`);
    await session.execute(`CREATE TEMPORARY TABLE ${name} LIKE ${quoteTable(original.ref)}`);
    const before = await shownColumns(session, scratch);
    await session.execute(`ALTER TABLE ${name} ${clauses}`);
    const bytesPerChar = new Map(
      original.columns
        .filter(({ lengthChars, charset }) => lengthChars && charset !== null)
        .map((column) => [column.name, Number(column.lengthBytes) / Number(column.lengthChars)]),
    );
    return rewrittenColumn(before, await shownColumns(session, scratch), renames, bytesPerChar);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return `the server does not tell: ${error.serverMessage}`;
  } finally {
    // The temporary table goes with its session.
    await session.close();
  }
}

async function shownColumns(session: Session, table: TableRef): Promise<ShownColumn[]> {
  const rows = await session.query(`SHOW FULL COLUMNS FROM ${quoteTable(table)}`);
  return rows.map((row) => ({
    name: text(row, 'Field'),
    type: text(row, 'Type'),
    collation: textOrNull(row, 'Collation'),
    nullable: text(row, 'Null') === 'YES',
    extra: text(row, 'Extra'),
  }));
}
