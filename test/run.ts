/**
 * The test runner behind `npm test`: collects `test/**\/*.test.ts`, makes sure once that servers can be
 * started where tests need them, and hands the files to Node's own runner.
 * Arguments: folders below `test/`, or files, to restrict it to; options of `node --test` pass through.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../src/base/errors.ts';
import { prefetchServer } from './lab/lab.ts';

const TEST_TIMEOUT_MS = 300_000;
/** Files at a time: with as many as there were processors (two) a fifth of their time was idle, in waits. */
const CONCURRENCY = 3;
/** More failed files than this are no accident. */
const SECOND_CHANCES = 6;
/** Folders whose tests run without a server. */
const PURE = new Set(['unit', 'property', 'sim']);

const testFolder = fileURLToPath(new URL('.', import.meta.url));
const rootFolder = resolve(testFolder, '..');

function collect(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return collect(child);
      return entry.name.endsWith('.test.ts') ? [child] : [];
    })
    .sort();
}

/** An argument is a folder below `test/`, or a path from where the runner was called. */
function locate(argument: string): string {
  const found = [join(testFolder, argument), resolve(argument)].find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no such folder or file of tests: ${argument}`);
  return found;
}

function needsServer(file: string): boolean {
  return !PURE.has(relative(testFolder, file).split(sep)[0] ?? '');
}

async function prefetch(): Promise<void> {
  for (const flavor of ['mysql', 'mariadb'] as const) {
    try {
      await prefetchServer(flavor);
    } catch (error) {
      // The tests that need this one will fail and say why; the others can still tell something.
      process.stderr.write(`${messageOf(error)}\n`);
    }
  }
}

/** Runs files by node:test. @param failures where the reporter writes the files that failed. */
function runNode(files: readonly string[], options: readonly string[], failures: string): Promise<number> {
  const fixed = ['--import', 'tsx', '--test', `--test-concurrency=${CONCURRENCY}`];
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(testFolder, 'failed-files.mjs')}`,
    `--test-reporter-destination=${failures}`,
  ];
  const args = [...fixed, ...reporters, `--test-timeout=${TEST_TIMEOUT_MS}`, ...options, ...files];
  const child = spawn(process.execPath, args, { cwd: rootFolder, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
  return new Promise((resolveCode, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolveCode(code ?? 1));
  });
}

/**
 * In CI a few files that failed get a second chance, alone: on a starved machine a server can be too slow for a test's
 * deadline. What needed it is named, loudly: it is a defect of the test or of the tool, only not one that stops the line.
 */
async function runAll(files: readonly string[], options: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-run-'));
  try {
    const first = join(folder, 'first');
    const code = await runNode(files, options, first);
    if (code === 0 || process.env.CI === undefined) return code;
    const failed = readFileSync(first, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((file) => relative(rootFolder, file));
    if (failed.length === 0 || failed.length > SECOND_CHANCES) return code;
    process.stdout.write(`\nSECOND CHANCE for ${failed.join(', ')}\n\n`);
    const again = await runNode(failed, [...options, '--test-concurrency=1'], join(folder, 'second'));
    if (again === 0) process.stdout.write(`\nFLAKY, passed only alone: ${failed.join(', ')}\n`);
    return again;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
const paths = given.filter((argument) => !argument.startsWith('--'));
const roots = paths.length === 0 ? [testFolder] : paths.map(locate);
const files = [...new Set(roots.flatMap(collect))];
if (files.length === 0) throw new Error('no tests there');
if (files.some(needsServer)) await prefetch();
const options = given.filter((argument) => argument.startsWith('--'));
process.exitCode = await runAll(
  files.map((file) => relative(rootFolder, file)),
  options,
);
