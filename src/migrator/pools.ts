import { paceDefaults } from '../core/pace.ts';
import { buildSettings } from '../mysql/index-builder.ts';
import { SessionPool } from '../mysql/pool.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';

/** Sessions by what they are for: none waits for another kind. */
export interface Pools {
  readonly copy: SessionPool;
  readonly sync: SessionPool;
  readonly ask: SessionPool;
  readonly mark: SessionPool;
  readonly verify: SessionPool;
  readonly index: SessionPool;
}

/**
 * How long a statement may take before its connection counts as dead, ms. A retry is safe: the old statement is seen to end
 * first. Copy and comparison of a chunk may be slow; a sync waits for row locks at the most; for a mark all that goes on waits.
 */
const deadlines = { copy: 1_800_000, sync: 60_000, ask: 120_000, mark: 15_000, verify: 600_000 } as const;

/** Opens no session yet: each is opened when it is first needed. */
export function openPools(
  { facts }: Survey,
  plan: Plan,
  { config, clock, statementMs = deadlines }: MigrationParts,
  applySessions: number,
): Pools {
  const pool = (
    name: string,
    size: number,
    statementTimeoutMs: number | null,
    more: readonly string[] = [],
  ): SessionPool =>
    new SessionPool(config.connection, {
      name,
      size,
      profile: { ...plan.profile, statementTimeoutMs, more: [...(plan.profile.more ?? []), ...more] },
      clock,
    });
  return {
    copy: pool('copier', config.copyWorkers ?? paceDefaults.max, statementMs.copy),
    sync: pool('applier', applySessions, statementMs.sync),
    ask: pool('questions', 3, statementMs.ask),
    mark: pool('heartbeat', 1, statementMs.mark),
    // Building an index takes as long as it takes.
    index: pool('indexes', 1, null, buildSettings(facts.variables)),
    // One more for the rows that are looked at again.
    verify: pool('verifier', config.verify.workers + 1, statementMs.verify),
  };
}
