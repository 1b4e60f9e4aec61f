/**
 * `npm run test:sim -- --runs N --seed S`: the simulation from the command line. Prints `{runs, steps,
 * divergences}` and the first few that diverged; exits 1 when any did.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';
import { simulate } from './world.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    /** Stop at the first divergence. */
    fast: { type: 'boolean', default: false },
    /** Stop after this time. */
    seconds: { type: 'string', default: 'Infinity' },
    /** A plan's fields as JSON, to look at one case. */
    plan: { type: 'string', default: '{}' },
  },
});
const shownMax = 5;
const runs = Number(values.runs);
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const overrides = JSON.parse(values.plan);
const startMs = performance.now();
let steps = 0;
const sums = {
  refused: 0,
  gaveUp: 0,
  swapped: 0,
  told: 0,
  unsure: 0,
  died: 0,
  found: 0,
  late: 0,
  carried: 0,
};
type Count = keyof typeof sums;
let divergences = 0;
let done = 0;
for (; done < runs; done += 1) {
  try {
    const outcome = await simulate(first + done, overrides);
    steps += outcome.steps;
    for (const name of Object.keys(sums) as Count[]) sums[name] += Number(outcome[name]);
  } catch (error) {
    divergences += 1;
    if (divergences <= shownMax) process.stderr.write(`${messageOf(error)}\n`);
    if (values.fast) break;
  }
  if ((performance.now() - startMs) / 1000 > Number(values.seconds)) break;
}
const seconds = (performance.now() - startMs) / 1000;
const runsPerSecond = Math.round(done / seconds);
process.stdout.write(
  `${JSON.stringify({ runs: done, steps, divergences, ...sums, seed: first, runsPerSecond })}\n`,
);
process.exitCode = divergences > 0 ? 1 : 0;
