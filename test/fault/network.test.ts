// The network between us and the server goes quiet at the worst moment: with the table locked, or with the answer of the
// RENAME on its way. The site must not wait for us to come back, and a lost answer must not be taken for a no.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { cutOverSteps } from '../../src/core/swap-port.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import { FaultProxy, type ProxyConnection } from '../lab/proxy.ts';
import {
  assertNothingLost,
  DB,
  hasColumn,
  openLedger,
  prepare,
  SERVERS,
  start,
  startRun,
  tablesOf,
} from './fault-lab.ts';

for (const { name, spec } of SERVERS.filter((_, index) => index !== 1)) {
  describe(`a network that goes quiet on ${name}`, () => {
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

    test('with the table locked: the server frees it soon, and we go on when the network is back', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      let frozenMs = 0;
      const run = startRun(
        { ...lab.primary, host: proxy.host, port: proxy.port },
        {
          extra: ['--cut-over-lock-timeout-seconds', '1'],
          atStep: async (step) => {
            if (step !== 'locked' || frozenMs > 0) return;
            const startMs = performance.now();
            proxy.freeze();
            await runSql(sql, `UPDATE ${DB}.items SET body = body WHERE id = 2`);
            frozenMs = performance.now() - startMs;
            proxy.unfreeze();
          },
        },
      );
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      await load.stop();
      await assertNothingLost(ledger, 'frozen under the lock');
      assert.ok(frozenMs < 10_000, `the table was locked for ${frozenMs} ms`);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      t.diagnostic(`the server freed the table after ${Math.round(frozenMs)} ms`);
    });

    test('with the answer of the RENAME on its way: it is found out that the tables are swapped', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      let rename: ProxyConnection | undefined;
      let attempts = 0;
      const run = startRun(
        { ...lab.primary, host: proxy.host, port: proxy.port },
        {
          atStep: async (step, self) => {
            if (step === 'looking') attempts++;
            if (step === 'locked') {
              const its = `SELECT host FROM information_schema.processlist WHERE id = ${self.threads().rename}`;
              const port = Number(
                String(Object.values((await runSql(sql, its))[0] ?? {})[0])
                  .split(':')
                  .at(-1),
              );
              rename = [...proxy.connections].find(({ serverPort }) => serverPort === port);
              assert.ok(rename);
            }
            if (step === 'poised') rename?.freeze('toClient');
          },
        },
      );
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      await load.stop();
      await assertNothingLost(ledger, 'lost answer');
      assert.equal(attempts, 1, 'the RENAME was made again');
      assert.ok(await hasColumn(sql, 'extra'));
      assert.ok(
        run.lines.some((line) => line.includes(cutOverSteps.asking)),
        'the answer was not lost',
      );
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      const { writeGapMs } = await ledger.compare();
      t.diagnostic(`no write for ${writeGapMs} ms at the most`);
    });
  });
}
