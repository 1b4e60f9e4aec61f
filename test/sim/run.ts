/**
 * `npm run test:sim -- --runs N --seed S`: the simulation from the command line, on all processors. Prints
 * `{runs, steps, divergences}` and the first few that diverged, with their seeds; exits 1 when any did.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { add, emptyTally, runAll, type Tally } from './tally.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    /** Processes that share the seeds. */
    jobs: { type: 'string', default: String(availableParallelism()) },
    /** Which of them this one is; the one that was called is none. */
    job: { type: 'string' },
    /** Stop at the first divergence. */
    fast: { type: 'boolean', default: false },
    /** Stop after this time. */
    seconds: { type: 'string', default: 'Infinity' },
    /** A plan's fields as JSON, to look at one case. */
    plan: { type: 'string', default: '{}' },
  },
});
/** How often a job tells how far it is, and we tell it to the operator. */
const [tellMs, progressMs] = [1000, 60_000];
const runs = Number(values.runs);
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const jobs = Math.min(Number(values.jobs), runs);
const startMs = performance.now();
const seconds = (): number => (performance.now() - startMs) / 1000;

/** This process's share of the seeds. @param tell told now and then, and at the end, of all until then. */
async function share(job: number, tell: (tally: Tally) => void): Promise<void> {
  const tally = emptyTally();
  let toldMs = performance.now();
  const goOn = (): boolean => {
    const ends = (values.fast && tally.divergences > 0) || seconds() > Number(values.seconds);
    if (ends || performance.now() - toldMs < tellMs) return !ends;
    tell(tally);
    toldMs = performance.now();
    return true;
  };
  const seeds = { first: first + job, by: jobs, end: first + runs };
  await runAll(seeds, JSON.parse(values.plan), tally, goOn);
  tell(tally);
}

/** Has all shares done, each by a process of its own where there are several. */
async function shareOut(tallies: Tally[]): Promise<void> {
  if (jobs <= 1) {
    return await share(0, (tally) => {
      tallies[0] = tally;
    });
  }
  const children: ChildProcess[] = [];
  const ended = Array.from({ length: jobs }, (_, job) => {
    const args = process.argv.slice(2).concat('--seed', String(first), '--job', String(job));
    const child = fork(fileURLToPath(import.meta.url), args);
    children.push(child);
    child.on('message', (tally: Tally) => {
      tallies[job] = tally;
      if (values.fast && tally.divergences > 0) for (const each of children) each.kill();
    });
    return new Promise<boolean>((done) =>
      child.on('exit', (code, signal) => done(code === 0 || signal === 'SIGTERM')),
    );
  });
  if ((await Promise.all(ended)).includes(false)) throw new Error('a process of the simulation has failed');
}

function report(tallies: readonly Tally[]): Tally {
  const all = emptyTally();
  for (const tally of tallies) if (tally) add(all, tally);
  return all;
}

if (values.job === undefined) {
  const tallies: Tally[] = [];
  const progress = setInterval(() => {
    const { runs: done, divergences } = report(tallies);
    process.stderr.write(`${done} of ${runs} runs, ${divergences} divergences, seed ${first}\n`);
  }, progressMs);
  await shareOut(tallies).finally(() => clearInterval(progress));
  const { runs: done, steps, divergences, sums } = report(tallies);
  const runsPerSecond = Math.round(done / seconds());
  const line = { runs: done, steps, divergences, ...sums, seed: first, jobs, runsPerSecond };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  process.exitCode = divergences > 0 ? 1 : 0;
} else {
  await share(Number(values.job), (tally) => process.send!(tally));
  process.disconnect();
}
