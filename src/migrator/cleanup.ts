import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/errors.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { isNothing } from '../core/checkpoint.ts';
import { artifactNames, type NameOptions } from '../core/names.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { dropTable } from '../mysql/artifacts.ts';
import { endStatementsOn } from '../mysql/checkpoint-quiet.ts';
import { readCheckpoint, type StoredCheckpoint } from '../mysql/checkpoint-table.ts';
import { readTableDefinition } from '../mysql/inspector/definition.ts';
import { type ExistingArtifact, findArtifacts } from '../mysql/inspector/inspection.ts';
import { findTable, type TableKind } from '../mysql/inspector/table-entry.ts';
import { findScratch, scratchOf } from '../mysql/scratch.ts';
import type { Session } from '../mysql/session.ts';
import { shapeOf } from './resume.ts';

/** What to look for. */
export interface CleanUpTask {
  readonly table: TableRef;
  readonly names: NameOptions;
  /** The old table may go as well. */
  readonly okToDropTable: boolean;
  /** Given where leftovers are to be dropped: what a dead run's statements may still do is brought to an end before. */
  readonly clock?: Clock;
}

/** A table that bears one of our names, and what is to become of it. */
export interface Leftover {
  readonly ref: TableRef;
  /** What it is, for people. */
  readonly what: string;
  /** Why it stays; null when it can go. */
  readonly kept: string | null;
}

/** What a dead run has left. */
export interface Remnants {
  readonly leftovers: readonly Leftover[];
  /** How far it was, where `--resume` may go on from there; null where there is nothing to go on from. */
  readonly resumable: StoredCheckpoint | null;
}

/**
 * Looks for what a dead run has left; the caller holds the run lock. Only what is provably ours can go:
 *  - changelog, checkpoint, sentry   by their comments; the sentry's relief in the old table's place, too
 *  - probe and its twin              by the comment of the probe
 *  - ghost                           by a changelog or checkpoint beside it, since it has the original's
 *                                    comment
 *  - old table                       only when asked for, after a swap, when it is what the checkpoint began
 *                                    with, and no write is in it only
 * @returns with the tables in the order in which they are to be dropped: what proves that others are ours goes
 *   last.
 * @throws Refusal `not-found` when the original is not there: then one of ours may hold its rows.
 */
export async function findLeftovers(session: Session, task: CleanUpTask): Promise<Remnants> {
  const original = await findTable(session, task.table);
  if (original?.kind !== 'table') {
    throw new Refusal(
      'not-found',
      `the table ${quoteTable(task.table)} cannot be found. Nothing was touched.`,
      {
        hint: 'One of our tables may hold its rows: look at them before anything is dropped.',
      },
    );
  }
  const { schema, name } = original.ref;
  const names = artifactNames(name, task.names);
  const scratch = scratchOf({ schema, name: names.changelog });
  const writable = [{ schema, name: names.ghost }, scratch.twin];
  if (task.clock) await endStatementsOn(session, writable, task.clock);
  const first = await findArtifacts(session, schema, names);
  const stored = await checkpointOf(session, first);
  // The old table's name may have the time of the run's start in it.
  const artifacts = stored
    ? await findArtifacts(session, schema, { ...names, old: stored.task.oldName })
    : first;
  const leftovers: Leftover[] = [];
  for (const { ref, what, kind, ours } of await findScratch(session, scratch))
    leftovers.push({ ref, what: `${what} table`, kept: ours ? null : strange(kind) });
  for (const role of ['sentry', 'old', 'ghost', 'changelog', 'checkpoint'] as const) {
    const artifact = artifacts.find((each) => each.role === role);
    if (artifact) leftovers.push(await judge(session, artifact, artifacts, stored, task));
  }
  const isThere = artifacts.some(({ role }) => role === 'ghost');
  const resumable = isThere && stored !== null && !isNothing(stored.state.prefix);
  return { leftovers, resumable: resumable ? stored : null };
}

/** Drops what can go. @returns what was dropped. */
export async function dropLeftovers(
  session: Session,
  found: readonly Leftover[],
): Promise<readonly Leftover[]> {
  const going = found.filter(({ kept }) => kept === null);
  for (const { ref } of going) await dropTable(session, ref);
  return going;
}

/** One that cannot be read proves no less by its comment; it only says nothing of the old table. */
async function checkpointOf(
  session: Session,
  artifacts: readonly ExistingArtifact[],
): Promise<StoredCheckpoint | null> {
  const found = artifacts.find(({ role }) => role === 'checkpoint');
  if (found?.kind !== 'table' || !found.ours) return null;
  return await readCheckpoint(session, found.ref).catch((error: unknown) => {
    if (error instanceof Refusal) return null;
    throw error;
  });
}

/** Why something that bears a name of ours stays. */
function strange(kind: TableKind): string {
  if (kind !== 'table') return `it is a ${kind}`;
  return "its comment is not poltergeist's: look what it is, and drop it by hand";
}

async function judge(
  session: Session,
  artifact: ExistingArtifact,
  all: readonly ExistingArtifact[],
  stored: StoredCheckpoint | null,
  task: CleanUpTask,
): Promise<Leftover> {
  const { role, ref, kind, ours, comment } = artifact;
  const isSentry = (role === 'old' || role === 'sentry') && comment === sentryComment;
  const what = isSentry ? 'sentry table' : `${role} table`;
  const leftover = (kept: string | null): Leftover => ({ ref, what, kept });
  if (kind !== 'table') return leftover(strange(kind));
  if (isSentry) return leftover(null);
  if (role === 'changelog' || role === 'checkpoint' || role === 'sentry')
    return leftover(ours ? null : strange(kind));
  if (role === 'ghost') {
    const proven = all.some((other) => other.ours && /^(changelog|checkpoint)$/.test(other.role));
    return leftover(
      proven
        ? null
        : 'no changelog or checkpoint of ours beside it proves that it is ours: drop it by hand if it is',
    );
  }
  if (!task.okToDropTable) return leftover('an old table goes only with --ok-to-drop-table');
  if (all.some((other) => other.role === 'ghost'))
    return leftover(
      'the ghost is still there, so the tables have not been swapped: this is not the old table',
    );
  if (stored && !stored.state.settled)
    return leftover(
      'the run that swapped the tables died before it had looked for late writes: --resume does',
    );
  const definition = stored && (await readTableDefinition(session, ref));
  const proven = definition && shapeOf(definition.createSql) === shapeOf(stored.task.originalSql);
  return leftover(
    proven ? null : 'no checkpoint beside it proves that it was the original: drop it by hand if it was',
  );
}
