// An idle server is not company: our own binlog stream and MySQL's event scheduler count as running threads all the time,
// and were taken for others at work, so that the copy went at a third of its pace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countWaitingThreads, readStatus } from '../../src/mysql/status-variables.ts';
import { type Flavor, runSql, startLab } from '../lab/lab.ts';
import { Run } from './migrate-run.ts';
import { openSession } from './session-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  test(`threads that only wait are told from those that run, ${flavor}`, async (t) => {
    const lab = await startLab({ flavor, fast: true });
    t.after(() => lab.stop());
    const sql = await lab.primary.connect();
    t.after(() => sql.destroy());
    await runSql(sql, 'CREATE DATABASE idle');
    await runSql(sql, 'CREATE TABLE idle.t (id INT PRIMARY KEY)');
    const session = await openSession(lab.primary);
    t.after(() => session.close());
    const before = await countWaitingThreads(session);
    const run = new Run(lab.primary, { schema: 'idle', table: 't', alter: 'ENGINE=InnoDB', postpone: true });
    // Now and then a heartbeat of the run is caught at work: what counts is the least.
    const others = async (): Promise<number> => {
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 20; i += 1) {
        const running = (await readStatus(session, ['Threads_running'])).get('Threads_running') ?? 0;
        least = Math.min(least, running - 1 - (await countWaitingThreads(session)));
      }
      return least;
    };
    await run.postponed();
    assert.equal(await countWaitingThreads(session), before + 1, 'our own stream');
    assert.equal(await others(), 0);
    await run.finish();
    await run.stop();
  });
}
