import { invariant } from '../base/errors.ts';
import { type CopiedPrefix, isNothing, marksBefore, type VerifiedState } from '../core/checkpoint.ts';
import { clearAboveSql } from '../core/checkpoint-sql.ts';
import { quoteTable } from '../core/quote.ts';
import { createChangelog, createGhost, dropSentry, dropTable } from '../mysql/artifacts.ts';
import { endStatementsOn, quieten } from '../mysql/checkpoint-quiet.ts';
import type { StoredCheckpoint } from '../mysql/checkpoint-table.ts';
import { readLastMark } from '../mysql/checkpoint-table.ts';
import { refusePreparedXa } from '../mysql/inspector/refusals.ts';
import type { Session } from '../mysql/session.ts';
import { dropTriggersOf } from '../mysql/triggers.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { MigrationParts } from './config.ts';
import { deferSecondaryIndexes } from './deferral.ts';
import type { Survey } from './inspect.ts';
import { onOneSession } from './one-session.ts';
import { makePlan, type Plan } from './plan.ts';
import { judgeRemains, type Remains } from './resume.ts';
import { verifiedBefore } from './resume-position.ts';
import { beginRevert } from './revert.ts';
import { planTriggers } from './triggers.ts';
import { planOnTwin } from './twin.ts';

/** From where an earlier run is continued. */
export interface ResumePoint {
  /** Text of the position from which the stream starts. */
  readonly position: string;
  readonly prefix: CopiedPrefix;
  readonly rowsCopied: number;
  readonly chunkRows: number;
  /** Marks of this run have greater numbers; no mark of an earlier run has. */
  readonly lastMark: number;
  /** How far the verification was; null where nothing is known of it. */
  readonly verified: VerifiedState | null;
  /** Of the tables of ours only the ghost has been there since the position: what happened to others means nothing. */
  readonly ghostOnly?: boolean;
}

/** A run that can begin: the tables are there. */
export interface Beginning {
  readonly survey: Survey;
  readonly plan: Plan;
  readonly checkpoint: Checkpoint;
  /** Null for a migration that starts from nothing. */
  readonly point: ResumePoint | null;
}

/** Rows that one statement removes: a transaction of bounded size. */
const clearRows = 5000;

/** The tables have been swapped by an earlier run. */
export interface SwappedBefore {
  readonly swapped: Survey;
  /** What that run has left. */
  readonly stored: StoredCheckpoint;
}

/** What a run begins with. */
export interface BeginContext {
  readonly found: Survey;
  readonly parts: MigrationParts;
  readonly checkpoint: Checkpoint;
  /** Called before anything is changed for the first time. */
  readonly touching: () => void;
  readonly signal: AbortSignal;
}

/**
 * Makes the tables of a migration, or takes over those of an earlier run.
 * @throws Refusal where nothing was touched, or the server does not accept the ALTER.
 */
export async function begin(context: BeginContext): Promise<Beginning | SwappedBefore> {
  const { found, parts, touching, signal } = context;
  if (parts.config.names.revertOf !== undefined) return await beginRevert(context);
  const use = { name: 'preparation', signal };
  if (!parts.config.execute) {
    const plan = await onOneSession(parts, use, (session) => planOnTwin(session, found, parts));
    return { survey: found, plan, checkpoint: context.checkpoint, point: null };
  }
  const remains = parts.config.refusals.resume
    ? await onOneSession(parts, use, (session) => judgeRemains(session, found, parts))
    : null;
  if (remains?.kind === 'swapped') return { swapped: remains.survey, stored: remains.stored };
  if (remains?.kind === 'start-over') {
    refusePreparedXa(found.inspection, found.facts);
    parts.log.warn({}, `the copy starts over: ${remains.why}`);
  }
  touching();
  return await onOneSession(parts, use, async (session, attempt) => {
    if (remains?.kind === 'continue') return await takeOver(session, context, remains);
    const { ghost } = found.artifacts;
    // What was sent on a connection that is lost may come to pass all the same.
    if (attempt > 1) await endStatementsOn(session, [ghost], parts.clock);
    if (attempt > 1 || remains !== null) {
      await dropTable(session, found.artifacts.checkpoint);
      await dropTable(session, ghost);
    }
    return await make(session, context, remains !== null);
  });
}

/** @param again an earlier run had made them: the old table is none of its. */
async function make(
  session: Session,
  { found, parts, checkpoint }: BeginContext,
  again: boolean,
): Promise<Beginning> {
  const { config } = parts;
  const { artifacts, original, alter } = found;
  const { initiallyDropGhostTable, initiallyDropOldTable } = config.refusals;
  // First of all: a checkpoint of another ghost must never be found beside this one.
  await dropTable(session, artifacts.checkpoint);
  if (initiallyDropGhostTable) await dropTable(session, artifacts.ghost);
  // Before the ghost: it proves whose the ghost is, for the next run if this one is killed.
  await createChangelog(session, artifacts.changelog);
  if (initiallyDropOldTable && !again) await dropTable(session, artifacts.old);
  await dropSentry(session, [artifacts.old, artifacts.sentry]);
  const ghost = await createGhost(session, original.ref, artifacts.ghost, alter.text);
  const planned = makePlan(found, ghost, config);
  const made = { ...planned, triggers: await planTriggers(session, found, parts) };
  const plan = await deferSecondaryIndexes(session, found, made, parts);
  await checkpoint.create(session, found, plan);
  return { survey: found, plan, checkpoint, point: null };
}

async function takeOver(
  session: Session,
  { found, parts, checkpoint, signal }: BeginContext,
  { survey, stored }: Extract<Remains, { kind: 'continue' }>,
): Promise<Beginning | SwappedBefore> {
  const { clock, log } = parts;
  const { ghost, changelog, old, sentry } = survey.artifacts;
  const { state } = stored;
  log.warn(
    { ...state.prefix, writtenAtMs: stored.writtenAtMs },
    `Resuming from checkpoint coords=${state.position}`,
  );
  await checkpoint.adopt(session, stored);
  await quieten(session, [ghost, changelog], clock);
  // A statement of the dead run may have come to its end since we looked: one that builds an index, or the RENAME.
  const now = await judgeRemains(session, found, parts);
  if (now.kind === 'swapped') return { swapped: now.survey, stored };
  invariant(now.kind === 'continue', 'nothing of the checkpoint has changed');
  const { plan: planned } = now;
  await dropSentry(session, [old, sentry]);
  // Before the first row is written: triggers that an attempt of the dead run has left would fire for it.
  await dropTriggersOf(session, ghost);
  const plan = { ...planned, triggers: await planTriggers(session, survey, parts) };
  const cleared = await clearAbove(session, survey, plan, stored, signal);
  if (cleared > 0)
    log.info({ rows: cleared }, `rows of ${quoteTable(ghost)} beyond the checkpoint are removed`);
  const lastMark = marksBefore(state.marks, await readLastMark(session, changelog));
  const { prefix, rowsCopied, chunkRows } = state;
  const verified = await verifiedBefore(stored, parts);
  // What was touched since the verification's position is to be compared again.
  const position = verified && !isNothing(verified.prefix) ? verified.position : state.position;
  return { survey, plan, checkpoint, point: { position, prefix, rowsCopied, chunkRows, lastMark, verified } };
}

/**
 * What the ghost holds beyond the prefix may be of rows that are gone since (I8, HAZARDS 6 and 7). @returns
 * rows.
 */
async function clearAbove(
  session: Session,
  { artifacts }: Survey,
  { ghostCodec }: Plan,
  { state }: StoredCheckpoint,
  signal: AbortSignal,
): Promise<number> {
  const { complete, low } = state.prefix;
  if (complete || low === null) return 0;
  const sql = clearAboveSql(artifacts.ghost, ghostCodec, low, clearRows);
  let rows = 0;
  for (;;) {
    const { affectedRows } = await session.execute(sql, { signal });
    rows += affectedRows;
    if (affectedRows === 0) return rows;
  }
}
