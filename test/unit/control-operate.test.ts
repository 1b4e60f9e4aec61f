import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { Abandoned } from '../../src/base/errors.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { createLog } from '../../src/ops/log.ts';
import { type Operable, operate } from '../../src/ops/operate.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { abortOnSignals } from '../../src/ops/signals.ts';
import { snapshotOf } from './status-snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-operate-'));
after(() => rmSync(folder, { recursive: true }));

class Signals extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

let runs = 0;

function operation(
  run: (signal: AbortSignal, panicked: Promise<string>) => Promise<unknown>,
  ...argv: string[]
) {
  const options = parseOptions(['--alter=ADD x INT', ...argv], {});
  const printed: string[] = [];
  const logged: string[] = [];
  const signals = new Signals();
  let panic: (reason: string) => void = () => undefined;
  const panicked = new Promise<string>((resolve) => {
    panic = resolve;
  });
  const controls = {
    snapshot: () => snapshotOf(),
    throttle: () => undefined,
    unthrottle: () => undefined,
    unpostpone: () => true,
    panic,
  };
  const migration: Operable = {
    controls,
    settings: liveSettings(options),
    run: (signal) => run(signal, panicked),
  };
  const socketFile = join(folder, `${++runs}.sock`);
  const log = createLog({ ...options, logFormat: 'text' }, { write: (text) => logged.push(text) });
  const parts = {
    options,
    socketFile,
    clock: systemClock,
    log,
    print: (line: string) => printed.push(line),
    signals,
  };
  return { done: operate(migration, parts), printed, logged, signals, socketFile };
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('a run prints its status, answers on its socket, and leaves nothing behind', async () => {
  const postpone = join(folder, 'postpone');
  let answer = '';
  const { done, printed, logged, signals, socketFile } = operation(
    async () => {
      await systemClock.sleep(20);
      const socket = connect(socketFile);
      socket.end('applier\n');
      for await (const data of socket) answer += data;
    },
    '--execute',
    '--verbose',
    `--postpone-cut-over-flag-file=${postpone}`,
  );
  await done;
  assert.equal(answer, 'Host: primary:3306, Version: 9.7.4\n');
  assert.match(printed[0] ?? '', /^# Migrating `shop`\.`orders`/);
  assert.match(printed.at(-1) ?? '', /^Copy: 250\/1000/);
  assert.equal(logged.filter((line) => / INFO Copy: /.test(line)).length, 2);
  assert.equal(existsSync(postpone), false, 'it is made when all is validated: flag-files.test.ts');
  assert.equal(existsSync(socketFile), false);
  assert.equal(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM'), 0);
});

test('without --execute nothing is served, created or printed', async () => {
  const flag = join(folder, 'not-created');
  const { done, printed, socketFile } = operation(async () => {
    await systemClock.sleep(1);
    assert.equal(existsSync(socketFile), false);
  }, `--postpone-cut-over-flag-file=${flag}`);
  await done;
  assert.deepEqual(printed, []);
  assert.equal(existsSync(flag), false);
});

test('a signal ends the run with a reason; a second one exits at once', async () => {
  const { done, signals, logged } = operation(untilAborted, '--execute');
  await systemClock.sleep(20);
  signals.emit('SIGTERM');
  signals.emit('SIGINT');
  assert.deepEqual(signals.exits, [130]);
  await assert.rejects(done, (error) => error instanceof Abandoned && error.message === 'SIGTERM received');
  assert.match(logged.join(''), /WARNING SIGTERM received: ending the run; a second signal exits at once/);
});

test('the panic flag file abandons the run', async () => {
  const flag = join(folder, 'panic');
  writeFileSync(flag, '');
  const { done } = operation(
    async (_signal, panicked) => {
      throw new Abandoned(await panicked);
    },
    '--execute',
    `--panic-flag-file=${flag}`,
  );
  await assert.rejects(done, /the panic flag file .* exists/);
});

test('a socket that cannot be had stops a run before it starts', async () => {
  let started = false;
  writeFileSync(join(folder, `${runs + 1}.sock`), '');
  const { done } = operation(async () => {
    started = true;
  }, '--execute');
  await assert.rejects(done, /exists and is no socket/);
  assert.equal(started, false);
});

test('signals are counted over both kinds, and not heard after the end', () => {
  const signals = new Signals();
  const reasons: string[] = [];
  const stop = abortOnSignals(signals, ({ message }) => reasons.push(message));
  signals.emit('SIGINT');
  signals.emit('SIGTERM');
  stop();
  signals.emit('SIGINT');
  assert.deepEqual(reasons, ['SIGINT received']);
  assert.deepEqual(signals.exits, [143]);
});
