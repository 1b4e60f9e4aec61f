// Each hook at its moment, on a real server, with the words that operators' scripts read; a veto that keeps the tables apart;
// and none that can hold up the change stream.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { hasColumn, migrationArguments, prepare, start, tablesOf, until } from '../fault/fault-lab.ts';
import { ask } from '../lab/ask.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';

const names = [
  ...['startup', 'validated', 'rowcount-complete', 'before-row-copy', 'batch-copy-retry', 'status'],
  ...['interactive-command', 'row-copy-complete', 'before-cut-over', 'begin-postponed', 'success', 'failure'],
];

describe('hooks', () => {
  let lab: Lab;
  let sql: Connection;
  let folder: string;
  let socket: string;
  let child: Child | undefined;
  before(async () => {
    lab = await start({ flavor: 'mysql' });
    sql = await lab.primary.connect();
  });
  after(async () => {
    await sql?.end();
    await lab?.stop();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pg-hooks-'));
    socket = join(folder, 'sock');
    await prepare(sql);
    for (const name of names) hook(name, '');
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await child?.exit;
    child = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Every hook writes its variables to a file of its own, and its name to `order`. */
  const hook = (name: string, more: string): void => {
    const path = join(folder, `gh-ost-on-${name}`);
    const note = `env >"${folder}/${name}.env"; echo "$GH_OST_HOOK" >>"${folder}/order"`;
    writeFileSync(path, `#!/bin/sh\n${note}\n${more}\n`);
    chmodSync(path, 0o755);
  };
  const order = (): string[] => {
    const file = join(folder, 'order');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    return lines.map((line) => line.replace('gh-ost-on-', ''));
  };
  const variable = (name: string, of: string): string | undefined =>
    new RegExp(`^GH_OST_${of}=(.*)$`, 'm').exec(readFileSync(join(folder, `${name}.env`), 'utf8'))?.[1];
  const begin = (...flags: string[]): Child => {
    const common = ['--hooks-path', folder, '--serve-socket-file', socket, '--verbose'];
    child = startCli(migrationArguments(lab.primary, 'extra', [...common, ...flags]), {
      env: { MYSQL_PWD: 'never to be seen' },
    });
    return child;
  };

  test('all of them in their order; what they are told', async () => {
    const postpone = join(folder, 'postpone');
    const hints = [
      '--hooks-hint=h',
      '--hooks-hint-owner=o',
      '--hooks-hint-token=t',
      '--hooks-status-interval=1',
    ];
    const count = ['--exact-rowcount', '--concurrent-rowcount=false'];
    const statsd = createSocket('udp4');
    let figures = '';
    statsd.on('message', (packet) => {
      figures += packet.toString();
    });
    await once(statsd.bind(0, '127.0.0.1'), 'listening');
    count.push(`--statsd-addr=127.0.0.1:${statsd.address().port}`, '--statsd-tags=team:db');
    const run = begin('--postpone-cut-over-flag-file', postpone, ...hints, ...count);
    await until(() => order().includes('begin-postponed') && order().includes('status'), 'a postponed run');
    await ask(socket, 'unpostpone=items');
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.deepEqual(
      order().filter((name) => name !== 'status'),
      [
        ...['startup', 'validated', 'rowcount-complete', 'before-row-copy', 'row-copy-complete'],
        ...['before-cut-over', 'begin-postponed', 'interactive-command', 'success'],
      ],
    );
    assert.match(run.stdout, /^# Done$/m);
    assert.match(figures, /^poltergeist\.rows_copied:300\|g\|#team:db$/m);
    assert.match(figures, /^poltergeist\.query_ms:[\d.]+\|ms\|#team:db,query:copy$/m);
    assert.match(figures, /^poltergeist\.cut_over\.step_ms:[\d.]+\|ms\|#team:db,step:locked$/m);
    assert.match(figures, /^poltergeist\.cut_over\.writer_stop_ms:[\d.]+\|g/m);
    statsd.close();
    assert.equal(variable('startup', 'DDL'), 'ADD COLUMN extra INT NOT NULL DEFAULT 7');
    assert.equal(variable('startup', 'DRY_RUN'), 'false');
    assert.equal(variable('startup', 'HOOKS_HINT'), 'h');
    assert.equal(variable('startup', 'HOOKS_HINT_OWNER'), 'o');
    assert.equal(variable('startup', 'HOOKS_HINT_TOKEN'), 't');
    assert.equal(variable('before-row-copy', 'ESTIMATED_ROWS'), '300');
    assert.equal(variable('before-row-copy', 'ETA_SECONDS'), '-9223372036854775808');
    assert.equal(variable('row-copy-complete', 'COPIED_ROWS'), '300');
    assert.equal(variable('row-copy-complete', 'PROGRESS'), '100.000000');
    assert.equal(variable('interactive-command', 'COMMAND'), "'unpostpone'");
    assert.equal(variable('interactive-command', 'COMMAND_ARGUMENT'), 'items');
    assert.match(variable('status', 'STATUS') ?? '', /^'Copy: .*'$/);
    assert.equal(variable('success', 'INSTANT_DDL'), 'false');
    assert.match(variable('success', 'WRITER_STOP_MILLIS') ?? '', /^\d+$/);
    assert.match(variable('success', 'ELAPSED_SECONDS') ?? '', /^\d+\.\d{6}$/);
    for (const name of order())
      assert.doesNotMatch(readFileSync(join(folder, `${name}.env`), 'utf8'), /MYSQL_PWD|never to be seen/);
  });

  test('a veto keeps the tables as they are, and the failure is told', async () => {
    hook('before-cut-over', 'echo "not on a Friday"; exit 5');
    const run = begin();
    assert.equal((await run.exit).code, 1);
    assert.match(run.stderr, /^not on a Friday$/m);
    assert.match(run.stderr, /FATAL the hook .*gh-ost-on-before-cut-over failed: exit status 5/);
    assert.equal(await hasColumn(sql, 'extra'), false);
    assert.match(variable('failure', 'ERROR') ?? '', /gh-ost-on-before-cut-over failed: exit status 5/);
    assert.ok(!order().includes('success'));
  });

  test('a command that is vetoed is not obeyed; a signal ends the run, and the failure is told', async () => {
    hook('interactive-command', `[ "$GH_OST_COMMAND" != "'panic'" ]`);
    const run = begin('--postpone-cut-over-flag-file', join(folder, 'postpone'));
    await until(() => order().includes('begin-postponed'), 'a postponed run');
    assert.match(await ask(socket, 'panic'), /the hook .* failed: exit status 1/);
    assert.match(await ask(socket, 'sup'), /State: postponing cut-over/);
    run.kill('SIGTERM');
    assert.equal((await run.exit).code, 1, run.stderr);
    assert.equal(variable('failure', 'ERROR'), 'SIGTERM received');
    assert.ok((await tablesOf(sql)).includes('_items_ghk'), 'nothing was left for --resume');
  });

  test('a hook that takes its time does not hold up heartbeat and stream', async () => {
    hook('before-row-copy', `while [ ! -e "${folder}/go" ]; do sleep 0.05; done`);
    const run = begin();
    await until(() => order().includes('before-row-copy'), 'the hook');
    const mark = async (): Promise<number> =>
      Number((await runSql(sql, 'SELECT MAX(sequence) AS n FROM fault._items_ghc'))[0]?.n);
    const first = await mark();
    await until(async () => (await mark()) > first + 3, 'heartbeats');
    await until(
      async () => /HeartbeatLag: 0\.\d\ds/.test(await ask(socket, 'sup')),
      'a stream that is being read',
    );
    writeFileSync(join(folder, 'go'), '');
    assert.equal((await run.exit).code, 0, run.stderr);
  });

  test('a hook over its time has failed', async () => {
    hook('validated', 'sleep 60');
    const run = begin('--hooks-timeout-seconds', '1');
    assert.equal((await run.exit).code, 1);
    assert.match(run.stderr, /gh-ost-on-validated failed: it took longer than 1 s and was ended/);
    assert.deepEqual(await tablesOf(sql), ['items']);
  });

  test('a chunk that is tried again is told of', async () => {
    hook('batch-copy-retry', 'exit 1');
    hook('before-row-copy', `while [ ! -e "${folder}/go" ]; do sleep 0.05; done`);
    const run = begin('--concurrency', '1');
    await until(() => order().includes('before-row-copy'), 'the hook');
    const holder = await lab.primary.connect();
    await runSql(holder, 'LOCK TABLES fault._items_gho WRITE');
    writeFileSync(join(folder, 'go'), '');
    const waiting = async (): Promise<number | undefined> => {
      const rows = await runSql(sql, 'SHOW FULL PROCESSLIST');
      return rows.find(({ Info }) => /insert .*_items_gho/is.test(String(Info)))?.Id as number | undefined;
    };
    await until(async () => (await waiting()) !== undefined, 'a copy that waits');
    await runSql(sql, `KILL ${await waiting()}`);
    await until(() => order().includes('batch-copy-retry'), 'the hook');
    await holder.end();
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.notEqual(variable('batch-copy-retry', 'LAST_BATCH_COPY_ERROR') ?? '', '');
    assert.match(run.stderr, /WARNING the hook .*batch-copy-retry failed: exit status 1/);
  });

  test('what the server does instantly: only the beginning and the success', async () => {
    const run = begin('--attempt-instant-ddl');
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.deepEqual(order(), ['startup', 'success']);
    assert.equal(variable('success', 'INSTANT_DDL'), 'true');
    assert.ok(await hasColumn(sql, 'extra'));
  });

  test('a run without --execute is told as such', async () => {
    const run = begin('--execute=false');
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.deepEqual(order(), ['startup', 'validated', 'success']);
    assert.equal(variable('success', 'DRY_RUN'), 'true');
    assert.deepEqual(await tablesOf(sql), ['items']);
  });
});
