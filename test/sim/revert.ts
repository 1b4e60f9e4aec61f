import { Checks } from './checks.ts';
import { Ghost } from './ghost.ts';
import type { MigrationWorld } from './migration.ts';
import type { Plan } from './plan.ts';

/**
 * What there is for a revert of a migration that has ended: the present table has the original's part, and the old one
 * the ghost's.
 */
export function turnBack(world: MigrationWorld): MigrationWorld {
  const { server, space } = world;
  // Where the ALTER has added uniqueness, the old table does not know of it.
  const uniqueness = world.plan.uniqueness === 'enforced' ? 'enforced' : 'none';
  const plan: Plan = { ...world.plan, uniqueness, collide: false, deferred: null, triggers: false };
  const ghost = new Ghost(uniqueness === 'enforced' ? ['u'] : []);
  for (const [rank, row] of server.turnBack()) ghost.rows.set(rank, row);
  const checks = new Checks(server, ghost, space, []);
  checks.restart(() => true);
  return { ...world, plan, ghost, checks };
}
