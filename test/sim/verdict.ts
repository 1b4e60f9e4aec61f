import { Ambiguous, Failure, messageOf, toError } from '../../src/base/errors.ts';
import { type Checks, Divergence } from './checks.ts';
import type { Plan } from './plan.ts';
import type { KeySpace } from './row.ts';
import type { Server } from './server.ts';

export interface Outcome {
  readonly steps: number;
  /** The migration ended with the Failure that names two rows of the original that collide. */
  readonly refused: boolean;
  /**
   * The migration gave up on a conflict, as it may where the change set has less room than the table has
   * keys.
   */
  readonly gaveUp: boolean;
  /** The tables were swapped; with writes in the old table that the run has named; after it had died. */
  readonly swapped: boolean;
  readonly told: boolean;
  /** It was reverted. */
  readonly reverted: boolean;
  /** Nobody could say which table is which: the server did not answer. */
  readonly unsure: boolean;
  readonly unsettled: boolean;
  readonly resettled: boolean;
  /** Differences that the verifier has found. */
  readonly found: number;
  /** Late writes, and those of them that were carried over. */
  readonly late: number;
  readonly carried: number;
}

/** A run that is over. */
export interface Ended {
  readonly plan: Plan;
  readonly server: Server;
  readonly checks: Checks;
  readonly space: KeySpace;
  readonly failure: unknown;
  /** The process died with the tables swapped, and nobody could look for late writes. */
  readonly unsettled: boolean;
  /** Another one has looked. */
  readonly resettled: boolean;
}

/** Whether the end is one that the run may have. @throws Divergence when it is not. */
export function judge(ended: Ended): Omit<Outcome, 'steps' | 'reverted'> {
  const { server, checks, failure, unsettled, resettled } = ended;
  const swapped = server.swap !== null;
  const told = swapped && failure instanceof Ambiguous ? keysTold(ended) : new Set<number>();
  if (swapped && !unsettled && (failure === null || told.size > 0)) checks.afterSwap(told);
  if (failure === null && !swapped) checks.break('the run ended well without a swap');
  if (checks.altered && swapped && failure === null && !unsettled)
    checks.break('I10: an ALTER was passed over');
  if (checks.broken) throw new Divergence(checks.broken);
  const counts = { found: checks.found.size, late: checks.late.size, carried: checks.carried.size };
  const outcome = {
    refused: false,
    gaveUp: false,
    told: false,
    unsure: false,
    swapped,
    unsettled,
    resettled,
    ...counts,
  };
  if (failure === null || (swapped && unsettled)) return outcome;
  const end = endOf(ended);
  if (end === null) throw new Divergence(`the migration failed: ${toError(failure).stack}`);
  return { ...outcome, [end]: true };
}

/** Ranks that the run has named as not carried over. */
function keysTold({ failure, space }: Ended): Set<number> {
  const ranks = new Set<number>();
  for (const [, key] of messageOf(failure).matchAll(/k=(\w+)/g)) {
    ranks.add(space.rank(space.kind === 'integer' ? Number(key) : key!));
  }
  return ranks;
}

/** Which of the ends that a run may have for a reason this one is. */
function endOf({ plan, server, checks, failure }: Ended): 'told' | 'unsure' | 'refused' | 'gaveUp' | null {
  const said = messageOf(failure);
  if (failure instanceof Ambiguous) {
    if (/late writes are in the old table only/.test(said)) return 'told';
    return /whether the tables have been swapped: the statement/.test(said) ? 'unsure' : null;
  }
  if (server.uuid !== 'first' && /another server/.test(said)) return 'refused';
  if (checks.altered && /somebody changed the schema|has another definition/.test(said)) return 'refused';
  const { collide, capacity, keys, spoils, kind } = plan;
  if (collide && failure instanceof Failure && /rows \S+ and \S+ have u = \d+/.test(said)) return 'refused';
  // Syncs that are broken may break what repairs them.
  if (spoils > 0 && /differs from the original again|still differ from the original/.test(said))
    return 'refused';
  // A set full of keys that a chunk holds stops the stream, and with it the change that the chunk waits for.
  const spellings = kind === 'collated' ? 2 : 1;
  return capacity < keys * spellings && /^conflict of chunk|still in the way/.test(said) ? 'gaveUp' : null;
}
