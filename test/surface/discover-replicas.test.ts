// --discover-replicas: nobody has to keep a list of replicas; what cannot be asked is said before anything is touched.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { UsageError } from '../../src/base/errors.ts';
import { hasColumn, prepare, type Run, start, startRun, tablesOf, until } from '../fault/fault-lab.ts';
import { type Flavor, type Lab, runSql, waitForReplica } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`replicas are found on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let replica: Connection;
    before(async () => {
      lab = await start({ flavor, replicas: 1 });
      sql = await lab.primary.connect();
      replica = await lab.replicas[0]!.connect();
    });
    after(async () => {
      await sql?.end();
      await replica?.end();
      await lab?.stop();
    });

    const throttled = (run: Run): string => run.migrator.snapshot().throttled ?? '';

    // The lab's replicas report no host: they are found by where the binlog is read from.
    test('by themselves; their lag throttles and releases', async () => {
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      const run = startRun(lab.primary, {
        extra: ['--discover-replicas', '--throttle-query', 'SELECT 1', '--max-lag-millis', '500'],
      });
      await until(() => run.migrator.snapshot().replicationLagMs > 0, 'a reading of the replica');
      await runSql(replica, 'STOP REPLICA SQL_THREAD');
      await until(() => run.migrator.snapshot().replicationLagMs >= 500, 'lag');
      run.migrator.settings.throttleQuery = '';
      const reason = new RegExp(`:${lab.replicas[0]!.port} replica-lag=[\\d.]+s >= 0\\.500000s$`);
      await until(() => reason.test(throttled(run)), 'throttled by lag');
      assert.equal(run.migrator.snapshot().rowsCopied, 0);
      await runSql(replica, 'START REPLICA SQL_THREAD');
      assert.equal(await run.ended, undefined);
      assert.ok(await hasColumn(sql, 'extra'));
    });

    test('one that cannot be reached is refused by name, before anything is touched', async () => {
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      // The account that migrates is not known there.
      await runSql(sql, "CREATE USER IF NOT EXISTS 'lone'@'%' IDENTIFIED BY 'secret'");
      await runSql(sql, "GRANT ALL ON *.* TO 'lone'@'%'");
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      await runSql(replica, 'SET SESSION sql_log_bin = 0');
      await runSql(replica, "DROP USER 'lone'@'%'");
      const account = {
        ...lab.primary,
        host: lab.primary.host,
        port: lab.primary.port,
        user: 'lone',
        password: 'secret',
      };
      const error = await startRun(account, { extra: ['--discover-replicas'] }).ended;
      assert.ok(error instanceof UsageError, String(error));
      assert.match(
        error.message,
        new RegExp(`replica with server id \\d+ cannot be reached: .*:${lab.replicas[0]!.port}: `),
      );
      assert.match(error.hint ?? '', /report_host/);
      assert.deepEqual(await tablesOf(sql), ['items']);
    });
  });
}
