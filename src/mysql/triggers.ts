import { quoteName, quoteTable, quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readTriggers } from './inspector/triggers.ts';
import { type Row, text } from './row.ts';
import type { Session } from './session.ts';

/** A trigger with all that the server keeps of it. */
export interface TriggerSource {
  readonly name: string;
  /** CREATE TRIGGER, its definer included. */
  readonly sql: string;
  readonly sqlMode: string;
  /** Of the session that made it. */
  readonly charset: string;
  readonly collation: string;
  /** Of its schema when it was made. */
  readonly databaseCollation: string;
}

/** A trigger to be made. */
export type NewTrigger = Pick<TriggerSource, 'name' | 'sql' | 'sqlMode' | 'charset' | 'collation'>;

/**
 * The triggers of a table in full, in the order in which they fire.
 * @throws ServerError, SessionError.
 */
export async function readTriggerSources(
  session: Session,
  table: TableRef,
): Promise<readonly TriggerSource[]> {
  const sources: TriggerSource[] = [];
  for (const { name } of await readTriggers(session, table)) {
    const [row] = await session.query(`SHOW CREATE TRIGGER ${quoteTable({ schema: table.schema, name })}`);
    if (row) sources.push(sourceOf(row));
  }
  return sources;
}

function sourceOf(row: Row): TriggerSource {
  return {
    name: text(row, 'Trigger'),
    sql: text(row, 'SQL Original Statement'),
    sqlMode: text(row, 'sql_mode'),
    charset: text(row, 'character_set_client'),
    collation: text(row, 'collation_connection'),
    databaseCollation: text(row, 'Database Collation'),
  };
}

/** The collation that new triggers of a schema get. */
export async function schemaCollation(session: Session, schema: string): Promise<string> {
  const [row] = await session.query(
    `SELECT DEFAULT_COLLATION_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteText(schema)}`,
  );
  return row ? text(row, 'name') : '';
}

/**
 * Creates triggers in their order, each as if by the session that made the first one. The session is afterwards as before.
 * @throws ServerError, SessionError: some may have been made.
 */
export async function createTriggers(
  session: Session,
  triggers: readonly NewTrigger[],
  signal?: AbortSignal,
): Promise<void> {
  const limits = signal ? { signal } : {};
  const names = ['sql_mode', 'character_set_client', 'collation_connection'];
  const [before] = await session.query(
    `SELECT ${names.map((name) => `@@SESSION.${name} AS ${name}`).join(', ')}`,
    limits,
  );
  const set = async (values: readonly string[]): Promise<void> => {
    await session.execute(
      `SET ${names.map((name, i) => `SESSION ${name} = ${quoteText(values[i] ?? '')}`).join(', ')}`,
      limits,
    );
  };
  try {
    for (const { sql, sqlMode, charset, collation } of triggers) {
      await set([sqlMode, charset, collation]);
      await session.execute(sql, limits);
    }
  } finally {
    if (session.usable) await set(names.map((name) => text(before!, name)));
  }
}

/** Drops all triggers of a table. @returns how many there were. */
export async function dropTriggersOf(session: Session, table: TableRef): Promise<number> {
  const triggers = await readTriggers(session, table);
  for (const { name } of triggers)
    await session.execute(`DROP TRIGGER IF EXISTS ${quoteName(table.schema)}.${quoteName(name)}`);
  return triggers.length;
}
