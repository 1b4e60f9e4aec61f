// Flags that no other test of the surface sets, in one run on a real server; and the password that is typed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { hasColumn, migrationArguments, prepare, start } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import type { Lab } from '../lab/lab.ts';
import { freePort } from './surface-lab.ts';

const BIN = fileURLToPath(new URL('../../bin/poltergeist.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).status === 0;

describe('flags that are left', () => {
  let lab: Lab;
  let sql: Connection;
  let statsd: Socket;
  let http: Server;
  const figures = new Set<string>();
  const asked: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'poltergeist-remaining-'));
  const file = (name: string): string => join(folder, name);

  before(async () => {
    lab = await start({ flavor: 'mysql' });
    sql = await lab.primary.connect();
    statsd = createSocket('udp4');
    statsd.on('message', (data) => {
      for (const line of data.toString().split('\n')) figures.add(line.split(':')[0]!);
    });
    await new Promise<void>((resolve) => statsd.bind(0, '127.0.0.1', resolve));
    http = createServer((request, response) => {
      asked.push(request.method ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    statsd?.close();
    http?.close();
    http?.closeAllConnections();
    await sql?.end();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => prepare(sql));

  const askTcp = (port: number, lines: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(lines));
      let answer = '';
      socket.setEncoding('utf8').on('data', (data) => {
        answer += data;
      });
      socket.on('end', () => resolve(answer)).on('error', reject);
    });

  test('--verify-concurrency, --charset, --runtime-metrics-interval, --throttle-http-timeout-millis, --serve-tcp-address', async () => {
    const port = await freePort();
    writeFileSync(file('postpone'), '');
    const run = startCli(
      migrationArguments(lab.primary, 'extra', [
        ...['--verbose', '--verify-concurrency=2', '--charset=utf8mb4', '--postpone-cut-over-flag-file'],
        ...[file('postpone'), '--serve-socket-file', file('s.sock'), '--serve-tcp-port', String(port)],
        ...['--serve-tcp-address=0.0.0.0', '--serve-tcp-token=tok-2'],
        ...[`--statsd-addr=127.0.0.1:${statsd.address().port}`, '--runtime-metrics-interval=1'],
        ...[`--throttle-http=http://127.0.0.1:${(http.address() as { port: number }).port}/`],
        ...['--throttle-http-timeout-millis=300', '--throttle-http-interval-millis=50'],
      ]),
    );
    await run.waitForLine(/State: postponing cut-over/, 30_000);
    const deadlineMs = performance.now() + 20_000;
    while (!figures.has('poltergeist.runtime.rss_bytes') && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(figures.has('poltergeist.runtime.rss_bytes'), [...figures].join(' '));
    assert.ok(asked.includes('HEAD'), 'the address was asked');
    assert.doesNotMatch(await askTcp(port, 'status\n'), /State:/, 'nothing is told without the token');
    assert.match(await askTcp(port, 'token tok-2\nstatus\n'), /State: postponing cut-over/);
    rmSync(file('postpone'));
    const { code } = await run.exit;
    assert.equal(code, 0, run.stderr);
    assert.match(run.stderr, /verified: /);
    assert.equal(await hasColumn(sql, 'extra'), true);
    assert.equal(existsSync(file('s.sock')), false);
  });

  const skip = hasScript ? false : 'no script(1) on this machine, which makes a terminal';
  test('--ask-pass: the password is asked for on the terminal, and is shown nowhere', { skip }, async () => {
    const { host, port, user, password } = lab.primary;
    const place = `--host ${host} --port ${port} --user ${user} --database fault --table items --allow-on-master`;
    const command = `${process.execPath} ${BIN} ${place} --alter "ADD COLUMN extra INT" --ask-pass`;
    const child: ChildProcess = spawn('script', ['-qec', command, '/dev/null']);
    let output = '';
    child.stdout?.on('data', (data) => {
      output += data;
      if (/Password: $/.test(output)) child.stdin?.write(`${password}\r`);
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    assert.equal(code, 0, output);
    assert.match(output, /Password: [\s\S]*# Done/);
    if (password !== '') assert.ok(!output.includes(password), output);
  });
});
