// XA transactions stay prepared for as long as somebody likes: over the copy, and over the cut-over. Their rows stand in the
// binlog at the PREPARE and become visible at the COMMIT; what is committed after the swap would go into the old table.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql } from '../lab/lab.ts';
import { DB, hasColumn, prepare, start, startRun, until } from './fault-lab.ts';
import {
  assertSameAsOld,
  ended,
  finish,
  POSTPONED,
  reachWaiting,
  startWaiting,
  WORLDS,
} from './world-lab.ts';

for (const { name, spec } of WORLDS) {
  describe(`XA transactions around a migration on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    /** An XA transaction that changes row `id`, prepared. */
    const prepared = async (xid: string, id: number): Promise<Connection> => {
      const xa = await lab.primary.connect();
      await runSql(xa, `XA START '${xid}'`);
      await runSql(xa, `UPDATE ${DB}.items SET body = '${xid}' WHERE id = ${id}`);
      await runSql(xa, `XA END '${xid}'`);
      await runSql(xa, `XA PREPARE '${xid}'`);
      return xa;
    };
    /** By this session, once the one that prepared it is gone. */
    const end = async (how: 'COMMIT' | 'ROLLBACK', xid: string): Promise<void> => {
      const tries = async (): Promise<boolean> => {
        try {
          await runSql(sql, `XA ${how} '${xid}'`);
          return true;
        } catch (error) {
          assert.equal((error as { errno?: number }).errno, 1397, String(error));
          return false;
        }
      };
      await until(tries, `XA ${how} '${xid}'`);
    };
    const bodyOf = async (id: number): Promise<string> =>
      String((await runSql(sql, `SELECT body FROM ${DB}.items WHERE id = ${id}`))[0]?.body);

    test('HAZARDS 38: prepared during the copy, ended before it, after it, and after the comparison', async (t) => {
      await prepare(sql, 60);
      const run = startRun(lab.primary, { extra: POSTPONED });
      t.after(() => run.stop());
      run.migrator.throttle();
      await until(() => run.migrator.snapshot().phase === 'copying', 'the copy');
      const connections = [];
      for (const [index, xid] of ['early', 'undone', 'late', 'undone late'].entries())
        connections.push(await prepared(xid, 10 * (index + 1)));
      await runSql(connections[0]!, "XA COMMIT 'early'");
      await runSql(connections[1]!, "XA ROLLBACK 'undone'");
      run.migrator.unthrottle();
      await reachWaiting(run);
      await runSql(connections[2]!, "XA COMMIT 'late'");
      await runSql(connections[3]!, "XA ROLLBACK 'undone late'");
      await Promise.all(connections.map((one) => one.end()));
      await finish(run);
      await assertSameAsOld(sql);
      assert.deepEqual(await Promise.all([10, 20, 30, 40].map(bodyOf)), [
        'early',
        'body 19',
        'late',
        'body 39',
      ]);
    });

    for (const how of ['its session is gone', 'the server was started again'] as const) {
      test(`prepared before the cut-over (${how}): no swap until it has ended, and then it is in the new table`, async (t) => {
        await prepare(sql, 60);
        const run = await startWaiting(lab.primary, { extra: ['--cut-over-lock-timeout-seconds', '3'] });
        t.after(() => run.stop());
        const xa = await prepared('held', 10);
        xa.destroy();
        if (how === 'the server was started again') {
          await sql.end();
          await lab.primary.kill9();
          await lab.primary.restart();
          sql = await lab.primary.connect();
        }
        run.migrator.unpostpone();
        const told = (): boolean =>
          run.lines.some((line) => /waits for old .*XA transaction .*prepared/.test(line));
        const over = run.ended.then(() => true);
        await Promise.race([over, until(told, `an obstacle:\n${run.lines.join('\n')}`, 40_000)]);
        assert.equal(await hasColumn(sql, 'extra'), false, `swapped:\n${run.lines.join('\n')}`);
        await end('COMMIT', 'held');
        assert.equal(await ended(run), undefined, run.lines.join('\n'));
        await assertSameAsOld(sql);
        assert.equal(await bodyOf(10), 'held');
        t.diagnostic(run.lines.find((line) => /waits for old/.test(line)) ?? '');
      });
    }
  });
}
