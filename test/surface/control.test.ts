// A socket script and a conf file written for gh-ost, on one postponed run of a real server: each command answers as it did
// there, and what it says has happened has happened.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, hasColumn, prepare, start, tablesOf, until } from '../fault/fault-lab.ts';
import { ask } from '../lab/ask.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import { freePort } from './surface-lab.ts';

const NOTE = '# Note: you may only throttle for as long as your binary logs are not purged';
const STATUS =
  /# Migrating `fault`.`items`; Ghost table is `fault`.`_base_gho`\n[\s\S]*\nCopy: 300\/300 100\.0%; /;

describe('the commands of a postponed run', () => {
  let lab: Lab;
  let sql: Connection;
  let run: Child;
  let port: number;
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-surface-'));
  const file = (name: string): string => join(folder, name);
  const [socket, conf, flag] = [file('c.sock'), file('my.cnf'), file('postpone')];
  const writeConf = (osc: string): void =>
    writeFileSync(
      conf,
      `[client]\nuser = op\npassword = "$\{OP_PASSWORD}" # quoted\n[osc]\nserve-tcp-token = 'tok-1'\n${osc}`,
    );
  const send = (line: string): Promise<string> => ask(socket, line);
  const state = async (): Promise<string> => /State: ([^;]*)/.exec(await send('sup'))?.[1] ?? '';
  const header = async (name: string): Promise<string | undefined> =>
    new RegExp(`^#.*\\b${name}: ([^;\n]*)`, 'm').exec(await send('status'))?.[1];

  before(async () => {
    lab = await start({ flavor: 'mysql' });
    sql = await lab.primary.connect();
    await prepare(sql);
    await runSql(sql, `CREATE USER op IDENTIFIED BY 'p#w;d "x'`);
    await runSql(sql, 'GRANT ALL ON *.* TO op');
    writeConf('chunk_size = 50\nmax_lag_millis=1200');
    port = await freePort();
    const { host, port: serverPort } = lab.primary;
    run = startCli(
      [
        ...['-host', host, '-port', String(serverPort), '-conf', conf, '-database', DB, '-table', 'items'],
        ...['--alter', 'DROP COLUMN body', '--alter', 'ADD COLUMN extra INT NOT NULL DEFAULT 7'],
        ...['--execute=false', '--execute', '--allow-on-master', '--verbose', '--debug=false', '--gtid'],
        ...[
          '--serve-socket-file',
          socket,
          '--serve-tcp-port',
          String(port),
          '--panic-flag-file',
          file('panic'),
        ],
        ...['--postpone-cut-over-flag-file', flag, '--throttle-flag-file', file('throttle')],
        ...['--throttle-additional-flag-file', file('all'), '--force-named-cut-over', '--force-named-panic'],
        ...['--force-table-names=base', '--timestamp-old-table', '--replica-server-id=4711'],
        ...[
          '--heartbeat-interval-millis=200',
          '--dml-batch-size=20',
          '--default-retries=5',
          '--cut-over=default',
        ],
        ...['--cut-over-lock-timeout-seconds=99', '--cut-over-exponential-backoff', '--stack'],
        ...['--exponential-backoff-max-interval=8', '--checkpoint-seconds=1', '--mysql-timeout=8.5'],
        ...['--binlogsyncer-max-reconnect-attempts=3', '--storage-engine=innodb'],
      ],
      { env: { OP_PASSWORD: 'p#w;d "x' } },
    );
    // The socket is there before the run has connected anywhere.
    await until(() => existsSync(socket), 'the socket', 30_000);
    assert.match(await send('applier').catch(() => run.stderr), /^Host: /);
    await run.waitForLine(/State: postponing cut-over/, 30_000);
  });
  after(async () => {
    run?.kill('SIGKILL');
    await run?.exit;
    await sql?.end();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the options are what they say: names, conf file, a value out of its range', async () => {
    const tables = await tablesOf(sql);
    for (const name of ['_base_ghc', '_base_ghk', '_base_gho']) assert.ok(tables.includes(name), `${tables}`);
    const [line] = await runSql(
      sql,
      "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = 'op'",
    );
    assert.ok(Number(line?.n) > 1, 'the account of the conf file is at work');
    assert.match(run.stderr, /WARNING --cut-over-lock-timeout-seconds .* from 1 to 10: 99 is taken as 3/);
    assert.ok(!`${run.stdout}${run.stderr}`.includes('p#w'), 'the password is printed');
    assert.equal(await send('chunk-size=?'), '50');
    assert.equal(await send('max-lag-millis=?'), '1200');
  });

  test('help, sup, status, info, coordinates, applier, inspector', async () => {
    const help = await send('help');
    for (const name of ['status', 'chunk-size=<n>', 'unpostpone', 'panic'])
      assert.ok(help.includes(name), name);
    assert.match(await send('sup'), /^Copy: 300\/300 100\.0%; Applied: \d+; Backlog: 0\/\d+; Time: [^\n]*$/);
    const status = await send('status');
    assert.match(status, STATUS);
    assert.match(status, new RegExp(`# Serving on unix socket: ${socket}\n# Serving on TCP port: ${port}\n`));
    assert.match(status, /postpone-cut-over-flag-file: .*postpone \[set\]\n# panic-flag-file: .*panic\n/);
    assert.match(await send('info'), STATUS);
    assert.match(run.stdout, STATUS, 'printed as well');
    assert.match(await send('coordinates'), /^[\da-f-]{36}:/);
    assert.equal(await send('coordinates=?'), await send('coordinates'));
    assert.equal(await send('coordinates=1'), 'coordinates are read-only');
    const { host, port: serverPort, version } = lab.primary;
    for (const name of ['applier', 'inspector'])
      assert.ok((await send(name)).startsWith(`Host: ${host}:${serverPort}, Version: ${version}`), name);
  });

  test('chunk-size, dml-batch-size and max-lag-millis are clamped, set and asked for', async () => {
    for (const [name, low, high, fine] of [
      ['chunk-size', 10, 100_000, 777],
      ['dml-batch-size', 1, 1000, 33],
      ['max-lag-millis', 100, 86_400_000, 900],
    ] as const) {
      assert.match(await send(`${name}=0`), STATUS);
      assert.equal(await send(`${name}=?`), String(low));
      await send(`${name}=999999999`);
      assert.equal(await send(`${name} = ?`), String(high));
      assert.match(await send(`${name}="${fine}"`), STATUS);
      assert.match((await header(name)) ?? '', new RegExp(`^${fine}(ms)?$`));
      assert.equal(await send(`${name}=x`), `${name} is a whole number, not "x"`);
    }
  });

  test('max-load, critical-load and nice-ratio are replaced as a whole; empty clears', async () => {
    for (const name of ['max-load', 'critical-load']) {
      assert.match(await send(`${name}=Threads_running=500,Threads_connected=9000`), STATUS);
      assert.equal(await send(`${name}=?`), 'Threads_connected=9000,Threads_running=500');
      assert.match(
        await send('status'),
        new RegExp(`; ${name}: Threads_connected=9000,Threads_running=500;`),
      );
      await send(`${name}=`);
      assert.equal(await send(`${name}=?`), '');
    }
    assert.match(await send('nice-ratio=0.5'), STATUS);
    assert.equal(await send('nice-ratio=?'), '0.5');
    await send('nice-ratio=0');
  });

  test('throttle-query and throttle-http come with a note; throttle-control-replicas with its list', async () => {
    assert.match(await send('throttle-query=SELECT 0'), new RegExp(`^${NOTE}\n# Migrating`));
    assert.equal(await send('throttle-query=?'), 'SELECT 0');
    await send('throttle-query=SELECT 7 > 5');
    await until(
      async () => /throttle-query/.test(JSON.parse(await send('status --json')).throttled),
      'a throttle',
    );
    await send('throttle-query=');
    assert.match(await send('throttle-http=http://127.0.0.1:1/'), new RegExp(`^${NOTE}\n# Migrating`));
    assert.equal(await send('throttle-http=?'), 'http://127.0.0.1:1/');
    await send('throttle-http=');
    const replica = `${lab.primary.host}:${lab.primary.port}`;
    assert.match(await send(`throttle-control-replicas=${replica}`), new RegExp(`^${replica}\n# Migrating`));
    assert.equal(await send('throttle-control-replicas=?'), replica);
    assert.equal(await header('throttle-control-replicas count').catch(() => ''), '1');
    await send('throttle-control-replicas=');
    const free = async (): Promise<boolean> => JSON.parse(await send('status=json')).throttled === null;
    await until(free, 'no throttle');
  });

  test('throttle and no-throttle with all their names; flag files; for another table nothing', async () => {
    const reason = async (): Promise<string | null> => JSON.parse(await send('status --json')).throttled;
    for (const [on, off] of [
      ['throttle', 'no-throttle'],
      ['pause', 'unthrottle'],
      ['suspend=items', 'resume=items'],
      ['throttle', 'continue'],
    ]) {
      assert.match(await send(on!), new RegExp(`^${NOTE}\n# Migrating`));
      assert.equal(await reason(), 'commanded by user');
      assert.match(await send('no-throttle=other'), /names table other/);
      assert.match(await send(off!), STATUS);
      assert.equal(await reason(), null);
    }
    for (const name of ['throttle', 'all']) {
      writeFileSync(file(name), '');
      await until(async () => (await reason()) === 'flag-file', `flag file ${name}`);
      assert.match(
        await send('status'),
        new RegExp(`# throttle-(additional-)?flag-file: ${file(name)} \\[set\\]`),
      );
      rmSync(file(name));
      await until(async () => (await reason()) === null, `no flag file ${name}`);
    }
  });

  test('postpone-cut-over-flag-file: =? answers; another file is made and counts', async () => {
    assert.equal(await send('postpone-cut-over-flag-file=?'), flag);
    assert.ok(!existsSync('?'));
    assert.match(await send('postpone-cut-over-flag-file='), /a path is needed/);
    const other = file('postpone-2');
    assert.match(await send(`postpone-cut-over-flag-file="${other}"`), /^Postponed\n# Migrating/);
    assert.ok(existsSync(other));
    rmSync(flag);
    assert.equal(await state(), 'postponing cut-over');
  });

  test('replication-lag-query, an unknown command, cpu-profile', async () => {
    for (const line of ['replication-lag-query=select 1', 'replication-lag-query=?'])
      assert.match(await send(line), /^replication-lag-query is deprecated/);
    assert.equal(await send('frobnicate=1'), 'unknown command: frobnicate');
    const profile = JSON.parse(await send('cpu-profile=200ms')) as {
      nodes: { callFrame: { url: string } }[];
    };
    assert.ok(profile.nodes.some(({ callFrame }) => /poltergeist|ops|mysql|stages/.test(callFrame.url)));
  });

  test('by TCP with the token of the conf file only', async () => {
    assert.match(await ask(port, 'sup'), /^refused: /);
    assert.match(await ask(port, 'token wrong\nsup'), /^refused: /);
    assert.match(await ask(port, 'token tok-1\nsup'), /^Copy: 300/);
  });

  test('status --json has the fields of its page; ctl asks for it by socket and by TCP', async () => {
    const page = readFileSync(new URL('../../docs/status-json.md', import.meta.url), 'utf8');
    const told = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name).sort();
    for (const place of [
      ['--socket', socket],
      ['--tcp', `127.0.0.1:${port}`, '--token=tok-1'],
    ]) {
      const child = startCli(['ctl', ...place, 'status', '--json']);
      assert.equal((await child.exit).code, 0, child.stderr);
      const sent = JSON.parse(child.stdout) as Record<string, unknown>;
      assert.deepEqual(Object.keys(sent).sort(), told);
      assert.equal(sent.state, 'postponing cut-over');
      assert.equal(sent.phase, 'waiting');
    }
    const wrong = startCli(['ctl', '--socket', socket, 'chunk-size', 'x']);
    assert.equal((await wrong.exit).code, 1);
    assert.equal(wrong.stderr, 'chunk-size is a whole number, not "x"\n');
  });

  test('SIGHUP: what has changed in the conf file is in force; a broken one changes nothing', async () => {
    const seen = (text: RegExp): Promise<unknown> => run.waitForLine(text, 20_000);
    writeConf('chunk_size = 60\nmax_lag_millis=1200\nconcurrency=7');
    run.kill('SIGHUP');
    await seen(/INFO SIGHUP: chunk-size has changed: 60/);
    await seen(/WARNING SIGHUP: concurrency has changed, but cannot change in a run/);
    assert.equal(await send('chunk-size=?'), '60');
    assert.equal(await send('max-lag-millis=?'), '900', 'set by the socket, and the same in the file');
    writeConf('chunk_size = 70\nmax_lag_millis=soon');
    run.kill('SIGHUP');
    await seen(
      /WARNING SIGHUP: the conf file is not taken over, nothing has changed: .*max_lag_millis is a whole number/,
    );
    assert.equal(await send('chunk-size=?'), '60');
  });

  test('unpostpone and panic must name the table; then it cuts over although the file stays', async () => {
    for (const name of ['unpostpone', 'no-postpone', 'cut-over'])
      assert.match(
        await send(name),
        /^User commanded 'unpostpone' without specifying table name, but --force-named-cut-over/,
      );
    assert.match(await send('panic'), /but --force-named-panic is set/);
    assert.match(await send('panic=other'), /names table other/);
    assert.match(await send('cut-over=items'), /^Unpostponed\n# Migrating/);
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.ok(existsSync(file('postpone-2')));
    assert.ok(!existsSync(socket));
    assert.match(run.stdout, /^# Done$/m);
    assert.ok(await hasColumn(sql, 'extra'));
    const tables = await tablesOf(sql);
    assert.equal(tables.filter((name) => /^_base_\d{14}_del$/.test(name)).length, 1, `${tables}`);
  });
});
