import { Refusal } from '../base/errors.ts';
import { Refusals } from '../base/refusals.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { marksBefore } from '../core/checkpoint.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableDefinition } from '../core/table.ts';
import { createChangelog, dropSentry, dropTable } from '../mysql/artifacts.ts';
import { endStatementsOn } from '../mysql/checkpoint-quiet.ts';
import { type StoredCheckpoint, writeCheckpoint } from '../mysql/checkpoint-table.ts';
import { readTableDefinition } from '../mysql/inspector/definition.ts';
import { readForeignKeys } from '../mysql/inspector/foreign-keys.ts';
import { findTable } from '../mysql/inspector/table-entry.ts';
import { readTriggers } from '../mysql/inspector/triggers.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { onOneSession } from './one-session.ts';
import { shapeOf, storedCheckpoint } from './resume.ts';
import type { BeginContext, Beginning, ResumePoint, SwappedBefore } from './resume-begin.ts';
import { refusePosition } from './resume-position.ts';
import { planRevert, type RevertPlan } from './revert-plan.ts';
import { planTriggers } from './triggers.ts';

/** What was found, and fits together. */
interface Judged extends RevertPlan {
  readonly stored: StoredCheckpoint;
}

/**
 * Begins a revert (`--revert`): the present table has the original's part, and the old one the ghost's. The old table is a
 * whole copy as of the cut-over, so nothing is copied: what was written since is in the stream, which is read from the position
 * right behind the RENAME. From there on it is a migration like any other, verification and cut-over included.
 *
 * A revert that is cut off is begun again from the same position: to sync a key once more is harmless.
 * @throws Refusal with nothing touched.
 */
export async function beginRevert(context: BeginContext): Promise<Beginning | SwappedBefore> {
  const { found, parts, checkpoint, touching, signal } = context;
  const use = { name: 'preparation', signal };
  const judged = await onOneSession(parts, use, (session) => judge(session, found, parts));
  if ('swapped' in judged) return judged;
  const { survey, plan, stored } = judged;
  const { state } = stored;
  const point: ResumePoint = {
    ...{ position: state.position, prefix: { complete: true, low: null }, rowsCopied: 0 },
    ...{ chunkRows: state.chunkRows, lastMark: marksBefore(state.marks), ghostOnly: true, verified: null },
  };
  if (!parts.config.execute) return { survey, plan, checkpoint, point };
  touching();
  return await onOneSession(parts, use, async (session) => {
    const { ghost, changelog, old, sentry } = survey.artifacts;
    const { log, clock, config } = parts;
    log.info({ position: state.position }, `Reverting: ${quoteTable(ghost)} gets what was written since`);
    await endStatementsOn(session, [ghost, changelog], clock);
    // The next attempt must not take marks of this one for its own.
    const counted = { ...state, marks: point.lastMark };
    const atMs = Math.max(clock.wallMs(), stored.writtenAtMs + 1);
    await writeCheckpoint(session, survey.artifacts.checkpoint, stored.runId, counted, atMs);
    await dropSentry(session, [old, sentry]);
    if (config.refusals.initiallyDropOldTable) await dropTable(session, old);
    await createChangelog(session, changelog);
    const triggers = await planTriggers(session, survey, parts);
    return { survey, plan: { ...plan, triggers }, checkpoint, point };
  });
}

/** Looks at what there is. Reads only. */
async function judge(
  session: Session,
  found: Survey,
  parts: MigrationParts,
): Promise<Judged | SwappedBefore> {
  const { artifacts, original } = found;
  const stored = await finishedCheckpoint(session, found);
  const { task } = stored;
  const [ghost, left] = [
    await readTableDefinition(session, artifacts.ghost),
    await readTableDefinition(session, artifacts.old),
  ];
  const is = (table: TableDefinition | null, sql: string): boolean =>
    table !== null && shapeOf(table.createSql) === shapeOf(sql);
  // What the checkpoint says of late writes, it says of the migration's swap.
  if (!ghost && is(left, task.ghostSql) && is(original, task.originalSql))
    return {
      swapped: found,
      stored: { ...stored, state: { ...stored.state, settled: false, drained: false } },
    };
  if (!ghost) {
    throw cannotRevert(
      'old-table-missing',
      `the old table ${quoteTable(artifacts.ghost)} is not there`,
      'Somebody has dropped or renamed it. Migrate back instead.',
    );
  }
  const refusals = new Refusals();
  await refusals.judgeAsync(() => refuseTriggers(session, ghost));
  await refusals.judgeAsync(() => refuseForeignKeys(session, ghost));
  const same = [is(original, task.ghostSql), is(ghost, task.originalSql)];
  if (!same[0]) refusals.add(altered(original, 'original-changed'));
  if (!same[1]) refusals.add(altered(ghost, 'old-table-changed'));
  await refusals.judgeAsync(() => refuseTaken(session, found, parts.config));
  await refusals.judgeAsync(() => refusePosition(stored, found, parts, cannotRevert));
  // Columns of tables that somebody has altered since lead nowhere.
  const planned = same.includes(false)
    ? undefined
    : refusals.judge(() => planRevert(found, ghost, task, parts.config));
  refusals.throwIfAny();
  return { stored, ...planned! };
}

/** The checkpoint of a migration that ended well, of this table and the old one that is named. */
async function finishedCheckpoint(session: Session, { artifacts, facts }: Survey): Promise<StoredCheckpoint> {
  const stored = await storedCheckpoint(session, artifacts.checkpoint);
  const table = quoteTable(artifacts.checkpoint);
  if (stored === null) {
    throw cannotRevert(
      'no-checkpoint',
      `there is no checkpoint ${table}`,
      'A migration leaves one when it runs with --checkpoint and without --ok-to-drop-table. Migrate back instead.',
    );
  }
  const { task, state } = stored;
  if (state.phase !== 'done') {
    throw cannotRevert(
      'not-finished',
      `the migration of the checkpoint ${table} has not ended (${state.phase})`,
      'Have it ended by its own command with --resume.',
    );
  }
  if (task.oldName !== artifacts.ghost.name) {
    throw cannotRevert(
      'other-old-table',
      `the migration of the checkpoint ${table} has left \`${task.oldName}\`, not ${quoteTable(artifacts.ghost)}`,
      'Name the old table of that migration as --old-table.',
    );
  }
  if (task.flavor !== facts.flavor)
    throw cannotRevert(
      'other-server',
      `the checkpoint was written on ${task.flavor}`,
      'Connect to that server.',
    );
  return stored;
}

/** The old table must hold still but for us. */
async function refuseTriggers(session: Session, { ref }: TableDefinition): Promise<void> {
  const triggers = await readTriggers(session, ref);
  if (triggers.length === 0) return;
  throw cannotRevert(
    'old-table-triggers',
    `${quoteTable(ref)} has triggers, which would fire for what we write: ${triggers.map(({ name }) => name).join(', ')}`,
    "Drop them. With --include-triggers and --trigger-suffix it gets the present table's.",
  );
}

async function refuseForeignKeys(session: Session, { ref }: TableDefinition): Promise<void> {
  const { own, pointing } = await readForeignKeys(session, ref);
  const keys = [...own, ...pointing].map(({ name }) => name);
  if (keys.length === 0) return;
  throw cannotRevert(
    'old-table-foreign-keys',
    `there are foreign keys of, or to, ${quoteTable(ref)}: ${keys.join(', ')}`,
    'Drop them, and create them again after the revert.',
  );
}

async function refuseTaken(session: Session, { artifacts }: Survey, config: MigrationConfig): Promise<void> {
  const taken = await findTable(session, artifacts.old);
  if (!taken || taken.comment === sentryComment || config.refusals.initiallyDropOldTable) return;
  throw cannotRevert(
    'old-exists',
    `${quoteTable(artifacts.old)} is there, and what is the new table now would be kept by that name`,
    'If nobody needs it, drop it or say --initially-drop-old-table.',
  );
}

function altered({ ref }: TableDefinition, code: string): Refusal {
  return cannotRevert(
    code,
    `${quoteTable(ref)} has another definition than at the end of the migration`,
    'Somebody has altered it since. Migrate back instead.',
  );
}

function cannotRevert(code: string, message: string, hint: string): Refusal {
  return new Refusal(code, `cannot revert: ${message}. Nothing was touched.`, { hint });
}
