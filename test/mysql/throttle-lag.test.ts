// A replica that falls behind serves stale rows to readers; so does one that we cannot ask, for all we know. The copy rests
// until each of them is near again, and says which one it waits for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { hasColumn, prepare, type Run, start, startRun, until } from '../fault/fault-lab.ts';
import { type Flavor, type Lab, runSql, waitForReplica } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`replica lag on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let replica: Connection;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'poltergeist-lag-'));
      lab = await start({ flavor, replicas: 1 });
      sql = await lab.primary.connect();
      replica = await lab.replicas[0]!.connect();
    });
    after(async () => {
      await sql?.end();
      await replica?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const throttled = (run: Run): string => run.migrator.snapshot().throttled ?? '';

    test('the replica stops applying: the copy rests, and goes on when it has caught up', async () => {
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      const flag = join(folder, 'flag');
      writeFileSync(flag, '');
      const address = `127.0.0.1:${lab.replicas[0]!.port}`;
      const lag = ['--throttle-control-replicas', address, '--max-lag-millis', '500'];
      const run = startRun(lab.primary, { extra: ['--throttle-flag-file', flag, ...lag] });
      await until(
        () => throttled(run) === 'flag-file' && run.migrator.snapshot().phase === 'copying',
        'held',
      );
      await until(() => run.migrator.snapshot().replicationLagMs > 0, 'a reading of the replica');
      await runSql(replica, 'STOP REPLICA SQL_THREAD');
      await until(() => run.migrator.snapshot().replicationLagMs >= 500, 'lag');
      rmSync(flag);
      await until(() => throttled(run).includes('replica-lag'), 'throttled by lag');
      const reason = new RegExp(`^${address} replica-lag=\\d+\\.\\d+s >= 0\\.500000s$`);
      assert.match(throttled(run), reason);
      await sleep(500);
      assert.equal(run.migrator.snapshot().rowsCopied, 0, 'the copy went on');
      assert.match(throttled(run), reason);
      await runSql(replica, 'START REPLICA SQL_THREAD');
      assert.equal(await run.ended, undefined);
      assert.ok(await hasColumn(sql, 'extra'));
    });

    test('a replica that cannot be reached throttles', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, { extra: ['--throttle-control-replicas', '127.0.0.1:1'] });
      await until(() => /unreadable: 127\.0\.0\.1:1: /.test(throttled(run)), 'throttled');
      await sleep(300);
      assert.equal(run.migrator.snapshot().rowsCopied, 0, 'the copy went on');
      // As the operator would: the replica is gone for good.
      run.migrator.settings.throttleControlReplicas = [];
      assert.equal(await run.ended, undefined);
    });
  });
}
