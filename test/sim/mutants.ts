/**
 * `npm run test:mutants`: breaks each invariant on purpose, in a copy of the source, and shows that the
 * simulation or a named test catches it. Prints `caught/total`; exits 1 when one survives or does not apply.
 * Arguments: words of names, to run a few.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutant-table.ts';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const simRuns = 20_000;
/** The simulation ends by itself after this time; a run that hangs is ended later, and counts as caught. */
const simSeconds = 60;
const timeoutMs = { sim: 90_000, file: 30_000 };
const atOnce = 2;

interface Result {
  readonly mutant: Mutant;
  readonly caught: boolean;
  readonly seconds: number;
  readonly note: string;
}

/** A copy of what the simulation and the unit tests need. */
function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-mutant-'));
  for (const name of ['src', 'test/sim', 'test/unit', 'test/lab', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** @throws when the text to be replaced is not there exactly once: the table must follow the source. */
function apply(mutant: Mutant, folder: string): void {
  for (const { file, from, to } of mutant.edits) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const found = text.split(from).length - 1;
    if (found !== 1) throw new Error(`"${mutant.name}": found ${found} times in ${file}: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}

/** The source as it is. */
function restore(mutant: Mutant, folder: string): void {
  for (const { file } of mutant.edits) cpSync(join(root, file), join(folder, file));
}

/** Runs the test that must fail. */
function run(caughtBy: string, folder: string): Promise<{ code: number | null; output: string }> {
  const [, seed = '1', plan] = /^sim(?: @(\d+))? ?(.*)$/.exec(caughtBy) ?? [];
  const sim = [
    ...['test/sim/run.ts', '--runs', String(simRuns), '--seed', seed],
    ...['--fast', '--jobs', '1', '--seconds', String(simSeconds)],
  ];
  if (plan) sim.push('--plan', plan);
  const args = ['--import', 'tsx', ...(plan === undefined ? [caughtBy] : sim)];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: folder });
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  child.stderr?.on('data', (data) => {
    output += data;
  });
  const limitMs = plan === undefined ? timeoutMs.file : timeoutMs.sim;
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  return new Promise((done) => {
    child.on('exit', (code) => {
      clearTimeout(timer);
      done({ code, output });
    });
  });
}

async function attempt(mutant: Mutant, folder: string): Promise<Result> {
  const startMs = performance.now();
  const seconds = (): number => (performance.now() - startMs) / 1000;
  try {
    apply(mutant, folder);
    const { code, output } = await run(mutant.caughtBy, folder);
    if (/SyntaxError|TransformError|ERR_MODULE_NOT_FOUND|Could not find/.test(output))
      throw new Error(output);
    const said = /^(seed \d+: .*?); plan/m.exec(output)?.[1] ?? /^not ok .*$|✖ .*$/m.exec(output)?.[0];
    return {
      mutant,
      caught: code !== 0,
      seconds: seconds(),
      note: code === null ? 'does not end' : (said ?? output.slice(-300)),
    };
  } catch (error) {
    return { mutant, caught: false, seconds: seconds(), note: String(error) };
  } finally {
    restore(mutant, folder);
  }
}

const words = process.argv.slice(2);
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const queue = [...chosen];
let caught = 0;

function tell({ mutant, caught: isCaught, seconds, note }: Result): void {
  if (isCaught) caught += 1;
  const verdict = isCaught ? 'caught  ' : 'SURVIVED';
  const took = `${seconds.toFixed(1)} s`.padStart(6);
  process.stdout.write(
    `${verdict} ${took} ${mutant.name} (${mutant.breaks}): ${note.trim().slice(0, 160)}\n`,
  );
}

/** One mutant after the other, each in the same copy. */
async function work(): Promise<void> {
  const folder = copyProject();
  try {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) tell(await attempt(mutant, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await Promise.all(Array.from({ length: atOnce }, work));
process.stdout.write(`${caught}/${chosen.length}\n`);
process.exitCode = caught === chosen.length ? 0 : 1;
