import { Failure, messageOf, Refusal } from '../base/errors.ts';
import { createChangelogSql, sentryComment } from '../core/changelog-sql.ts';
import { quoteName, quoteTable, quoteText } from '../core/quote.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readTableDefinition } from './inspector/definition.ts';
import { whereTable } from './inspector/table-entry.ts';
import { text, textOrNull } from './row.ts';
import { ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** The tables that one migration makes, all beside the original. */
export interface ArtifactRefs {
  readonly ghost: TableRef;
  readonly changelog: TableRef;
  readonly old: TableRef;
  readonly sentry: TableRef;
  readonly checkpoint: TableRef;
}

/** Creates the changelog, replacing one that an earlier run of ours has left. */
export async function createChangelog(session: Session, changelog: TableRef): Promise<void> {
  await dropTable(session, changelog);
  for (const sql of createChangelogSql(changelog)) await session.execute(sql);
}

/**
 * Creates an empty table like the original.
 * @throws Refusal `table-like` where the server as it is set would not let the original be made again; ServerError.
 */
export async function createLike(session: Session, table: TableRef, original: TableRef): Promise<void> {
  try {
    await session.execute(`CREATE TABLE ${quoteTable(table)} LIKE ${quoteTable(original)}`);
  } catch (error) {
    if (!(error instanceof ServerError && /^(other|unsupported)$/.test(error.kind))) throw error;
    throw new Refusal(
      'table-like',
      `the server does not make an empty table like ${quoteTable(original)}: ${error.serverMessage}`,
      {
        hint:
          'The original table is untouched. It was made under other settings of the server than it has now ' +
          '(sql_require_primary_key, innodb_force_primary_key, innodb_file_per_table or the like): set them as they were.',
        cause: error,
      },
    );
  }
}

/**
 * Creates the ghost and has the server alter it: the server is the parser.
 * @param alterText the clauses, to stand after `ALTER TABLE ghost `.
 * @returns the ghost's definition.
 * @throws Refusal `alter` when the server does not accept the ALTER; as `createLike` does.
 */
export async function createGhost(
  session: Session,
  original: TableRef,
  ghost: TableRef,
  alterText: string,
): Promise<TableDefinition> {
  await createLike(session, ghost, original);
  return await alterGhost(session, ghost, alterText);
}

/** The same for a table that is there already, and is like the original. */
export async function alterGhost(
  session: Session,
  ghost: TableRef,
  alterText: string,
): Promise<TableDefinition> {
  // The ALTER may name things of the schema: a sequence, a function.
  await session.execute(`USE ${quoteName(ghost.schema)}`);
  try {
    await session.execute(`ALTER TABLE ${quoteTable(ghost)} ${alterText}`);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new Refusal('alter', `the server does not accept this ALTER: ${error.serverMessage}`, {
      hint: 'The original table is untouched. Mend the ALTER and start again.',
      cause: error,
    });
  }
  const definition = await readTableDefinition(session, ghost);
  if (!definition) throw new Failure(`the ghost table ${quoteTable(ghost)} vanished right after it was made`);
  return definition;
}

/** Drops a table if it is there. */
export async function dropTable(session: Session, table: TableRef): Promise<void> {
  await session.execute(`DROP TABLE IF EXISTS ${quoteTable(table)}`);
}

/**
 * Drops a sentry of ours and its relief, which stands in the old table's place: their comment tells them from an old table.
 * @param onDrop told of the session, right before a DROP.
 */
export async function dropSentry(
  session: Session,
  places: readonly TableRef[],
  onDrop: (threadId: number) => void = () => undefined,
): Promise<void> {
  const rows = await session.query(
    `SELECT table_schema AS place, table_name AS name FROM information_schema.tables ` +
      `WHERE (${places.map((place) => whereTable(place, 'table_schema', 'table_name')).join(' OR ')}) ` +
      `AND table_comment = ${quoteText(sentryComment)}`,
  );
  for (const place of places) {
    // Compared here as well: there the case of letters may not count.
    if (!rows.some((row) => text(row, 'place') === place.schema && text(row, 'name') === place.name))
      continue;
    onDrop(session.threadId);
    await session.execute(`DROP TABLE ${quoteTable(place)}`);
  }
}

/**
 * Gives the ghost the original's next AUTO_INCREMENT value, so that ids which were given out and deleted are not given
 * out again (HAZARDS 121). Never lowers it.
 */
export async function carryAutoIncrement(
  session: Session,
  original: TableRef,
  ghost: TableDefinition,
): Promise<void> {
  const next = await missingAutoIncrement(session, original, ghost);
  if (next !== null) await session.execute(`ALTER TABLE ${quoteTable(ghost.ref)} AUTO_INCREMENT = ${next}`);
}

/** The value that `carryAutoIncrement` would give to the ghost as things are; null where it has no need of one. */
export async function missingAutoIncrement(
  session: Session,
  original: TableRef,
  { ref: ghost, columns }: TableDefinition,
): Promise<bigint | null> {
  if (!columns.some((column) => column.autoIncrement)) return null;
  const rows = await session.query(
    `SELECT table_name AS name, auto_increment AS next FROM information_schema.tables ` +
      `WHERE table_schema = ${quoteText(original.schema)} ` +
      `AND table_name IN (${quoteText(original.name)}, ${quoteText(ghost.name)})`,
  );
  const next = (table: TableRef): bigint => {
    const row = rows.find((one) => text(one, 'name') === table.name);
    // None is no column that counts, or a table that never had a row.
    return BigInt((row && textOrNull(row, 'next')) ?? 1);
  };
  return next(ghost) >= next(original) ? null : next(original);
}

const analyzeTimeoutMs = 60_000;

/**
 * Makes the server count the ghost's statistics: without them every plan would turn bad right after the swap (HAZARDS 114).
 * @returns what the server complained about, or null.
 */
export async function analyze(
  session: Session,
  table: TableRef,
  timeoutMs = analyzeTimeoutMs,
): Promise<string | null> {
  try {
    // Admin statements report failure in their result set, not as an error.
    const rows = await session.query(`ANALYZE NO_WRITE_TO_BINLOG TABLE ${quoteTable(table)}`, { timeoutMs });
    const bad = rows.find((row) => /error/i.test(text(row, 'Msg_type')));
    return bad ? text(bad, 'Msg_text') : null;
  } catch (error) {
    return messageOf(error);
  }
}
