/**
 * The test runner behind `npm test`: collects `test/**\/*.test.ts`, makes sure once that servers can be
 * started where tests need them, and hands the files to Node's own runner.
 * Arguments: folders below `test/`, or files, to restrict it to; options of `node --test` pass through.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../src/base/errors.ts';
import { prefetchServer } from './lab/lab.ts';

const TEST_TIMEOUT_MS = 300_000;
/** Two: the tests are about races, and more servers at a time than processors only make them slow. */
const CONCURRENCY = 2;
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

function runNode(files: readonly string[], options: readonly string[]): Promise<number> {
  const fixed = ['--import', 'tsx', '--test', `--test-concurrency=${CONCURRENCY}`];
  const args = [...fixed, `--test-timeout=${TEST_TIMEOUT_MS}`, ...options, ...files];
  const child = spawn(process.execPath, args, { cwd: rootFolder, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolveCode, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolveCode(code ?? 1));
  });
}

const given = process.argv.slice(2);
const paths = given.filter((argument) => !argument.startsWith('--'));
const roots = paths.length === 0 ? [testFolder] : paths.map(locate);
const files = [...new Set(roots.flatMap(collect))];
if (files.length === 0) throw new Error('no tests there');
if (files.some(needsServer)) await prefetch();
const options = given.filter((argument) => argument.startsWith('--'));
process.exitCode = await runNode(
  files.map((file) => relative(rootFolder, file)),
  options,
);
