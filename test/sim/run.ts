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
let refused = 0;
let gaveUp = 0;
let divergences = 0;
let done = 0;
for (; done < runs; done += 1) {
  try {
    const outcome = await simulate(first + done, overrides);
    steps += outcome.steps;
    if (outcome.refused) refused += 1;
    if (outcome.gaveUp) gaveUp += 1;
  } catch (error) {
    divergences += 1;
    if (divergences <= shownMax) process.stderr.write(`${messageOf(error)}\n`);
    if (values.fast) break;
  }
}
const seconds = (performance.now() - startMs) / 1000;
const runsPerSecond = Math.round(done / seconds);
process.stdout.write(
  `${JSON.stringify({ runs, steps, divergences, refused, gaveUp, seed: first, runsPerSecond })}\n`,
);
process.exitCode = divergences > 0 ? 1 : 0;
