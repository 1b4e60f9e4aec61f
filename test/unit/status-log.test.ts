import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { createLog, type LogOptions } from '../../src/ops/log.ts';

function logged(options: Partial<LogOptions> & { isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const { isTTY = false, env, ...rest } = options;
  const lines: string[] = [];
  const plain = { verbose: false, debug: false, quiet: false, logFormat: 'text' as const };
  const log = createLog({ ...plain, ...rest }, { write: (text) => lines.push(text), isTTY }, env);
  return { log, lines };
}

test('lines have the shape of the log that runbooks know', () => {
  const { log, lines } = logged({ debug: true });
  log.debug('a');
  log.info({ table: 'db.t', rows: 3, text: 'a b' }, 'copied');
  log.warn('c');
  log.error('d');
  log.fatal({ err: new UsageError('--x', { hint: 'do y' }), hint: 'do y' }, 'wrong: --x');
  const shape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;
  for (const line of lines) assert.match(line, shape);
  assert.deepEqual(
    lines.map((line) => line.replace(shape, '')),
    [
      'DEBUG a\n',
      'INFO copied table=db.t rows=3 text="a b"\n',
      'WARNING c\n',
      'ERROR d\n',
      'FATAL wrong: --x\nhint: do y\n',
    ],
  );
});

test('causes are told once', () => {
  const { log, lines } = logged();
  const cause = new Error('refused');
  log.error({ err: new Error('no server', { cause }) }, 'no server');
  log.error({ err: new Error('no server: refused', { cause }) }, 'no server: refused');
  log.error({ err: new Error('no server') }, 'the run ended');
  assert.deepEqual(
    lines.map((line) => line.replace(/^.* ERROR /, '')),
    ['no server error=refused\n', 'no server: refused\n', 'the run ended error="no server"\n'],
  );
});

test('levels by the flags: errors and warnings, INFO, everything, errors only', () => {
  const cases: [Partial<LogOptions>, number][] = [
    [{}, 2],
    [{ verbose: true }, 3],
    [{ debug: true }, 4],
    [{ quiet: true }, 1],
    [{ quiet: true, debug: true }, 1],
  ];
  for (const [options, expected] of cases) {
    const { log, lines } = logged(options);
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    assert.equal(lines.length, expected, JSON.stringify(options));
  }
});

test('JSON is one object a line', () => {
  const { log, lines } = logged({ logFormat: 'json' });
  log.warn({ rows: 3 }, 'slow');
  const { level, rows, msg, time } = JSON.parse(lines[0] ?? '');
  assert.deepEqual({ level, rows, msg }, { level: 'warn', rows: 3, msg: 'slow' });
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
});

test('colours only on a terminal, in auto, and where they are wanted', () => {
  const coloured = (options: Parameters<typeof logged>[0]): boolean => {
    const { log, lines } = logged(options);
    log.error('x');
    return lines.join('').includes('\u001b[');
  };
  assert.equal(coloured({ logFormat: 'auto', isTTY: true }), true);
  assert.equal(coloured({ logFormat: 'auto', isTTY: false }), false);
  assert.equal(coloured({ logFormat: 'text', isTTY: true }), false);
  assert.equal(coloured({ logFormat: 'auto', isTTY: true, env: { NO_COLOR: '1' } }), false);
});

test('passwords are not logged, wherever they stand', () => {
  for (const logFormat of ['text', 'json'] as const) {
    const { log, lines } = logged({ logFormat, stack: true, secrets: ['s3cr"et\\pw', 'root'] });
    log.error(
      { connection: { password: 'hunter2', host: 'h' }, password: 'hunter2' },
      'root with s3cr"et\\pw',
    );
    log.error({ err: new Error('denied: s3cr"et\\pw'), sql: 'x s3cr"et\\pw' }, 'failed');
    const all = lines.join('');
    assert.doesNotMatch(all, /hunter2|s3cr|et\\pw/, all);
    assert.match(all, /root with \*\*\*/);
  }
});

test('a stack is printed only when asked for', () => {
  for (const stack of [true, false]) {
    const { log, lines } = logged({ stack });
    log.error({ err: new Error('boom') }, 'boom');
    assert.equal(/\n {4}at /.test(lines.join('')), stack);
  }
});
