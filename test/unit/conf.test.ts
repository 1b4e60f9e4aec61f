// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how conf files spell variables
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { readConf } from '../../src/ops/conf.ts';
import { type ParsedOptions, parseOptions } from '../../src/ops/parse-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-conf-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function write(text: string, name = `${++files}.cnf`): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function value(line: string, env: NodeJS.ProcessEnv = {}): string | null | undefined {
  return readConf(write(`[client]\n${line}\n`), env)[0]?.value;
}

const parse = (text: string, ...argv: string[]): ParsedOptions =>
  parseOptions(['--alter=ADD x INT', `--conf=${write(text)}`, ...argv], {});

test('values are read as MySQL reads them, and passwords are kept whole', () => {
  const cases: [string, string | null][] = [
    ['password=secret', 'secret'],
    ['password = secret  ', 'secret'],
    ['password=p#w;d', 'p#w;d'],
    ['password="p#w;d"', 'p#w;d'],
    ["password='p #w;d'", 'p #w;d'],
    ['password="a # b" # a comment', 'a # b'],
    ['password=secret # a comment', 'secret'],
    ['password=secret\t#a comment', 'secret'],
    ['password= # nothing', ''],
    ['password=', ''],
    ['password', null],
    ['password # a comment', null],
    ['password=it"s', 'it"s'],
    ['password="it\'s"', "it's"],
    ['password="say \\"hi\\" # not a comment"', 'say "hi" # not a comment'],
    ['password=a=b', 'a=b'],
    ['password=a\\tb\\\\c\\sd\\q', 'a\tb\\c d\\q'],
    ['password=a${HOME}b', 'a${HOME}b'],
    ['password=päß', 'päß'],
  ];
  for (const [line, expected] of cases) assert.equal(value(line), expected, line);
});

test('a value may be a variable of the environment, which must be there', () => {
  assert.equal(value('password=${PW}', { PW: 'p#w d' }), 'p#w d');
  assert.equal(value('password="${PW}"', { PW: '' }), '');
  assert.throws(() => value('\npassword=${PW}'), /\.cnf:3: the environment has no variable PW$/);
});

test('comments, blank lines, line ends of Windows and a byte order mark do no harm', () => {
  const path = write(
    '\uFEFF# one\r\n; two\r\n\r\n[Client] # three\r\n user = u\r\n[osc]\r\nchunk_size=5\r\n',
  );
  assert.deepEqual(
    readConf(path, {}).map(({ section, name, value, line }) => [section, name, value, line]),
    [
      ['client', 'user', 'u', 5],
      ['osc', 'chunk_size', '5', 7],
    ],
  );
});

test('errors name the file and the line', () => {
  const cases: [string, RegExp][] = [
    ['[client\nuser=x', /:1: this \[section\] does not end/],
    ['user=x', /:1: "user" stands before any \[section\]/],
    ['[client]\n\nwhat is this', /:3: neither "name = value"/],
    ['[client]\npassword="open', /:2: the quote " is not closed/],
    ['[client]\n!incl x', /:2: only !include/],
    ['!include nowhere.cnf', /:1: ENOENT/],
    ['!includedir nowhere', /:1: ENOENT/],
  ];
  for (const [text, pattern] of cases)
    assert.throws(
      () => readConf(write(text), {}),
      (error) =>
        error instanceof UsageError && pattern.test(error.message) && error.message.startsWith(folder),
      text,
    );
  assert.throws(() => readConf(join(folder, 'none.cnf'), {}), /^UsageError: --conf: ENOENT/);
  assert.throws(() => readConf(folder, {}), UsageError);
});

test('includes are read in place, relative to their file, and cannot go round in circles', () => {
  mkdirSync(join(folder, 'conf.d'));
  write('[client]\nuser=b\n', 'conf.d/b.cnf');
  write('[client]\nuser=a\n', 'conf.d/a.cnf');
  write('[client]\nuser=not read\n', 'conf.d/c.txt');
  const path = write('[client]\nuser=first\n!includedir conf.d\nuser=last\n');
  assert.deepEqual(
    readConf(path, {}).map((entry) => entry.value),
    ['first', 'a', 'b', 'last'],
  );
  write('!include circle.cnf\n', 'circle.cnf');
  assert.throws(() => readConf(join(folder, 'circle.cnf'), {}), /circle\.cnf:1: includes more than/);
});

test('[client] and [osc] are applied; the command line goes first, then [osc]', () => {
  const text = `[client]
user = from-client
password = 'p#w;d'
port = 3307
default-character-set = utf8mb4
[mysqld]
chunk_size = 9999999999
[osc]
chunk_size = 500
max_lag_millis=2000
port = 3308
execute-not-here-but-this-is = 1
`;
  assert.throws(() => parse(text), /\.cnf:12: execute-not-here-but-this-is is no option$/);
  const parsed = parse(text.replace(/execute.*/, 'assume_rbr'), '--max-lag-millis=3000');
  const { user, password, port, chunkSize, maxLagMillis, assumeRbr } = parsed;
  assert.deepEqual(
    { user, password, port, chunkSize, maxLagMillis, assumeRbr },
    {
      user: 'from-client',
      password: 'p#w;d',
      port: 3308,
      chunkSize: 500,
      maxLagMillis: 3000,
      assumeRbr: true,
    },
  );
  assert.ok(parsed.given.has('user') && !parsed.given.has('host'));
});

test('values of a conf file are checked, and errors name their line', () => {
  assert.throws(() => parse('[osc]\nchunk_size=many'), /\.cnf:2: chunk_size is a whole number, not "many"/);
  assert.throws(() => parse('[osc]\nexecute'), /\.cnf:2: execute can only be given on the command line/);
  assert.match(parse('[osc]\nchunk_size=1').notes[0]?.text ?? '', /\.cnf:2: chunk_size .* 1 is taken as 10/);
  assert.throws(() => parse('[osc]\nssl-ca=x'), /--ssl-ca needs --ssl/);
});
