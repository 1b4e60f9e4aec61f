import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { systemClock } from '../../src/base/clock.ts';
import type { LiveSettings } from '../../src/core/settings.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { readCommand } from '../../src/ops/command-text.ts';
import { commands, respond } from '../../src/ops/commands.ts';
import { statusHeader, statusLine } from '../../src/ops/status.ts';
import { snapshotOf } from './status-snapshot.ts';

function operation(changes: Partial<Snapshot> = {}, named = { cutOver: false, panic: false }) {
  const calls: string[] = [];
  const printed: string[] = [];
  const settings: LiveSettings = {
    chunkRows: null,
    batchKeys: 10,
    maxLagMs: 1500,
    throttleControlReplicas: ['a:3306', 'b:3307'],
    postponeFlagFile: null,
    maxLoad: new Map(),
    criticalLoad: new Map(),
    niceRatio: 0,
    throttleQuery: '',
    throttleHttp: '',
  };
  const snapshot = snapshotOf(changes);
  const facts = { exists: () => false, additionalFlagFile: null };
  const controls = {
    snapshot: () => snapshot,
    throttle: () => void calls.push('throttle'),
    unthrottle: () => void calls.push('unthrottle'),
    unpostpone: () => {
      calls.push('unpostpone');
      return snapshot.postponing;
    },
    panic: (reason: string) => void calls.push(`panic ${reason}`),
  };
  const context = {
    controls,
    settings,
    facts: async () => facts,
    named,
    clock: systemClock,
    over: new AbortController().signal,
    print: (line: string) => printed.push(line),
  };
  const status = [...statusHeader(snapshot, facts), statusLine(snapshot)].join('\n');
  return { calls, printed, settings, status, send: (line: string) => respond(line, context) };
}

const note = '# Note: you may only throttle for as long as your binary logs are not purged';

test('commands that look', async () => {
  const { send, status, printed, calls } = operation();
  assert.equal(await send('status'), status);
  assert.equal(await send(' info '), status);
  assert.equal(await send('sup'), status.split('\n').at(-1));
  assert.deepEqual(printed, [...status.split('\n'), ...status.split('\n'), status.split('\n').at(-1)]);
  assert.equal(await send('coordinates'), 'binlog.000002:4711');
  assert.equal(await send('coordinates=?'), 'binlog.000002:4711');
  assert.equal(await send('coordinates=x'), 'coordinates are read-only');
  assert.equal(await send('applier'), 'Host: primary:3306, Version: 9.7.4');
  assert.equal(await send('inspector'), 'Host: replica:3307, Version: 9.7.4-log');
  assert.equal(await send('frobnicate=1'), 'unknown command: frobnicate');
  assert.equal(await send(''), 'unknown command: ');
  assert.deepEqual(calls, []);
});

test('help names every command and its aliases', async () => {
  const help = await operation().send('help');
  for (const { names } of commands) for (const name of names) assert.match(help, new RegExp(`\\b${name}\\b`));
  const all = commands.flatMap(({ names }) => names);
  assert.equal(new Set(all).size, all.length);
});

test('settings are asked for, set within their range, and answered with the status', async () => {
  const { send, settings, status } = operation();
  assert.equal(await send('chunk-size=?'), '1200', 'adaptive: the size in force');
  assert.equal(await send('chunk-size=500'), status);
  assert.equal(await send('chunk-size=?'), '500');
  assert.match(await send('chunk-size=1'), /^# chunk-size is .*: 1 is taken as 10\n# Migrating/);
  assert.equal(settings.chunkRows, 10);
  assert.equal(await send('chunk-size=auto'), status);
  assert.equal(settings.chunkRows, null);
  assert.equal(await send('dml-batch-size = "100"'), status);
  assert.equal(await send('dml-batch-size=?'), '100');
  assert.equal(
    await send('max-lag-millis=10').then((answer) => answer.split('\n').at(-1)),
    status.split('\n').at(-1),
  );
  assert.equal(await send('max-lag-millis=?'), '100');
  for (const line of ['max-lag-millis', 'max-lag-millis='])
    assert.equal(await send(line), 'max-lag-millis needs a value');
  assert.equal(await send('max-lag-millis=x'), 'max-lag-millis is a whole number, not "x"');
  assert.equal(settings.maxLagMs, 100);
});

test('control replicas are replaced as a whole; the new list is answered first', async () => {
  const { send, settings, status } = operation();
  assert.equal(await send('throttle-control-replicas=?'), 'a:3306,b:3307');
  assert.equal(await send('throttle-control-replicas=c, d:3310'), `c:3306,d:3310\n${status}`);
  assert.deepEqual(settings.throttleControlReplicas, ['c:3306', 'd:3310']);
  assert.match(await send('throttle-control-replicas=:::'), /host:port/);
  assert.equal(await send('throttle-control-replicas='), status);
  assert.deepEqual(settings.throttleControlReplicas, []);
});

test('throttling by command, with aliases, for our table only', async () => {
  const { send, calls, status } = operation();
  for (const line of ['throttle', 'pause', 'suspend=orders'])
    assert.equal(await send(line), `${note}\n${status}`);
  for (const line of ['no-throttle', 'unthrottle', 'resume=orders', 'continue'])
    assert.equal(await send(line), status);
  assert.match(await send('throttle=other'), /names table other, but this is the migration of orders/);
  assert.match(await send('panic=other'), /names table other/);
  assert.deepEqual(calls, [...Array(3).fill('throttle'), ...Array(4).fill('unthrottle')]);
});

test('unpostpone answers whether there was anything to do', async () => {
  const waiting = operation({ postponing: true });
  for (const line of ['unpostpone', 'no-postpone', 'cut-over=orders'])
    assert.equal(await waiting.send(line), `Unpostponed\n${waiting.status}`);
  const copying = operation();
  assert.equal(
    await copying.send('unpostpone'),
    'You may only invoke this when gh-ost is actively postponing migration. At this time it is not',
  );
});

test('asking for the postpone file does not create a file named "?"', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-postpone-'));
  try {
    const { send, settings } = operation();
    assert.equal(await send('postpone-cut-over-flag-file=?'), '');
    assert.equal(existsSync('?'), false);
    assert.match(await send('postpone-cut-over-flag-file='), /a path is needed/);
    const path = join(folder, 'postpone');
    assert.match(await send(`postpone-cut-over-flag-file=${path}`), /^Postponed\n# Migrating/);
    assert.ok(existsSync(path));
    assert.equal(settings.postponeFlagFile, path);
    assert.equal(await send('postpone-cut-over-flag-file=?'), path);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('panic answers with the reason that the run ends with', async () => {
  const { send, calls } = operation();
  const answer = await send('panic');
  assert.match(answer, /abandoned without cleaning up/);
  assert.deepEqual(calls, [`panic ${answer}`]);
});

test('lines are split at the first "=", and arguments unquoted as Go does', () => {
  const cases: [string, string, string][] = [
    ['a', 'a', ''],
    [' a ', 'a', ''],
    ['a=b=c', 'a', 'b=c'],
    ['a = b ', 'a', 'b'],
    ['a="b c"', 'a', 'b c'],
    ['a="say \\"x\\"\\t\\u00e4\\x41\\101"', 'a', 'say "x"\täAA'],
    ['a=`raw \\n`', 'a', 'raw \\n'],
    ['a="open', 'a', '"open'],
    ['a="bad \\q"', 'a', '"bad \\q"'],
    ['a="b" "c"', 'a', '"b" "c"'],
    ['=x', '', 'x'],
    ['a\r', 'a', ''],
  ];
  for (const [line, name, argument] of cases) assert.deepEqual(readCommand(line), { name, argument }, line);
});

test('where the table must be named, a command without it is refused', async () => {
  const { send, calls, status } = operation({ postponing: true }, { cutOver: true, panic: true });
  for (const line of ['unpostpone', 'no-postpone', 'cut-over='])
    assert.equal(
      await send(line),
      "User commanded 'unpostpone' without specifying table name, but --force-named-cut-over is set",
    );
  assert.equal(
    await send('panic'),
    "User commanded 'panic' without specifying table name, but --force-named-panic is set",
  );
  assert.match(await send('cut-over=other'), /names table other/);
  assert.deepEqual(calls, []);
  assert.equal(await send('cut-over=orders'), `Unpostponed\n${status}`);
  assert.match(await send('panic=orders'), /abandoned/);
});

test('status for programs: one line of JSON, which is not printed', async () => {
  const { send, printed } = operation({
    throttled: 'flag-file',
    maxLoad: new Map([['Threads_running', 25]]),
  });
  for (const line of ['status --json', 'status=json', 'info=json']) {
    const answered = JSON.parse(await send(line)) as Record<string, unknown>;
    assert.equal(answered.version, 1);
    assert.equal(answered.state, 'throttled, flag-file');
    assert.equal(answered.progressPercent, 25);
    assert.deepEqual(answered.maxLoad, { Threads_running: 25 });
  }
  assert.deepEqual(printed, []);
});

test('a line that starts with @ is told whether it was obeyed', async () => {
  const { send } = operation();
  assert.equal(await send('@coordinates'), 'ok\nbinlog.000002:4711');
  assert.equal(await send('@coordinates=x'), 'error\ncoordinates are read-only');
  assert.equal(await send('@boo'), 'error\nunknown command: boo');
  assert.match(await send(' @unpostpone'), /^error\nYou may only invoke this when/);
});

test('a profile of this process, for the tools that open one', async () => {
  const { send } = operation();
  const [first, second] = await Promise.all([send('cpu-profile=50ms'), send('cpu-profile=1s')]);
  assert.ok(Array.isArray((JSON.parse(first) as { nodes: unknown }).nodes));
  assert.equal(second, 'cpu-profile: one is being taken already');
  const packed = await send('cpu-profile="10ms,gzip"');
  assert.match(gunzipSync(Buffer.from(packed, 'base64')).toString(), /^\{"nodes":/);
  for (const [argument, wrong] of Object.entries({
    '2m': /at the most/,
    '0s': /at the most/,
    block: /one thread/,
    x: /not "x"/,
  }))
    assert.match(await send(`cpu-profile=${argument}`), wrong);
});

test('the query for the replication lag is deprecated in every form', async () => {
  const { send } = operation();
  for (const line of ['replication-lag-query', 'replication-lag-query=?', 'replication-lag-query=select 1'])
    assert.match(await send(line), /^replication-lag-query is deprecated/);
});
