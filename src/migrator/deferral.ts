import {
  type DeferredIndexes,
  definitionWithout,
  rowsWorthDeferring,
  whyNotDeferred,
} from '../core/deferral.ts';
import { quoteTable } from '../core/quote.ts';
import { createGhost, dropTable } from '../mysql/artifacts.ts';
import { countReplicas, deferIndexes } from '../mysql/deferred-indexes.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { makePlan, type Plan } from './plan.ts';

/**
 * Takes from the empty ghost the indexes that are to be built after the copy.
 * @param plan by the ghost's definition as the server's own ALTER has made it.
 * @returns the plan, with what was deferred; the ghost lacks it from now on.
 */
export async function deferSecondaryIndexes(
  session: Session,
  found: Survey,
  plan: Plan,
  parts: MigrationParts,
): Promise<Plan> {
  const { config, settings, log } = parts;
  const { original, artifacts, alter } = found;
  const isSmall = config.deferIndexes === 'auto' && original.rowsEstimate < rowsWorthDeferring;
  const why = whyNotDeferred({
    mode: config.deferIndexes,
    rowsEstimate: original.rowsEstimate,
    controlled: settings.throttleControlReplicas.length,
    attached: isSmall ? null : await countReplicas(session),
  });
  if (why !== null) {
    log.info({}, `secondary indexes are kept up while rows are copied: ${why}`);
    return plan;
  }
  const deferred = await deferIndexes(session, plan.ghost, plan.key.ghostIndex.name);
  if (deferred === 'spoiled') {
    log.info(
      {},
      'secondary indexes are kept up while rows are copied: the server would not build them alike',
    );
    await dropTable(session, artifacts.ghost);
    await createGhost(session, original.ref, artifacts.ghost, alter.text);
    return plan;
  }
  if (deferred === null) return plan;
  const names = deferred.indexes.map(({ name }) => name);
  log.info(
    { indexes: names },
    `${names.length} indexes of ${quoteTable(artifacts.ghost)} are built after the copy`,
  );
  return { ...plan, deferred };
}

/** The plan by which rows are copied and synced while the deferred indexes are missing. */
export function planWhileDeferred(found: Survey, plan: Plan, { config }: MigrationParts): Plan {
  if (plan.deferred === null) return plan;
  return makePlan(found, definitionWithout(plan.ghost, plan.deferred.indexes), config);
}

/** The definition that the ghost has when all is built, from one that lacks some of the deferred indexes. */
export function definitionWhole<T extends Plan['ghost']>(ghost: T, deferred: DeferredIndexes | null): T {
  const there = new Set(ghost.indexes.map(({ name }) => name));
  const missing = (deferred?.indexes ?? []).filter(({ name }) => !there.has(name));
  return { ...ghost, indexes: [...ghost.indexes, ...missing] };
}
