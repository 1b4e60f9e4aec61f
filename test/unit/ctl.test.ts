// The client of the control socket: what a person types at three in the morning, and what a script asks every minute.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { commands } from '../../src/ops/commands.ts';
import { ControlServer } from '../../src/ops/control.ts';
import { completeCommand, ctl } from '../../src/ops/ctl.ts';
import { parseCtl } from '../../src/ops/ctl-options.ts';
import { maskArguments } from '../../src/ops/secrets.ts';
import { defaultSocketFile } from '../../src/ops/socket-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-ctl-'));
const path = join(folder, 'ctl.sock');
const heard: string[] = [];
const server = new ControlServer({
  ...{ path, dropFile: false, tcp: { host: '127.0.0.1', port: 0, token: 'tok' }, clock: systemClock },
  respond: async (line) => {
    heard.push(line);
    if (line === '@hang') return await new Promise<string>(() => undefined);
    if (line === '@odd') return 'too many connections';
    return line.includes('bad') ? 'error\nit is bad' : `ok\nyou said ${line.slice(1)}\nin two lines`;
  },
  warn: assert.fail,
});
await server.open();
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Typed {
  readonly input?: string;
  readonly terminal?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** Key by key: what comes in one piece is taken for pasted, and TAB for a character. At `…` the run has just been sent a line. */
async function type(stdin: PassThrough, keys: string): Promise<void> {
  let sent = 0;
  for (const key of keys) {
    if (key === '…') {
      while (heard.length === sent) await systemClock.sleep(2);
      sent = heard.length;
    } else stdin.write(key);
    await systemClock.sleep(2);
  }
  stdin.end();
}

async function run(argv: readonly string[], { input = '', terminal = false, env = {} }: Typed = {}) {
  const stdin = new PassThrough();
  const output = new PassThrough();
  let stdout = '';
  let stderr = '';
  output.on('data', (data) => {
    stdout += data;
  });
  if (terminal) void type(stdin, input);
  else stdin.end(input);
  const errors = { write: (text: string) => (stderr += text) };
  const parts = { input: stdin, output, errors, terminal, env, clock: systemClock };
  const code = await ctl(argv, parts);
  heard.splice(0);
  return { code, stdout, stderr };
}

test('one command: the answer on stdout and 0; what was not done on stderr and 1', async () => {
  assert.deepEqual(await run(['--socket', path, 'status']), {
    ...{ code: 0, stdout: 'you said status\nin two lines\n', stderr: '' },
  });
  assert.deepEqual(await run(['--socket', path, 'bad']), { code: 1, stdout: '', stderr: 'it is bad\n' });
  assert.deepEqual(await run(['--socket', path, 'odd']), {
    code: 1,
    stdout: '',
    stderr: 'too many connections\n',
  });
});

test('by TCP with a token, from the command line or the environment', async () => {
  const tcp = `--tcp=127.0.0.1:${server.tcpPort}`;
  assert.equal((await run([tcp, '--token', 'tok', 'sup'])).code, 0);
  assert.equal((await run([tcp, 'sup'], { env: { POLTERGEIST_TOKEN: 'tok' } })).code, 0);
  const refused = await run([tcp, 'sup']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^refused: the first line must be/);
  assert.deepEqual(maskArguments(['ctl', '--token', 'tok', '--token=tok']), [
    'ctl',
    '--token',
    '***',
    '--token=***',
  ]);
});

test('nobody there is a usage error; a run that does not answer in time is not', async () => {
  await assert.rejects(
    run(['--socket', join(folder, 'none'), 'sup']),
    /UsageError: nobody can be reached at .*none/,
  );
  await assert.rejects(
    run(['--tcp', '127.0.0.1:1', 'sup']),
    /UsageError: nobody can be reached at 127.0.0.1:1/,
  );
  await assert.rejects(
    run(['--socket', path, '--timeout-seconds=1', 'hang']),
    /Transient: the run has not answered hang/,
  );
});

test('lines that are piped in are sent in their order; one that fails is the exit code', async () => {
  const good = await run(['--socket', path], { input: 'status\n\n  sup  \n' });
  assert.equal(good.stdout, 'you said status\nin two lines\nyou said sup\nin two lines\n');
  assert.equal(good.code, 0);
  const bad = await run(['--socket', path], { input: 'bad\nsup\nquit\nnever\n' });
  assert.deepEqual([bad.code, bad.stderr, bad.stdout], [1, 'it is bad\n', 'you said sup\nin two lines\n']);
  const nobody = await run(['--socket', join(folder, 'none')], { input: 'sup\n' });
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /nobody can be reached/);
});

test('at a terminal it is a prompt with completion and history', async () => {
  // TAB completes the name, the arrow up brings the line back.
  const { stdout, code } = await run(['--socket', path], {
    input: 'coord\t\r\u001b[A\rbad\rexit\r',
    terminal: true,
  });
  assert.equal(stdout.match(/you said coordinates/g)?.length, 2, stdout);
  assert.match(stdout, /poltergeist> /);
  assert.equal(code, 0, 'the person has seen what failed');
});

test('^C at the prompt drops the line, then an answer that does not come; at an empty line it is the end', async () => {
  const { stdout, stderr, code } = await run(['--socket', path], {
    input: 'panic\u0003sup\r…hang\r…\u0003status\r…\u0003never\r',
    terminal: true,
  });
  assert.doesNotMatch(stdout, /you said (panic|never)/);
  assert.match(stdout, /you said sup\n.*you said status\n/s, 'the prompt has gone on');
  assert.match(stderr, /^not waited for any longer: the run may obey all the same\n$/);
  assert.ok(stdout.endsWith('\n'), 'the prompt of the shell would stand behind ours');
  assert.equal(code, 0);
});

test('a run that has ended meanwhile: the prompt says so and what it may be', async () => {
  const { stderr } = await run(['--socket', join(folder, 'none')], { input: 'sup\r', terminal: true });
  assert.match(stderr, /^nobody can be reached at .*\nhint: The run has ended/);
});

test('completion knows every command and alias', () => {
  const [all] = completeCommand('');
  for (const { names } of commands)
    for (const name of names) assert.ok(all.includes(name) || all.includes(`${name}=`), name);
  assert.deepEqual(completeCommand('chunk'), [['chunk-size='], 'chunk']);
  assert.deepEqual(completeCommand('sta')[0], ['status', 'status --json']);
});

test('options, then the command in one word or two', () => {
  const line = (...words: string[]) => parseCtl(['--socket=/s', ...words], {})?.line;
  assert.equal(line('chunk-size=500'), 'chunk-size=500');
  assert.equal(line('chunk-size', '500'), 'chunk-size=500');
  assert.equal(line('status', '--json'), 'status --json');
  assert.equal(line('throttle-query=select', '1'), 'throttle-query=select 1');
  assert.equal(line(), null);
  assert.deepEqual(parseCtl(['-database', 'd', '--table=t', 'sup'], {})?.place, {
    path: defaultSocketFile('d', 't'),
  });
  assert.deepEqual(parseCtl(['--tcp=[::1]:70', 'sup'], {})?.place, { host: '::1', port: 70 });
  assert.equal(parseCtl(['-h'], {}), null);
  const cases: [string[], RegExp][] = [
    [[], /which run\?/],
    [['--database=d', 'sup'], /which run\?/],
    [['--sokcet=x'], /unknown option --sokcet/],
    [['--socket'], /--socket needs a value/],
    [['--socket=a', '--tcp=b:1'], /exclude each other/],
    [['--tcp=b'], /host:port/],
    [['--socket=a', 'sup\nsup'], /one line/],
    [['--socket=a', '--timeout-seconds=x', 'sup'], /whole number/],
  ];
  for (const [argv, wrong] of cases) assert.throws(() => parseCtl(argv, {}), wrong, argv.join(' '));
});

test('help tells the options and the exit codes', async () => {
  const { stdout } = await run(['--help']);
  for (const told of ['--socket <path>', '--timeout-seconds <n>', 'Exit code'])
    assert.ok(stdout.includes(told), told);
});
