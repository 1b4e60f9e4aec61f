import { Refusal } from '../base/errors.ts';
import { scratchNames } from '../core/names.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { createLike } from './artifacts.ts';
import { ARTIFACT_MARK, isMarked } from './inspector/inspection.ts';
import { findTable, type TableKind } from './inspector/table-entry.ts';
import type { Session } from './session.ts';

/** Where things are tried out before anything of a migration is made. Nothing stays there. */
export interface ScratchRefs {
  /** Bears our mark: what the account may do is tried on it. */
  readonly probe: TableRef;
  /**
   * Like the original, its comment included. What proves that it is ours is the probe beside it, which is made before it and
   * dropped after it: so the next run can remove what a run has left that was killed.
   */
  readonly twin: TableRef;
}

/** The scratch tables beside a changelog. */
export function scratchOf(changelog: TableRef): ScratchRefs {
  const { probe, twin } = scratchNames(changelog.name);
  return { probe: { ...changelog, name: probe }, twin: { ...changelog, name: twin } };
}

/** CREATE TABLE of the probe. */
export function createProbeSql(probe: TableRef): string {
  return `CREATE TABLE ${quoteTable(probe)} (id INT NOT NULL PRIMARY KEY, v INT) ENGINE=InnoDB COMMENT='${ARTIFACT_MARK} probe'`;
}

/** Drops both, the twin first: as long as it is there the probe proves whose it is. */
export function dropScratchSql({ probe, twin }: ScratchRefs): string {
  return `DROP TABLE IF EXISTS ${quoteTable(twin)}, ${quoteTable(probe)}`;
}

/** Something that has the name of a scratch table. */
export interface FoundScratch {
  readonly what: keyof ScratchRefs;
  readonly ref: TableRef;
  readonly kind: TableKind;
  /** Left by a run that was killed. */
  readonly ours: boolean;
}

/** What is there, in the order in which it is to be dropped. @throws ServerError, SessionError. */
export async function findScratch(session: Session, scratch: ScratchRefs): Promise<readonly FoundScratch[]> {
  const twin = await findTable(session, scratch.twin);
  const probe = await findTable(session, scratch.probe);
  const bearsMark = (entry: typeof probe): boolean => entry?.kind === 'table' && isMarked(entry.comment);
  const found: FoundScratch[] = [];
  if (twin)
    found.push({ ...twin, what: 'twin', ours: twin.kind === 'table' && [twin, probe].some(bearsMark) });
  if (probe) found.push({ ...probe, what: 'probe', ours: bearsMark(probe) });
  return found;
}

/** @throws Refusal `probe-table` where something has these names that is not provably ours. */
export async function refuseStrangers(session: Session, scratch: ScratchRefs): Promise<void> {
  const stranger = (await findScratch(session, scratch)).find(({ ours }) => !ours);
  if (!stranger) return;
  throw new Refusal(
    'probe-table',
    `A table ${quoteTable(stranger.ref)} exists, and it is not poltergeist's`,
    {
      hint: 'The name is needed to try things out before the migration begins. Rename or drop it, or use --force-table-names.',
    },
  );
}

/**
 * Lets something be tried on an empty twin of the original, and leaves nothing.
 * @throws Refusal `probe-table`, `table-like`; ServerError, where the account may not make or drop tables, for one; what `work`
 *   throws.
 */
export async function withTwin<T>(
  session: Session,
  scratch: ScratchRefs,
  original: TableRef,
  work: () => Promise<T>,
): Promise<T> {
  await refuseStrangers(session, scratch);
  // What an account may not drop, it shall not make.
  await session.execute(dropScratchSql(scratch));
  await session.execute(createProbeSql(scratch.probe));
  // A table that somebody else makes under the twin's name meanwhile is not ours to drop.
  let leftSql = `DROP TABLE IF EXISTS ${quoteTable(scratch.probe)}`;
  try {
    await createLike(session, scratch.twin, original);
    leftSql = dropScratchSql(scratch);
    return await work();
  } finally {
    if (session.usable) await session.execute(leftSql);
  }
}
