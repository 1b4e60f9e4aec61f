/**
 * Benchmarks: `npm run bench -- <name> [--json] [--rows N] ...`. Each is a module here that exports `run(args)`; what
 * it returns is printed as one line of JSON, or readably without --json. Figures are only worth something beside each
 * other in one run: machines are noisy.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [name = '', ...args] = process.argv.slice(2);
const json = args.includes('--json');
const folder = fileURLToPath(new URL('.', import.meta.url));
const file = `${folder}${name}.ts`;
if (!/^[a-z-]+$/.test(name) || !existsSync(file) || name === 'bench') {
  const names = readdirSync(folder).flatMap((entry) => (entry.endsWith('.ts') ? [entry.slice(0, -3)] : []));
  process.stderr.write(
    `usage: npm run bench -- <${names.filter((each) => each !== 'bench').join('|')}> [--json]\n`,
  );
  process.exit(2);
}
// What is measured is what users run: the compiled command.
execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
process.env.POLTERGEIST_BUILT = '1';
const bench = (await import(file)) as { run(args: readonly string[]): Promise<object> };
const result = await bench.run(args.filter((arg) => arg !== '--json'));
process.stdout.write(`${json ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`);
process.exit(0);
