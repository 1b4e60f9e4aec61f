import type { Clock } from '../../base/clock.ts';
import type { ArtifactNames } from '../../core/names.ts';
import type { TableDefinition } from '../../core/table.ts';
import type { TableRef } from '../../core/table-ref.ts';
import type { ServerFacts } from '../server.ts';
import type { Session } from '../session.ts';
import { readTableDefinition } from './definition.ts';
import { type ForeignKeys, readForeignKeys } from './foreign-keys.ts';
import { readLingeringXa } from './prepared-xa.ts';
import { findTable, type TableKind } from './table-entry.ts';
import { readTableLocks, type TableLock } from './table-locks.ts';
import { readTriggers, type Trigger } from './triggers.ts';

/** The comment of every artifact that is ours begins with this word. */
export const ARTIFACT_MARK = 'poltergeist';

/** Which of the artifacts a table's name says it is. */
export type ArtifactRole = keyof ArtifactNames;

/** Something that already has the name of an artifact of ours. */
export interface ExistingArtifact {
  readonly role: ArtifactRole;
  readonly ref: TableRef;
  readonly kind: TableKind;
  /** Its comment carries our mark. A ghost has the original's comment, and is never known for ours by it. */
  readonly ours: boolean;
  readonly comment: string;
}

/** All that is found out about the original before anything is touched. */
export interface Inspection {
  /** As the server spells it, when it exists. */
  readonly ref: TableRef;
  readonly kind: TableKind | 'missing';
  readonly definition: TableDefinition | null;
  readonly foreignKeys: ForeignKeys;
  readonly triggers: readonly Trigger[];
  readonly artifacts: readonly ExistingArtifact[];
  /** Who holds the table, the oldest first. */
  readonly locks: readonly TableLock[];
  /** XA transactions that were prepared before we looked and stayed so; null when they cannot be seen. */
  readonly preparedXa: readonly string[] | null;
}

/** What is to be inspected. */
export interface InspectWhat {
  readonly ref: TableRef;
  readonly facts: ServerFacts;
  readonly artifacts: ArtifactNames;
  readonly clock: Clock;
}

/**
 * Looks at the original and its surroundings; changes nothing and judges nothing (see refusals.ts).
 * @throws Failure when the table is being altered; ServerError; SessionError.
 */
export async function inspectOriginal(session: Session, what: InspectWhat): Promise<Inspection> {
  const entry = await findTable(session, what.ref);
  const ref = entry?.ref ?? what.ref;
  const isTable = entry?.kind === 'table' || entry?.kind === 'system-versioned';
  return {
    ref,
    kind: entry?.kind ?? 'missing',
    definition: isTable ? await readTableDefinition(session, ref) : null,
    foreignKeys: isTable ? await readForeignKeys(session, ref) : { own: [], pointing: [], complete: true },
    triggers: isTable ? await readTriggers(session, ref) : [],
    artifacts: await findArtifacts(session, ref.schema, what.artifacts),
    locks: isTable ? await readTableLocks(session, ref, what.facts.lockSource) : [],
    preparedXa: isTable ? await readLingeringXa(session, what.clock) : [],
  };
}

/**
 * Which of the names we are about to use are taken.
 * @throws ServerError, SessionError.
 */
export async function findArtifacts(
  session: Session,
  schema: string,
  names: ArtifactNames,
): Promise<readonly ExistingArtifact[]> {
  const found: ExistingArtifact[] = [];
  for (const role of ['ghost', 'changelog', 'old', 'sentry', 'checkpoint'] as const) {
    const entry = await findTable(session, { schema, name: names[role] });
    if (!entry) continue;
    const { ref, kind, comment } = entry;
    found.push({ role, ref, kind, comment, ours: isMarked(comment) });
  }
  return found;
}

/** Whether a table comment carries our mark. */
export function isMarked(comment: string): boolean {
  return (
    comment === ARTIFACT_MARK ||
    comment.startsWith(`${ARTIFACT_MARK} `) ||
    comment.startsWith(`${ARTIFACT_MARK}:`)
  );
}
