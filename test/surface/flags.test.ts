// What a runbook's command line asks for, on a real server. A run without --execute shows what would be done and leaves
// nothing; so most flags are looked at there, many at a time.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { options } from '../../src/ops/options.ts';
import { DB, hasColumn, migrationArguments, prepare, start, tablesOf } from '../fault/fault-lab.ts';
import { ask } from '../lab/ask.ts';
import { Child, startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';

const HELD_CLI = fileURLToPath(new URL('../fault/held-cli.ts', import.meta.url));
const NOT_POSTPONING =
  'You may only invoke this when gh-ost is actively postponing migration. At this time it is not';

/** A real table, so that a server that is not asked would be noticed. */
describe('flags', () => {
  let lab: Lab;
  let sql: Connection;
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-flags-'));
  before(async () => {
    lab = await start({ flavor: 'mysql' });
    sql = await lab.primary.connect();
  });
  after(async () => {
    await sql?.end();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => prepare(sql));

  const cli = async (argv: readonly string[]) => {
    const child = startCli(argv);
    const { code } = await child.exit;
    return { code, stdout: child.stdout, stderr: child.stderr };
  };
  const migrate = (...flags: string[]) =>
    cli(migrationArguments(lab.primary, 'extra', ['--serve-socket-file', join(folder, 's.sock'), ...flags]));
  const look = (...flags: string[]) => migrate('--execute=false', ...flags);

  test('--version, --help and --check-flag touch nothing', async () => {
    assert.match((await cli(['-version'])).stdout, /^\d+\.\d+\.\d+\n$/);
    const help = await cli(['--help']);
    assert.match(help.stdout, /\nCut-over:\n[\s\S]*--cut-over-lock-timeout-seconds/);
    assert.equal(help.stderr, '');
    assert.deepEqual(await cli(['--check-flag', '--port=1', '--ssl-ca=x']), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    const unknown = await cli(['--check-flag', '--max-lag-milis=1']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /unknown option '--max-lag-milis'\nhint: Did you mean --max-lag-millis\?/);
  });

  test('without --execute: the plan on stdout, and nothing stays; -quiet says no word beside it', async () => {
    const { code, stdout, stderr } = await look('-quiet');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /CREATE TABLE [\s\S]*`extra` int NOT NULL DEFAULT '7'[\s\S]*# Done\n$/);
    assert.equal(stderr, '');
    assert.deepEqual(await tablesOf(sql), ['items']);
    assert.equal(await hasColumn(sql, 'extra'), false);
  });

  test('--skip-strict-mode: what may lose data is in the plan, and no column that stays as it is', async () => {
    const alter = [
      '--alter',
      'MODIFY hits TINYINT NOT NULL, MODIFY id BIGINT AUTO_INCREMENT, ADD COLUMN x INT',
    ];
    const { code, stdout, stderr } = await look('--skip-strict-mode', ...alter);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^# +columns lossy: +hits: values that do not fit are cut or changed/m);
    assert.doesNotMatch((await look(...alter)).stdout, /columns lossy/);
  });

  test('what has no meaning here is accepted with one line each', async () => {
    const legacy = [...options].filter(([, spec]) => spec.withoutEffect !== undefined);
    const argv = legacy.map(([name, spec]) => (spec.type === 'bool' ? `--${name}` : `-${name}=1`));
    const { code, stderr } = await look('--verbose', ...argv);
    assert.equal(code, 0, stderr);
    for (const [name] of legacy)
      assert.equal(stderr.split(`INFO --${name} is accepted without effect: `).length, 2, `--${name}`);
  });

  test('--debug tells more than --verbose, --log-format=json in a form for programs', async () => {
    assert.match((await look('--debug')).stderr, /DEBUG phase inspecting/);
    const json = await look('--verbose', '--log-format=json', '--tungsten');
    for (const line of json.stderr.trim().split('\n'))
      assert.equal(typeof JSON.parse(line).level, 'string', line);
  });

  test('--allow-on-master, --host, --port, --user and --password are about the server', async () => {
    const primary = await look('--allow-on-master=false');
    assert.equal(primary.code, 2, primary.stderr);
    assert.match(primary.stderr, /--allow-on-master/);
    const nobody = await look('--port=1');
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /ECONNREFUSED/);
    const stranger = await look('--user=nobody', '--password=secret-word');
    assert.equal(stranger.code === 0, false);
    assert.match(stranger.stderr, /Access denied for user 'nobody'/);
    assert.ok(!stranger.stderr.includes('secret-word'));
  });

  test('--mysql-timeout: a server that does not answer is given up', async () => {
    const server: Server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await look(`--port=${port}`, '--mysql-timeout=0.5', '--default-retries=1');
    server.close();
    assert.equal(code, 1);
    assert.match(stderr, /cannot connect to .*(ETIMEDOUT|no answer in 500 ms)/);
  });

  test('--database and --table, or a full statement in --alter', async () => {
    const { host, port, user, password } = lab.primary;
    const place = [
      '--host',
      host,
      '--port',
      String(port),
      '--user',
      user,
      '--password',
      password,
      '--allow-on-master',
    ];
    const full = await cli([...place, '--alter', `ALTER TABLE ${DB}.items ADD COLUMN extra INT`]);
    assert.equal(full.code, 0, full.stderr);
    const none = await cli([...place, '--alter', 'ADD COLUMN extra INT', '--database', DB]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /--table must be given/);
    const missing = await look('--table=nowhere');
    assert.equal(missing.code, 2, missing.stderr);
    const typo = await look('--alter', 'ADD COLUM extra INT');
    assert.notEqual(typo.code, 0);
    assert.deepEqual(await tablesOf(sql), ['items']);
  });

  test('--force-table-names: another base for our tables, which must not be the table itself', async () => {
    await runSql(sql, `CREATE TABLE ${DB}._other_gho (id INT PRIMARY KEY)`);
    const { code, stderr } = await look('--force-table-names=other');
    assert.equal(code, 2);
    assert.match(stderr, /_other_gho/);
    assert.equal((await look('--force-table-names=free')).code, 0);
  });

  test('--initially-drop-ghost-table and --initially-drop-old-table: what is in the way is refused without them', async () => {
    for (const name of ['_items_gho', '_items_del'])
      await runSql(sql, `CREATE TABLE ${DB}.${name} (id INT PRIMARY KEY)`);
    assert.match((await migrate()).stderr, /_items_gho/);
    assert.match((await migrate('--initially-drop-ghost-table')).stderr, /_items_del/);
    assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_gho', 'items']);
    const { code, stderr } = await migrate(
      '--initially-drop-ghost-table',
      '--initially-drop-old-table',
      '--ok-to-drop-table',
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(await tablesOf(sql), ['items'], '--ok-to-drop-table leaves the table only');
    assert.ok(await hasColumn(sql, 'extra'));
  });

  test('the socket: a file in its place is refused, unless --initially-drop-socket-file', async () => {
    const socket = join(folder, 'own.sock');
    writeFileSync(socket, 'x');
    const refused = await migrate('--serve-socket-file', socket);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /exists and is no socket/);
    assert.deepEqual(await tablesOf(sql), ['items']);
    const { code, stderr } = await migrate('--serve-socket-file', socket, '--initially-drop-socket-file');
    assert.equal(code, 0, stderr);
    assert.equal(existsSync(socket), false);
  });

  test('--approve-renamed-columns or --skip-renamed-columns: a rename is not taken for granted', async () => {
    const rename = ['--alter', 'CHANGE body text VARCHAR(60)'];
    const refused = await look(...rename);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--approve-renamed-columns/);
    assert.equal((await look(...rename, '--approve-renamed-columns')).code, 0);
    assert.equal((await migrate(...rename, '--skip-renamed-columns')).code, 0);
    const [row] = await runSql(sql, `SELECT COUNT(*) AS n FROM ${DB}.items WHERE text IS NULL`);
    assert.equal(Number(row?.n), 300, 'the data of the renamed column is not carried over');
  });

  test('--allow-nullable-unique-key: a key that may hold NULL is not taken for granted', async () => {
    await runSql(sql, `ALTER TABLE ${DB}.items MODIFY id INT NULL, DROP PRIMARY KEY, ADD UNIQUE KEY u (id)`);
    const refused = await look();
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /--allow-nullable-unique-key/);
    const { code, stderr } = await look('--allow-nullable-unique-key');
    assert.equal(code, 0, stderr);
  });

  test('--storage-engine: a table of another engine than the one that is said', async () => {
    const { code, stderr } = await look('--storage-engine=rocksdb');
    assert.equal(code, 2);
    assert.match(stderr, /has the engine InnoDB/);
  });

  test('--skip-foreign-key-checks: a key that points to the table is refused, unless nobody looks', async () => {
    await runSql(
      sql,
      `CREATE TABLE ${DB}.child (id INT PRIMARY KEY, item INT, FOREIGN KEY (item) REFERENCES ${DB}.items (id))`,
    );
    const refused = await look();
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /Only --skip-foreign-key-checks overrides this/);
    const { code, stderr } = await look('--skip-foreign-key-checks');
    assert.equal(code, 0, stderr);
  });

  test('while it starts and while it cuts over, the socket answers', async () => {
    const socket = join(folder, 'held.sock');
    const child = new Child(migrationArguments(lab.primary, 'extra', ['--serve-socket-file', socket]), {
      script: HELD_CLI,
      env: { HOLD_AT: 'locked', HOLD_MS: '1500' },
    });
    await child.waitForLine(/^HELD locked/, 60_000);
    const sent = JSON.parse(await ask(socket, 'status --json')) as Record<string, unknown>;
    assert.equal(sent.phase, 'cutting-over');
    assert.match(await ask(socket, 'max-lag-millis=2000'), /max-lag-millis: 2000ms/);
    assert.equal(await ask(socket, 'unpostpone'), NOT_POSTPONING);
    assert.equal((await child.exit).code, 0, child.stderr);
    assert.ok(await hasColumn(sql, 'extra'));
  });

  test('--gtid on a server that has none is refused, and nothing stays', async () => {
    await runSql(sql, 'SELECT 1');
    const plain = await start({
      flavor: 'mysql',
      options: { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' },
    });
    try {
      const connection = await plain.primary.connect();
      await prepare(connection);
      const { code, stderr } = await cli(
        migrationArguments(plain.primary, 'extra', ['--gtid', '--serve-socket-file', join(folder, 's.sock')]),
      );
      assert.equal(code, 1, stderr);
      assert.match(stderr, /gtid_mode is OFF, and GTIDs were asked for/);
      assert.deepEqual(await tablesOf(connection), ['items']);
      await connection.end();
    } finally {
      await plain.stop();
    }
  });
});
