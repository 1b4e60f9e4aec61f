import { Refusal } from '../base/errors.ts';
import { Refusals } from '../base/refusals.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { type CheckpointTask, hashOf, isNothing } from '../core/checkpoint.ts';
import { withoutKeys } from '../core/create-table.ts';
import { firstChange } from '../core/definition-change.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { readCheckpoint, type StoredCheckpoint } from '../mysql/checkpoint-table.ts';
import { readTableDefinition, withoutCounter } from '../mysql/inspector/definition.ts';
import { isMarked } from '../mysql/inspector/inspection.ts';
import { findTable } from '../mysql/inspector/table-entry.ts';
import type { Session } from '../mysql/session.ts';
import { planHash } from './checkpoint.ts';
import type { MigrationParts } from './config.ts';
import { definitionWhole } from './deferral.ts';
import type { Survey } from './inspect.ts';
import { makePlan, type Plan } from './plan.ts';
import { cannotResume, refusePosition } from './resume-position.ts';

/** What an earlier run has left, and what follows from it for this one. */
export type Remains =
  /** Nothing of it can be used, or nothing was copied: the copy begins at the beginning. */
  | { readonly kind: 'start-over'; readonly why: string }
  /** Ghost, changelog and checkpoint fit together and with the world. */
  | {
      readonly kind: 'continue';
      readonly plan: Plan;
      readonly stored: StoredCheckpoint;
      readonly survey: Survey;
    }
  /** The tables are swapped; what is left to do is to clean up. */
  | { readonly kind: 'swapped'; readonly stored: StoredCheckpoint; readonly survey: Survey };

/**
 * Judges what an earlier run has left, for `--resume`. Reads only.
 * @throws Refusal `no-checkpoint`, `checkpoint-unreadable` (another format among others), `other-server`,
 *   `other-statement`, `ghost-missing`, `changelog-missing`, `old-exists`, `original-changed`,
 *   `ghost-changed`, `other-options`, `position-purged`, `position-unknown`,
 *   `other-streamed-server`.
 */
export async function judgeRemains(session: Session, found: Survey, parts: MigrationParts): Promise<Remains> {
  const stored = await storedCheckpoint(session, found.artifacts.checkpoint);
  if (stored === null) {
    throw cannotResume(
      'no-checkpoint',
      `there is no checkpoint ${quoteTable(found.artifacts.checkpoint)}`,
      'A run that ends before it copies leaves none, nor does one that ends well: then say this command without --resume. ' +
        'Or was it on another server, another table, or with --force-table-names?',
    );
  }
  const { task } = stored;
  // The old table's name may have the time of the first start in it.
  const old = { ...found.artifacts.old, name: task.oldName };
  const survey = { ...found, artifacts: { ...found.artifacts, old } };
  const refusals = new Refusals();
  refusals.judge(() => refuseAnother(task, survey));
  if (await isSwapped(session, survey, stored)) {
    refusals.throwIfAny();
    return { kind: 'swapped', stored, survey };
  }
  await refusals.judgeAsync(() => refuseTables(session, survey));
  refusals.judge(() => refuseAltered(task, survey.original));
  const ghost = await refusals.judgeAsync(() => ghostAsBefore(session, survey, task));
  // Of another statement, or of other tables, another plan follows as a matter of course.
  const plan =
    ghost && refusals.found.length === 0
      ? refusals.judge(() => planAsBefore(ghost, survey, stored, parts))
      : undefined;
  const why = startsOver(stored, plan);
  const elsewhere = refusals.found.some(({ code }) => code === 'other-server');
  if (why === null && !elsewhere) await refusals.judgeAsync(() => refusePosition(stored, survey, parts));
  refusals.throwIfAny();
  return why === null ? { kind: 'continue', plan: plan!, stored, survey } : { kind: 'start-over', why };
}

/** Why nothing of the copy can be used, in words; null where it can. */
function startsOver({ state: { prefix } }: StoredCheckpoint, plan: Plan | undefined): string | null {
  if (isNothing(prefix)) return 'nothing had been copied';
  if (prefix.complete || !plan || plan.key.sameComparison) return null;
  return 'the new table sorts the migration key in another way than the original';
}

/**
 * For a start without `--resume`: a swap that has happened and whose end nobody has seen must not be taken
 * for a fresh table.
 * @throws Refusal `swap-unfinished`.
 */
export async function refuseUnfinishedSwap(session: Session, found: Survey): Promise<void> {
  const stored = await storedCheckpoint(session, found.artifacts.checkpoint).catch((error: unknown) => {
    // What cannot be read says nothing; the names that are taken are refused anyhow.
    if (error instanceof Refusal) return null;
    throw error;
  });
  if (stored === null) return;
  // One that has ended is kept for --revert, and means nothing to the next migration.
  if (stored.state.phase === 'done') return await refuseUnfinishedRevert(session, found, stored);
  const old = { ...found.artifacts.old, name: stored.task.oldName };
  const survey = { ...found, artifacts: { ...found.artifacts, old } };
  if (!(await isSwapped(session, survey, stored))) return;
  const { original } = found;
  throw new Refusal(
    'swap-unfinished',
    `an earlier run has swapped the tables: ${quoteTable(original.ref)} is the new table already, ` +
      `${quoteTable(old)} the old one. Nothing was touched.`,
    {
      hint: 'Have it ended by the same command with --resume, or by poltergeist cleanup; then start again.',
    },
  );
}

/** A revert drops its changelog when it has looked for late writes. @throws Refusal `swap-unfinished`. */
async function refuseUnfinishedRevert(
  session: Session,
  { artifacts, original }: Survey,
  { task }: StoredCheckpoint,
): Promise<void> {
  if (await findTable(session, { ...artifacts.old, name: task.oldName })) return;
  if (!(await findTable(session, artifacts.changelog))) return;
  if (shapeOf(original.createSql) !== shapeOf(task.originalSql)) return;
  throw new Refusal(
    'swap-unfinished',
    `an earlier --revert has swapped the tables: ${quoteTable(original.ref)} is the old table already. Nothing was touched.`,
    {
      hint: 'Have it ended by the same command with --revert, or by poltergeist cleanup; then start again.',
    },
  );
}

/** Reads a checkpoint. @returns null when there is none, or not one of ours. */
export async function storedCheckpoint(session: Session, table: TableRef): Promise<StoredCheckpoint | null> {
  const entry = await findTable(session, table);
  if (entry?.kind !== 'table' || !isMarked(entry.comment)) return null;
  return await readCheckpoint(session, table);
}

/** What a checkpoint was written for, as far as it can be told without reading tables. */
export interface Continuation {
  readonly facts: Pick<Survey['facts'], 'uuid' | 'flavor'>;
  readonly alter: Pick<Survey['alter'], 'text'>;
  readonly original: Pick<Survey['original'], 'ref'>;
}

/** @throws Refusal `other-server`, `other-statement`. */
export function refuseAnother(
  task: Pick<CheckpointTask, 'server' | 'flavor' | 'statement' | 'statementHash'>,
  { facts, alter, original }: Continuation,
): void {
  const refusals = new Refusals();
  if (task.server !== facts.uuid || task.flavor !== facts.flavor) {
    refusals.add(
      cannotResume(
        'other-server',
        `the checkpoint of ${quoteTable(original.ref)} was written on another server (${task.server}) ` +
          `than this one (${facts.uuid})`,
        'What happened between them cannot be known. Connect to the server of the first run.',
      ),
    );
  }
  if (task.statementHash !== hashOf(alter.text)) {
    refusals.add(
      cannotResume(
        'other-statement',
        `it was begun with: ${task.statement}`,
        'Give the same --alter as then.',
      ),
    );
  }
  refusals.throwIfAny();
}

/**
 * Ghost gone, old table there (or the swap on record), and the original's name has the ghost's definition.
 */
async function isSwapped(
  session: Session,
  survey: Survey,
  { task, state }: StoredCheckpoint,
): Promise<boolean> {
  const { ghost, old } = survey.artifacts;
  if (await findTable(session, ghost)) return false;
  const oldTable = await findTable(session, old);
  const isOld = oldTable?.kind === 'table' && oldTable.comment !== sentryComment;
  if (!isOld && state.phase !== 'cleaning') return false;
  return shapeOf(survey.original.createSql) === shapeOf(task.ghostSql);
}

/** A definition without the table's name, its counter, and names that the server makes from the table's. */
export function shapeOf(createSql: string): string {
  return withoutCounter(createSql)
    .replace(/^CREATE TABLE `(?:[^`]|``)+`/, 'CREATE TABLE')
    .replace(/CONSTRAINT `(?:[^`]|``)+` (?=CHECK)/g, '');
}

async function refuseTables(session: Session, { artifacts, original }: Survey): Promise<void> {
  const { ghost, changelog, old } = artifacts;
  const refusals = new Refusals();
  for (const [code, table] of [
    ['ghost-missing', ghost],
    ['changelog-missing', changelog],
  ] as const) {
    if ((await findTable(session, table))?.kind === 'table') continue;
    refusals.add(
      cannotResume(code, `${quoteTable(table)} is not there`, 'Somebody has dropped or renamed it.'),
    );
  }
  const inPlace = await findTable(session, old);
  if (inPlace && inPlace.comment !== sentryComment)
    refusals.add(
      cannotResume(
        'old-exists',
        `${quoteTable(old)} is there, and ${quoteTable(original.ref)} has not been swapped`,
        'It is in the place of the old table: rename or drop it, then say this command again.',
      ),
    );
  refusals.throwIfAny();
}

/** @throws Refusal where the original is not what it was when the migration began. */
export function refuseAltered(
  { originalSql }: Pick<CheckpointTask, 'originalSql'>,
  { ref, createSql }: Pick<Survey['original'], 'ref' | 'createSql'>,
): void {
  if (withoutCounter(createSql) === originalSql) return;
  throw cannotResume(
    'original-changed',
    `${quoteTable(ref)} has another definition than when the migration began: ` +
      firstChange(originalSql, withoutCounter(createSql)),
    'What was copied does not fit it any more, even if it is changed back.',
  );
}

/** @returns the ghost that is there; null where there is none. @throws Refusal `ghost-changed`. */
async function ghostAsBefore(
  session: Session,
  { artifacts }: Survey,
  { deferred, ghostSql }: CheckpointTask,
): Promise<TableDefinition | null> {
  const ghost = await readTableDefinition(session, artifacts.ghost);
  const deferrable = new Set(deferred?.indexes.map(({ name }) => name));
  const comparable = (createSql: string): string => withoutKeys(withoutCounter(createSql), deferrable);
  if (!ghost || comparable(ghost.createSql) === comparable(ghostSql)) return ghost;
  throw cannotResume(
    'ghost-changed',
    `${quoteTable(artifacts.ghost)} has another definition than when it was made: ` +
      firstChange(comparable(ghostSql), comparable(ghost.createSql)),
    'Somebody has altered it: what is in it cannot be relied on, even if it is changed back.',
  );
}

/** The plan, which must be the one that the ghost was filled by. @throws Refusal `other-options`. */
function planAsBefore(
  ghost: TableDefinition,
  survey: Survey,
  { task: { deferred, ghostSql, planHash: hash }, state: { lossy } }: StoredCheckpoint,
  { config }: MigrationParts,
): Plan {
  const whole = { ...definitionWhole(ghost, deferred), createSql: ghostSql };
  // Those that an earlier run has built are heeded from the start.
  const missing = deferred?.indexes.filter(({ name }) => ghost.indexes.every((each) => each.name !== name));
  const left = deferred && { ...deferred, indexes: missing ?? [] };
  const plan = { ...makePlan(survey, whole, config), deferred: left };
  if (planHash(plan) !== hash)
    throw cannotResume(
      'other-options',
      `other options than then, or another time zone of the server (${plan.profile.timeZone} now), change what is copied of ` +
        quoteTable(survey.original.ref),
      'Give --approve-renamed-columns, --skip-renamed-columns and --allow-nullable-unique-key as then.',
    );
  const unnamed = notLossyNow(lossy, plan);
  if (unnamed.length === 0) return plan;
  throw cannotResume(
    'other-options',
    `the run before had --allow-lossy for ${unnamed.join(', ')}, and ${quoteTable(survey.artifacts.ghost)} may hold values ` +
      'of it that were cut or changed',
    `Add --allow-lossy ${lossy.join(',')}: more columns may be named, none fewer.`,
  );
}

/** Columns of the ghost that may have lost data, and must not any more. More than then may: what was copied has fitted. */
export function notLossyNow(before: readonly string[], { lossy }: Pick<Plan, 'lossy'>): readonly string[] {
  return before.filter((name) => !lossy.has(name));
}
