// TLS is what is asked for, or the run ends: nothing falls back to plain text, and the binlog stream is no exception.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { hasColumn, migrationArguments, prepare, start } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import { type Lab, runSql, waitForReplica } from '../lab/lab.ts';

const openssl = spawnSync('openssl', ['version']).status === 0;

describe('TLS', { skip: !openssl && 'there is no openssl to make certificates with' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-tls-'));
  const file = (name: string): string => join(folder, name);
  let lab: Lab;
  let sql: Connection;

  /** A key with a certificate that our authority has signed, for this address or nobody. */
  function certify(name: string, subject: string): void {
    const run = (...args: string[]): void => {
      execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
    };
    writeFileSync(file(`${name}.ext`), `subjectAltName=${subject}\n`);
    run(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    run(
      ...[
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
      ],
      ...['-extfile', `${name}.ext`, '-out', `${name}.pem`],
    );
  }

  before(async () => {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem'];
    execFileSync('openssl', [...args, '-days', '2', '-subj', '/CN=ca'], { cwd: folder, stdio: 'ignore' });
    certify('server', 'DNS:localhost');
    certify('elsewhere', 'DNS:elsewhere.example');
    certify('client', 'DNS:client');
    lab = await start({ flavor: 'mysql', options: tls('server'), replicas: [{ options: tls('server') }] });
    sql = await lab.primary.connect();
    await prepare(sql);
    await runSql(sql, "CREATE USER secure IDENTIFIED BY 'secure-pass' REQUIRE X509");
    await runSql(sql, 'GRANT ALL ON *.* TO secure');
  });
  after(async () => {
    await sql?.end();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const tls = (name: string) => ({
    ssl_ca: file('ca.pem'),
    ssl_cert: file(`${name}.pem`),
    ssl_key: file(`${name}.key`),
  });
  const run = async (...flags: string[]) => {
    // Names are checked, addresses are not names.
    const account = ['--host=localhost', '--user=secure', '--password=secure-pass', '--ok-to-drop-table'];
    const socket = ['--serve-socket-file', file('s.sock')];
    const child = startCli(migrationArguments(lab.primary, 'extra', [...account, ...socket, ...flags]));
    const { code } = await child.exit;
    return { code, stderr: child.stderr };
  };
  const client = ['--ssl-cert', file('client.pem'), '--ssl-key', file('client.key')];

  test('--ssl-ca, --ssl-cert and --ssl-key: every connection of a whole migration is checked on both sides', async () => {
    const plain = await run('--execute=false');
    assert.match(plain.stderr, /Access denied/, 'the account demands a certificate');
    const { code, stderr } = await run('--ssl', '--ssl-ca', file('ca.pem'), ...client);
    assert.equal(code, 0, stderr);
    assert.ok(await hasColumn(sql, 'extra'));
  });

  test('--ssl without the authority is refused; --ssl-allow-insecure takes the certificate as it is', async () => {
    const refused = await run('--execute=false', '--ssl', ...client);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /self.signed certificate/);
    const insecure = await run(
      '--execute=false',
      '--alter=ENGINE=InnoDB',
      '--ssl',
      '--ssl-allow-insecure',
      ...client,
    );
    assert.equal(insecure.code, 0, insecure.stderr);
    const missing = await run('--execute=false', '--ssl', '--ssl-ca', file('none.pem'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /cannot read .*none\.pem, given as --ssl-ca/);
  });

  test('HAZARDS 90: replicas are asked as the server is: by an account that demands a certificate', async () => {
    await prepare(sql);
    await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
    const replica = `localhost:${lab.replicas[0]!.port}`;
    const lag = ['--throttle-control-replicas', replica, '--verbose'];
    const { code, stderr } = await run('--ssl', '--ssl-ca', file('ca.pem'), ...client, ...lag);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /unreadable/);
  });

  test('HAZARDS 90: a server that has no TLS: the run ends, and nothing goes in plain text', async (t) => {
    const bare = await start({ flavor: 'mysql', options: { tls_version: '' } });
    t.after(() => bare.stop());
    const connection = await bare.primary.connect();
    t.after(() => connection.end());
    await prepare(connection);
    const child = startCli(migrationArguments(bare.primary, 'extra', ['--ssl', '--ssl-allow-insecure']));
    assert.equal((await child.exit).code, 1, child.stderr);
    assert.match(child.stderr, /does not support secure connection/);
    assert.equal(await hasColumn(connection, 'extra'), false);
  });

  test('a certificate for another host is refused', async () => {
    await lab.primary.restart(tls('elsewhere'));
    sql = await lab.primary.connect();
    const { code, stderr } = await run('--execute=false', '--ssl', '--ssl-ca', file('ca.pem'), ...client);
    assert.notEqual(code, 0);
    assert.match(stderr, /altnames|does not match/);
  });
});
