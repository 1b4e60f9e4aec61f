import { Failure } from '../base/errors.ts';
import { keyTexts } from '../core/create-table.ts';
import {
  type BuildLock,
  type BuildStep,
  type DeferredIndexes,
  deferrable,
  draftSteps,
  type StepDraft,
} from '../core/deferral.ts';
import { quoteName, quoteTable } from '../core/quote.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readTableDefinition, withoutCounter } from './inspector/definition.ts';
import { textOrNull } from './row.ts';
import { ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** The gentlest first. A COPY of the whole ghost is no way to build an index. */
const locks: readonly BuildLock[] = ['NONE', 'SHARED'];

/** The statement of a step. */
export function buildSql(ghost: TableRef, { clauses }: StepDraft, lock: BuildLock): string {
  return `ALTER TABLE ${quoteTable(ghost)} ${clauses}, ALGORITHM=INPLACE, LOCK=${lock}`;
}

/**
 * Takes the secondary indexes from the empty ghost that can be built when it is full. The server is the judge: the very
 * statements are tried on the empty table first, and what comes out must be, letter by letter, what its own ALTER made.
 * @param lookup name of the index that finds rows by the migration key.
 * @returns null where no index can be deferred; then the ghost is as it was but must be made anew if `spoiled`.
 * @throws ServerError, SessionError.
 */
export async function deferIndexes(
  session: Session,
  ghost: TableDefinition,
  lookup: string,
): Promise<DeferredIndexes | 'spoiled' | null> {
  const keys = deferrable(ghost, lookup);
  if (keys.length === 0) return null;
  const names = keys.map(({ name }) => name ?? '');
  const table = ghost.ref;
  const drop = `ALTER TABLE ${quoteTable(table)} ${names.map((name) => `DROP KEY ${quoteName(name)}`).join(', ')}`;
  try {
    await session.execute(drop);
    const steps: BuildStep[] = [];
    for (const draft of draftSteps(keys)) {
      const lock = await tryStep(session, table, draft);
      if (lock === null) return 'spoiled';
      steps.push({ ...draft, lock });
    }
    const rebuilt = await readTableDefinition(session, table);
    if (!rebuilt || withoutCounter(rebuilt.createSql) !== withoutCounter(ghost.createSql)) return 'spoiled';
    await session.execute(drop);
    return { indexes: ghost.indexes.filter(({ name }) => names.includes(name)), steps };
  } catch (error) {
    if (error instanceof ServerError) return 'spoiled';
    throw error;
  }
}

async function tryStep(session: Session, ghost: TableRef, draft: StepDraft): Promise<BuildLock | null> {
  for (const lock of locks) {
    try {
      await session.execute(buildSql(ghost, draft, lock));
      return lock;
    } catch (error) {
      if (!(error instanceof ServerError) || error.kind !== 'unsupported') throw error;
    }
  }
  return null;
}

/** The names of the keys that a table has. @throws Failure when it is gone. */
export async function keysOfTable(session: Session, table: TableRef): Promise<ReadonlySet<string>> {
  const [row] = await session.query(`SHOW CREATE TABLE ${quoteTable(table)}`);
  const createSql = row && textOrNull(row, 'Create Table');
  if (!createSql) throw new Failure(`${quoteTable(table)} vanished`);
  return new Set(keyTexts(createSql).map(({ name }) => name ?? 'PRIMARY'));
}

/**
 * Replicas that have registered with the server; null where that cannot be asked. Our own stream does not register.
 */
export async function countReplicas(session: Session): Promise<number | null> {
  for (const sql of ['SHOW REPLICAS', 'SHOW SLAVE HOSTS']) {
    try {
      return (await session.query(sql)).length;
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
    }
  }
  return null;
}
