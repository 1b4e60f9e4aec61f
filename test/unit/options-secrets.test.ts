import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { askPassword } from '../../src/ops/ask-password.ts';
import { hideSecrets, maskArguments } from '../../src/ops/secrets.ts';

test('nothing is shown of a password that is typed the moment the prompt is there', async () => {
  const { open, modes } = terminal('secret\r');
  const shownAs: boolean[] = [];
  const watched = () => {
    const given = open();
    const write = (text: string): void => {
      if (text !== '\n') shownAs.push(modes.at(-1) ?? false);
      given.output.write(text);
    };
    return { ...given, output: { write } };
  };
  await askPassword('Password: ', watched);
  assert.deepEqual(shownAs, [true]);
});

test('passwords are taken out of arguments, however they are spelled', () => {
  const cases: [string[], string[]][] = [
    [['--password=x y'], ['--password=***']],
    [
      ['-password', 'x', '--host', 'h'],
      ['-password', '***', '--host', 'h'],
    ],
    [['--password'], ['--password']],
    [
      ['--passwords=x', 'password', '--user=password'],
      ['--passwords=x', 'password', '--user=password'],
    ],
  ];
  for (const [argv, expected] of cases) assert.deepEqual(maskArguments(argv), expected);
});

test('arguments without a password stay as they are, title included', () => {
  const subject = { argv: ['node', 'cli', '--host=h'], title: 'node' };
  hideSecrets(subject);
  assert.deepEqual(subject, { argv: ['node', 'cli', '--host=h'], title: 'node' });
});

test('ps does not show the password', { skip: process.platform !== 'linux' }, async () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { hideSecrets } from './src/ops/secrets.ts';
    hideSecrets(process);
    console.log(JSON.stringify([readFileSync('/proc/self/cmdline', 'utf8'), process.argv]));`;
  const flags = ['--import', 'tsx', '--input-type=module', '--eval', script, '--', 'cli'];
  const arguments_ = [...flags, '--host=h', '--password=hunter2', '-password', 'hunter2'];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_);
  assert.match(stdout, /--host=h/);
  assert.doesNotMatch(stdout, /hunter2/);
});

/** A terminal on which `typed` is typed, piece by piece. */
function terminal(...typed: string[]) {
  const modes: boolean[] = [];
  const written: string[] = [];
  let closed = false;
  const input = Object.assign(new EventEmitter(), {
    setRawMode: (raw: boolean) => void modes.push(raw),
    pause: () => undefined,
  });
  const open = () => {
    setImmediate(() => {
      for (const piece of typed) input.emit('data', Buffer.from(piece));
      input.emit('end');
    });
    const close = (): void => {
      closed = true;
    };
    return { input, output: { write: (text: string) => void written.push(text) }, close };
  };
  return { open, modes, written, isClosed: () => closed };
}

test('a password is asked for without an echo', async () => {
  const { open, modes, written, isClosed } = terminal('s', 'ec', 'x\u007fret', '\r');
  assert.equal(await askPassword('Password: ', open), 'secret');
  assert.deepEqual(modes, [true, false]);
  assert.deepEqual(written, ['Password: ', '\n']);
  assert.ok(isClosed());
});

test('the line can be erased, be empty, and be given up', async () => {
  assert.equal(await askPassword('', terminal('wrong\u0015right\n').open), 'right');
  assert.equal(await askPassword('', terminal('\r').open), '');
  for (const key of ['\u0003', '\u0004', '']) {
    const { open, modes } = terminal(`half${key}`);
    await assert.rejects(askPassword('', open), /UsageError: no password was given/);
    assert.equal(modes.at(-1), false);
  }
});
