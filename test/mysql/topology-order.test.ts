// A mark that arrives before the changes in front of it, or a replica that keeps what it replicates out of its own binlog, would
// lose rows without a word. Both are refused on servers that really are so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DB, prepare } from '../fault/fault-lab.ts';
import { type Flavor, runSql, startLab, waitForReplica } from '../lab/lab.ts';
import { all, failureOf, runOn } from './topology-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  test(`a replica without log_replica_updates, ${flavor}`, async () => {
    const options = { [flavor === 'mysql' ? 'log_replica_updates' : 'log_slave_updates']: false };
    const lab = await startLab({ flavor, fast: true, replicas: [{ fast: true, options }] });
    try {
      const sql = await lab.primary.connect();
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 30_000);
      const failure = await failureOf(runOn(lab.replicas[0]!));
      assert.equal(failure.code, 'replica-updates', failure.message);
      assert.match(failure.hint, /log_replica_updates=ON/);
      assert.deepEqual(await runSql(sql, `SHOW TABLES FROM ${DB} LIKE '\\_%'`), []);
      await sql.end();
    } finally {
      await lab.stop();
    }
  });
}

test('a replica that applies several domains beside each other, mariadb', async () => {
  const lab = await startLab({ flavor: 'mariadb', fast: true, replicas: 1 });
  try {
    const [sql, replica] = [await lab.primary.connect(), await lab.replicas[0]!.connect()];
    await prepare(sql);
    const threads = (n: number): Promise<void> =>
      all(replica, 'STOP SLAVE', `SET GLOBAL slave_parallel_threads = ${n}`, 'START SLAVE');
    await threads(4);
    await waitForReplica(lab.primary, lab.replicas[0]!, 30_000);
    // One domain: its order is kept.
    const one = runOn(lab.replicas[0]!);
    assert.equal(await one.ended, undefined, one.lines.join('\n'));
    await all(
      sql,
      'SET SESSION gtid_domain_id = 7',
      'CREATE DATABASE elsewhere',
      'SET SESSION gtid_domain_id = 0',
    );
    await waitForReplica(lab.primary, lab.replicas[0]!, 30_000);
    const failure = await failureOf(runOn(lab.replicas[0]!, [], { column: 'more' }));
    assert.equal(failure.code, 'replica-order', failure.message);
    await threads(0);
    await Promise.all([sql.end(), replica.end()]);
  } finally {
    await lab.stop();
  }
});
