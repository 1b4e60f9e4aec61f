import { messageOf } from '../../src/base/errors.ts';
import type { Outcome } from './verdict.ts';
import { type Overrides, simulate } from './world.ts';

/** What a number of runs came to. */
export interface Tally {
  runs: number;
  steps: number;
  divergences: number;
  readonly sums: Record<Count, number>;
}

type Count = Exclude<keyof Outcome, 'steps'>;

const counts: readonly Count[] = [
  ...(['refused', 'gaveUp', 'swapped', 'told', 'unsure', 'unsettled', 'resettled', 'reverted'] as const),
  ...(['found', 'late', 'carried'] as const),
];
/** Divergences that a process tells. */
const shownMax = 5;

export function emptyTally(): Tally {
  const sums = Object.fromEntries(counts.map((name) => [name, 0])) as Record<Count, number>;
  return { runs: 0, steps: 0, divergences: 0, sums };
}

/** Adds what others have counted. */
export function add(to: Tally, from: Tally): void {
  to.runs += from.runs;
  to.steps += from.steps;
  to.divergences += from.divergences;
  for (const name of counts) to.sums[name] += from.sums[name];
}

/** Which seeds are run: `first`, `first + by`, .. below `end`. */
export interface Seeds {
  readonly first: number;
  readonly by: number;
  readonly end: number;
}

/**
 * Runs the simulation with one seed after another, and tells the first that diverge.
 * @param goOn asked after each run; false ends it.
 */
export async function runAll(
  { first, by, end }: Seeds,
  overrides: Overrides,
  tally: Tally,
  goOn: () => boolean,
): Promise<void> {
  for (let seed = first; seed < end; seed += by) {
    try {
      const outcome = await simulate(seed, overrides);
      tally.steps += outcome.steps;
      for (const name of counts) tally.sums[name] += Number(outcome[name]);
    } catch (error) {
      tally.divergences += 1;
      if (tally.divergences <= shownMax) process.stderr.write(`${messageOf(error)}\n`);
    }
    tally.runs += 1;
    if (!goOn()) return;
  }
}
