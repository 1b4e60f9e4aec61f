// A page that says what is compatible is believed by whoever changes one word in a cron job: it must be complete, and true.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commands } from '../../src/ops/commands.ts';
import { options } from '../../src/ops/options.ts';
import { ghostCommands, ghostFlags, ghostHooks } from './compatibility-names.ts';

interface Row {
  readonly name: string;
  readonly here: string;
  readonly remark: string;
}

const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');

function rowsOf(title: string): Row[] {
  const section = page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \|(.*)\|$/gm)].map(
    ([, name = '', here = '', remark = '']) => ({ name, here: here.trim(), remark: remark.trim() }),
  );
}

const flags = rowsOf('Flags');
const socket = rowsOf('Commands of the control socket');
const hooks = rowsOf('Hooks');
const names = (rows: readonly Row[]): string[] => rows.map(({ name }) => name).sort();

test('docs/compatibility.md has each flag, command and hook of gh-ost once, and nothing else', () => {
  assert.deepEqual(names(flags), [...ghostFlags].sort());
  assert.deepEqual(names(socket), [...ghostCommands].sort());
  assert.deepEqual(names(hooks), [...ghostHooks].sort());
});

test('each is said to be same, better, accepted without effect or not supported; all but the first say more', () => {
  for (const { name, here, remark } of [...flags, ...socket, ...hooks]) {
    assert.match(here, /^(same|better|accepted without effect|not supported)$/, name);
    if (here !== 'same') assert.notEqual(remark, '', `${name} is ${here}: in which way?`);
  }
});

test('what the page says of a flag is what the options table says', () => {
  for (const { name, here } of flags) {
    const spec = options.get(name as never);
    assert.equal(here === 'not supported', spec === undefined, `--${name} is ${here}`);
    assert.equal(
      here === 'accepted without effect',
      spec?.withoutEffect !== undefined,
      `--${name} is ${here}`,
    );
  }
});

test('what the page says of a command is what the socket knows', () => {
  const known = new Set(commands.flatMap((command) => command.names as readonly string[]));
  for (const { name, here } of socket)
    assert.equal(here === 'not supported', !known.has(name), `${name} is ${here}`);
});

/** Flags whose test on a real server is not there; each says why. */
const untested = new Map([
  ['ask-pass', 'needs a terminal: options are asked in test/unit'],
  ['throttle-http-timeout-millis', 'test/unit: a server of HTTP that is silent is enough'],
  ['statsd-addr', 'test/unit: no server of a database is concerned'],
  ['statsd-tags', 'test/unit: no server of a database is concerned'],
  ['runtime-metrics-interval', 'test/unit: no server of a database is concerned'],
]);

test('each flag that does something, and each command, is in a test on a real server', () => {
  const text = ['test/surface', 'test/mysql', 'test/fault', 'fixtures/cases'].map(textBelow).join('\n');
  const missing = flags
    .filter(({ here }) => here === 'same' || here === 'better')
    .map(({ name }) => name)
    .filter((name) => !new RegExp(`-${name}(?![\\w-])`).test(text));
  assert.deepEqual(
    missing.filter((name) => !untested.has(name)),
    [],
  );
  for (const { name, here } of socket)
    if (here !== 'not supported') assert.match(text, new RegExp(`['"\`]${name}(?![\\w-])`), name);
});

/** The text of all files below a folder of the repository. */
function textBelow(folder: string): string {
  const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}
