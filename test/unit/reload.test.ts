// gh-ost read its conf file again on SIGHUP and applied nothing of it: an operator who lowered a limit there believed in it.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { Reload } from '../../src/ops/reload.ts';
import { reloadOnHangUp } from '../../src/ops/signals.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-reload-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'my.cnf');

/** A run that has begun with these lines below [osc]. */
function begun(lines: string, argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const write = (text: string): void => writeFileSync(file, `[client]\nuser = me\n[osc]\n${text}`);
  write(lines);
  const options = parseOptions(['--alter=ADD x INT', '--conf', file, ...argv], env);
  const settings = liveSettings(options);
  const logged: string[] = [];
  const log = {
    info: (text: string) => void logged.push(`info ${text}`),
    warn: (text: string) => void logged.push(`warn ${text}`),
  };
  const reload = new Reload(options, settings, log);
  /** Changes the file and reads it again. @returns what is logged. */
  const change = async (text: string): Promise<string[]> => {
    write(text);
    await reload.run();
    return logged.splice(0);
  };
  return { settings, change, write };
}

test('what has changed in the file is in force, within its range; what cannot change in a run is named', async () => {
  const { settings, change } = begun('chunk_size = 500\nmax-lag-millis = 1500');
  const lines = await change(
    'chunk_size = 5\nmax-lag-millis = 2000 # more\nconcurrency = 4\npassword = "p#w"',
  );
  assert.equal(settings.chunkRows, 10);
  assert.equal(settings.maxLagMs, 2000);
  assert.deepEqual(lines, [
    'warn SIGHUP: password has changed, but cannot change in a run',
    'info SIGHUP: chunk-size has changed: 5',
    'warn SIGHUP: concurrency has changed, but cannot change in a run',
    'info SIGHUP: max-lag-millis has changed: 2000',
    `warn ${file}:4: chunk_size is a whole number from 10 to 100000: 5 is taken as 10`,
  ]);
});

test('a line that is gone gives the default back; one that stays leaves alone what the socket has set', async () => {
  const { settings, change } = begun('dml-batch-size = 7\nmax-lag-millis = 900');
  settings.maxLagMs = 300;
  assert.deepEqual(await change('max-lag-millis = 900'), [
    'info SIGHUP: dml-batch-size has changed: the default',
  ]);
  assert.equal(settings.batchKeys, null);
  assert.equal(settings.maxLagMs, 300);
  assert.deepEqual(await change('max-lag-millis = 900'), [
    'info SIGHUP: the conf file was read again: nothing new in it',
  ]);
});

test('a broken file changes nothing and says so; put right, it counts', async () => {
  const { settings, change } = begun('chunk-size = 500');
  for (const broken of [
    'chunk-size = 700\nmax-lag-millis = x',
    'chunk-size = 700\nnonsense = 1',
    'chunk-size = 700\nssl-ca = /x',
    '${x',
  ]) {
    const [line = '', ...more] = await change(broken);
    assert.match(line, /^warn SIGHUP: the conf file is not taken over, nothing has changed: /, broken);
    assert.deepEqual(more, []);
    assert.equal(settings.chunkRows, 500);
  }
  await change('chunk-size = 700');
  assert.equal(settings.chunkRows, 700);
});

test('a file that is gone, and a variable that is not set, change nothing', async () => {
  const { settings, change, write } = begun(`chunk-size = $\{ROWS}`, [], { ROWS: '600' });
  assert.equal(settings.chunkRows, 600);
  assert.match((await change(`chunk-size = $\{OTHER}`))[0] ?? '', /the environment has no variable OTHER/);
  write('');
  rmSync(file);
  const reload = new Reload(
    {
      ...parseOptions(['--alter=ADD x INT'], {}),
      reread: () => parseOptions(['--alter=a', '--conf', file], {}),
    },
    settings,
    {
      info: assert.fail,
      warn: (text) => assert.match(text, /nothing has changed: .*ENOENT/),
    },
  );
  await reload.run();
  assert.equal(settings.chunkRows, 600);
});

test('the command line goes before the file, and the log says so', async () => {
  const { settings, change } = begun('chunk-size = 500', ['--chunk-size=800']);
  assert.deepEqual(await change('chunk-size = 900'), [
    'warn SIGHUP: chunk-size stays as it is: the command line goes before the conf file',
    'info SIGHUP: the conf file was read again: nothing new in it',
  ]);
  assert.equal(settings.chunkRows, 800);
});

test('a file that postpones the cut-over is made, as at the start', async () => {
  const { settings, change } = begun('');
  const flag = join(folder, 'postpone');
  await change(`postpone-cut-over-flag-file = ${flag}`);
  assert.ok(existsSync(flag));
  assert.equal(settings.postponeFlagFile, flag);
});

test('SIGHUP without a conf file does not end the run', async () => {
  const signals = Object.assign(new EventEmitter(), { exit: () => assert.fail() });
  const options = parseOptions(['--alter=ADD x INT'], {});
  const logged: string[] = [];
  const reload = new Reload(options, liveSettings(options), {
    info: (text) => void logged.push(text),
    warn: assert.fail,
  });
  const stop = reloadOnHangUp(signals, () => void reload.run());
  signals.emit('SIGHUP');
  await reload.run();
  stop();
  assert.deepEqual(logged, Array(2).fill('SIGHUP: there is no --conf file to read again'));
  assert.equal(signals.listenerCount('SIGHUP'), 0);
});
