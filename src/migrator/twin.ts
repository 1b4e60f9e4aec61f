import { Refusals } from '../base/refusals.ts';
import { quoteName } from '../core/quote.ts';
import { alterGhost } from '../mysql/artifacts.ts';
import { scratchOf, withTwin } from '../mysql/scratch.ts';
import { classify } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { makePlan, type Plan } from './plan.ts';
import { planTriggers } from './triggers.ts';

/**
 * Makes the plan on an empty twin of the original: nothing is left, and what earlier runs have left stays as it is.
 * @throws Refusal, all that would be refused once a ghost were there; ServerError.
 */
export async function planOnTwin(session: Session, found: Survey, parts: MigrationParts): Promise<Plan> {
  const { original, alter, artifacts } = found;
  const scratch = scratchOf(artifacts.changelog);
  const onTwin = { ...found, artifacts: { ...artifacts, ghost: scratch.twin } };
  return await withTwin(session, scratch, original.ref, async () => {
    const altered = await alterGhost(session, scratch.twin, alter.text);
    const refusals = new Refusals();
    const plan = refusals.judge(() => makePlan(onTwin, altered, parts.config));
    const triggers = await refusals.judgeAsync(() => planTriggers(session, onTwin, parts));
    refusals.throwIfAny();
    const createSql = altered.createSql.replace(quoteName(scratch.twin.name), () =>
      quoteName(artifacts.ghost.name),
    );
    return { ...plan!, triggers: triggers!, ghost: { ...altered, ref: artifacts.ghost, createSql } };
  });
}

/** Where something stands in the way already: finds out what else would once a ghost were there. It goes to the others. */
export async function judgeOnTwin(session: Session, found: Survey, parts: MigrationParts): Promise<void> {
  try {
    await found.blockers.judgeAsync(() => planOnTwin(session, found, parts));
  } catch (error) {
    // What is missing has been found before, and is told with the rest.
    if (classify(error) !== 'privilege') throw error;
  }
}
