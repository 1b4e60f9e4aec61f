// The lock that keeps two runs off one table. A run that has ended must not keep the next one out.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { Refusal } from '../../src/base/errors.ts';
import { RunLock } from '../../src/mysql/run-lock.ts';
import { type Lab, runSql, startLab } from '../lab/lab.ts';
import { optionsOf } from './session-lab.ts';

const TABLE = { schema: 'somewhere', name: 'items' };

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`the run lock on ${flavor}`, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
    });
    after(() => lab?.stop());

    const take = (): Promise<RunLock> => RunLock.take(optionsOf(lab.primary), systemClock, TABLE);

    test('it is let go of before its session ends: whoever starts right after a run does not meet it', async (t) => {
      const sql = await lab.primary.connect();
      t.after(() => sql.end());
      // That the server sees the end of a session late cannot be had at will; that nothing depends on it can be seen.
      await runSql(sql, "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1");
      for (let round = 0; round < 10; round += 1) await (await take()).release();
      await runSql(sql, 'SET GLOBAL general_log = 0');
      const like = "CONVERT(argument USING utf8mb4) LIKE 'SELECT RELEASE_LOCK(%'";
      const [row] = await runSql(sql, `SELECT COUNT(*) AS n FROM mysql.general_log WHERE ${like}`);
      assert.equal(Number(row?.n), 10);
    });

    test('one at a time, and a session that is gone does not keep the end from coming', async () => {
      const lock = await take();
      await assert.rejects(take(), (error: Refusal) => error.code === 'already-running');
      await lock.release();
      await lock.release();
      await (await take()).release();
    });
  });
}
