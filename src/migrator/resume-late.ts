import { Ambiguous, messageOf, Refusal } from '../base/errors.ts';
import type { Scope } from '../base/scope.ts';
import { marksBefore } from '../core/checkpoint.ts';
import { createChangelog } from '../mysql/artifacts.ts';
import { readLastMark, type StoredCheckpoint } from '../mysql/checkpoint-table.ts';
import { readTableDefinition } from '../mysql/inspector/definition.ts';
import { findTable } from '../mysql/inspector/table-entry.ts';
import { readTriggers } from '../mysql/inspector/triggers.ts';
import type { Session } from '../mysql/session.ts';
import type { SwapEnd } from './aftermath.ts';
import { planHash } from './checkpoint.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';
import { type LatePlan, settleLateWrites, tellUnsettled } from './late-writes.ts';
import { onOneSession } from './one-session.ts';
import { makePlan, type Plan } from './plan.ts';
import { notLossyNow, shapeOf } from './resume.ts';
import type { ResumePoint, SwappedBefore } from './resume-begin.ts';
import { follow } from './resume-follow.ts';
import { refusePosition } from './resume-position.ts';

/** What a run works with that ends the swap of another. */
export interface LateContext {
  readonly parts: MigrationParts;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  /** Wires a data path; it is closed with the run. */
  readonly build: (survey: Survey, plan: Plan, point: ResumePoint) => DataPath;
}

/** What has been found out. */
export interface LateFindings extends SwapEnd {
  /** Keys that were not carried over, in words. */
  readonly left: readonly string[];
}

/** What it takes to read on from a checkpoint of before the RENAME. */
interface LookBack extends LatePlan {
  readonly survey: Survey;
  readonly plan: Plan;
  readonly point: ResumePoint;
}

/** Nothing limits a run that only looks: the tables are swapped, and nobody waits for it. */
const unthrottled = { run: async () => undefined };

/**
 * Looks for late writes (I7) where the run that has swapped the tables died before it had. That run has written a checkpoint
 * between its drain and the RENAME: whatever the binlog has for the original from there to the RENAME came too late, and is
 * carried over as it would have been. Where there is no such checkpoint, or the binlog is gone, the old table is kept, and that
 * is told.
 */
export async function settleForDead(
  { swapped: found, stored }: SwappedBefore,
  { parts, scope, signal, build }: LateContext,
): Promise<LateFindings> {
  const { log } = parts;
  log.warn({}, 'an earlier run has swapped the tables: what is left to do is to clean up');
  if (stored.state.settled || parts.config.topology.testOnly)
    return { late: !stored.state.settled, left: [] };
  const cannot = (why: string): LateFindings => {
    log.warn({}, `late writes cannot be looked for: ${why}`);
    tellUnsettled(found, stored.state.position, log);
    return { late: true, left: [] };
  };
  if (!stored.state.drained) return cannot('its last checkpoint is from before the lock of the cut-over');
  try {
    const use = { name: 'late writes', signal };
    const begun = await onOneSession(parts, use, (session) => prepare(session, found, stored, parts));
    const path = build(begun.survey, begun.plan, begun.point);
    path.retired.abort(new Error('the tables are swapped'));
    path.expectSwap();
    await follow({ beginning: begun, path, parts, scope, throttler: unthrottled, signal });
    const left = await settleLateWrites(path, begun, log, signal);
    return { late: left.length > 0, left, swappedAt: path.intake.swappedAt };
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Ambiguous)) throw error;
    return cannot(messageOf(error));
  }
}

/** @throws Refusal where the binlog or a plan is missing by which it could be done. */
async function prepare(
  session: Session,
  found: Survey,
  stored: StoredCheckpoint,
  parts: MigrationParts,
): Promise<LookBack> {
  const { task, state } = stored;
  const { artifacts, original } = found;
  const old = await readTableDefinition(session, artifacts.old);
  if (!old || shapeOf(old.createSql) !== shapeOf(task.originalSql)) throw unlike('the old table is another');
  const survey = { ...found, original: { ...old, ref: original.ref } };
  const plan = makePlan(survey, { ...original, ref: artifacts.ghost }, parts.config);
  if (planHash(plan) !== task.planHash || notLossyNow(state.lossy, plan).length > 0)
    throw unlike('options have changed, and so what is copied');
  await refusePosition(stored, survey, parts);
  const made = await readTriggers(session, original.ref);
  const { changelog } = artifacts;
  const isThere = (await findTable(session, changelog)) !== null;
  const lastMark = isThere ? await readLastMark(session, changelog) : 0;
  if (!isThere) await createChangelog(session, changelog);
  const point: ResumePoint = {
    ...{ position: state.position, prefix: { complete: true, low: null }, rowsCopied: 0, verified: null },
    ...{ chunkRows: state.chunkRows, lastMark: marksBefore(state.marks, lastMark) },
  };
  return { survey, plan, point, codec: plan.codec, triggers: { made } };
}

function unlike(why: string): Refusal {
  return new Refusal('cannot-look', why);
}
