// The lab itself: if it lies about crashes, replicas or cleaning up, every other test on a server lies too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../lab/cache.ts';
import { type Flavor, runSql, runSqlForValue, startLab, waitForReplica } from '../lab/lab.ts';
import { runningServerUrl } from '../lab/running-server.ts';

const flavors: Flavor[] = ['mysql', 'mariadb'];

for (const flavor of flavors) {
  describe(`lab of ${flavor}`, { skip: runningServerUrl(flavor) !== undefined }, () => {
    test('a killed server keeps what was committed, and its port', async () => {
      const lab = await startLab({ flavor, options: { binlog_row_image: 'MINIMAL' } });
      try {
        const { primary } = lab;
        const port = primary.port;
        const before = await primary.connect();
        assert.equal(await runSqlForValue(before, 'SELECT @@binlog_row_image'), 'MINIMAL');
        await runSql(before, 'CREATE DATABASE t');
        await runSql(before, 'CREATE TABLE t.a (id INT PRIMARY KEY)');
        await runSql(before, 'INSERT INTO t.a VALUES (7)');
        before.on('error', () => {});
        await primary.kill9();
        await assert.rejects(primary.connect());
        await primary.restart();
        assert.equal(primary.port, port);
        const after = await primary.connect();
        assert.equal(await runSqlForValue(after, 'SELECT id FROM t.a'), 7);
        await after.end();
      } finally {
        await lab.stop();
      }
      assert.equal(existsSync(dirname(lab.primary.dataDir)), false);
    });

    test('a replica follows, and a paused one does not', async () => {
      const lab = await startLab({ flavor, fast: true, replicas: [{ workers: 2 }] });
      try {
        const replica = lab.replicas[0]!;
        const connection = await lab.primary.connect();
        await runSql(connection, 'CREATE DATABASE t');
        await runSql(connection, 'CREATE TABLE t.a (id INT PRIMARY KEY)');
        await runSql(connection, 'INSERT INTO t.a VALUES (7)');
        await waitForReplica(lab.primary, replica, 10_000);
        const copy = await replica.connect();
        assert.equal(await runSqlForValue(copy, 'SELECT COUNT(*) FROM t.a'), 1);
        replica.pause();
        await runSql(connection, 'INSERT INTO t.a VALUES (8)');
        const answer = await Promise.race([runSql(copy, 'SELECT 1'), sleep(200, 'silence')]);
        assert.equal(answer, 'silence');
        replica.resume();
        await waitForReplica(lab.primary, replica, 10_000);
        await copy.end();
        await connection.end();
      } finally {
        await lab.stop();
      }
    });

    test('file positions, a delay and semi-synchronous commits are as asked', async () => {
      const replicas = [{ delaySeconds: 1, autoPosition: false }, { semiSync: true }];
      const lab = await startLab({ flavor, fast: true, replicas });
      try {
        const connection = await lab.primary.connect();
        const clients = await runSql(connection, "SHOW STATUS LIKE 'rpl_semi_sync_%_clients'");
        assert.equal(Number(clients[0]?.Value), 1);
        await runSql(connection, 'CREATE DATABASE t');
        const startedMs = performance.now();
        await waitForReplica(lab.primary, lab.replicas[0]!, 10_000);
        assert.ok(performance.now() - startedMs > 300, 'the delayed replica was there at once');
        await connection.end();
      } finally {
        await lab.stop();
      }
    });

    test('nothing is left behind by a process that was killed', async () => {
      const code = `
        const { startLab } = await import('./test/lab/lab.ts');
        const lab = await startLab({ flavor: '${flavor}', fast: true });
        console.log(JSON.stringify({ port: lab.primary.port, dataDir: lab.primary.dataDir }));
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const line = await new Promise<string>((resolve) =>
        child.stdout.once('data', (d) => resolve(String(d))),
      );
      const { dataDir } = JSON.parse(line) as { dataDir: string };
      assert.ok(existsSync(dataDir));
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      assert.equal(isAlive(child.pid!), false);
      for (let waits = 0; existsSync(dirname(dataDir)) && waits < 100; waits++) await sleep(50);
      assert.equal(existsSync(dirname(dataDir)), false);
    });
  });
}

test('an option that the server does not know is reported with its own words', async (t) => {
  if (runningServerUrl('mariadb') !== undefined) return t.skip('the server is not ours');
  await assert.rejects(startLab({ flavor: 'mariadb', options: { no_such_option: 1 } }), /no-such-option/);
});
