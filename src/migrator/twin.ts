import type { TableRef } from '../core/table-ref.ts';
import { createGhost, dropTable } from '../mysql/artifacts.ts';
import { classify } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { makePlan } from './plan.ts';
import { planTriggers } from './triggers.ts';

/**
 * Where something stands in the way already: finds out, on an empty twin of the original, what else would once a ghost were
 * there. What it finds goes to the others.
 * @param twin a name that is free; nothing is left there.
 */
export async function judgeOnTwin(
  session: Session,
  found: Survey,
  twin: TableRef,
  parts: MigrationParts,
): Promise<void> {
  const { original, alter, artifacts, blockers } = found;
  const onTwin = { ...found, artifacts: { ...artifacts, ghost: twin } };
  try {
    await blockers.judgeAsync(async () => {
      const altered = await createGhost(session, original.ref, twin, alter.text);
      blockers.judge(() => makePlan(onTwin, altered, parts.config));
      await planTriggers(session, onTwin, parts);
    });
  } catch (error) {
    // What is missing has been found before, and is told with the rest.
    if (classify(error) !== 'privilege') throw error;
  } finally {
    if (session.usable)
      await dropTable(session, twin).catch((error: unknown) => {
        if (classify(error) !== 'privilege') throw error;
      });
  }
}
