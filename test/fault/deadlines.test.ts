// A connection stands still without ending: no byte comes, and no FIN. Only the deadline of the statement on it tells, and each
// kind of session has one. Then its statement is seen to end on the server, and is made again elsewhere.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { assertNothingLost, DB, openLedger, prepare, start, startRun, until } from './fault-lab.ts';
import { ended, WORLDS } from './world-lab.ts';

const statementMs = { copy: 700, sync: 700, ask: 700, mark: 700, verify: 700 };

for (const { name, spec } of WORLDS) {
  describe(`connections that stand still on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    let proxy: FaultProxy;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
      proxy = await FaultProxy.start(lab.primary);
    });
    after(async () => {
      await sql?.end();
      proxy?.stop();
      await lab?.stop();
    });

    // The checkpoint once had no deadline: the run was done, and did not end.
    test('the deadline of each kind of session finds out, and the run goes on and ends', async (t) => {
      await prepare(sql, 3000);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 2, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      const freeze = (): void => {
        for (const one of proxy.connections) one.freeze();
      };
      const lateBy = (who: string): RegExp => new RegExp(`\\b${who} \\d.*no answer within 700 ms`);
      // They are over too soon to be met at work, or wait for a mark: they wait for a lock, which is the same to them.
      const holdGhost = async (from: string): Promise<void> => {
        run.migrator.throttle();
        const holder = await lab.primary.connect();
        await runSql(holder, `LOCK TABLES ${DB}._items_gho WRITE`);
        run.migrator.unthrottle();
        await until(() => run.lines.some((line) => lateBy(from).test(line)), `${from} is late`);
        await holder.end();
      };
      const held: Promise<void>[] = [];
      let [copying, frozen] = [false, false];
      const run = startRun(
        { ...lab.primary, host: proxy.host, port: proxy.port },
        {
          statementMs,
          extra: ['--chunk-size', '100', '--default-retries', '100', '--checkpoint-seconds', '1'],
          onLine: (message) => {
            // All that there are, when they are at work; those that come later are let through. The checkpoint's comes last.
            if (message === 'phase copying') held.push(holdGhost('copier'));
            copying ||= message === 'phase copying';
            if (copying && !frozen && message.startsWith('checkpoint success')) {
              frozen = true;
              freeze();
            }
            if (message === 'Row copy complete') held.push(holdGhost('verifier'));
          },
        },
      );
      assert.equal(await ended(run, 90_000), undefined, run.lines.join('\n'));
      await Promise.all(held);
      await load.stop();
      await assertNothingLost(ledger, 'connections stood still');
      for (const kind of ['heartbeat', 'checkpoint', 'copier', 'verifier'])
        assert.match(run.lines.join('\n'), lateBy(kind));
    });
  });
}
