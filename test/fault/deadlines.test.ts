// A connection stands still without ending: no byte comes, and no FIN. Only the deadline of the statement on it tells, and each
// kind of session has one. Then its statement is seen to end on the server, and is made again elsewhere.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { Lab } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { assertNothingLost, openLedger, prepare, start, startRun } from './fault-lab.ts';
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
      const run = startRun(
        { ...lab.primary, host: proxy.host, port: proxy.port },
        {
          statementMs,
          extra: ['--chunk-size', '100', '--default-retries', '100', '--checkpoint-seconds', '1'],
          onLine: (message) => {
            // All that there are, when they are at work; those that come later are let through.
            if (message === 'phase copying') setTimeout(freeze, 100);
          },
        },
      );
      assert.equal(await ended(run, 90_000), undefined, run.lines.join('\n'));
      await load.stop();
      await assertNothingLost(ledger, 'connections stood still');
      const late = run.lines.filter((line) => /no answer within 700 ms/.test(line)).join('\n');
      // Those that always have something to say, and one of those that are at work by turns.
      for (const kind of ['heartbeat', 'checkpoint', '(copier|questions|applier)'])
        assert.match(late, new RegExp(`\\b${kind} \\d`), run.lines.join('\n'));
    });
  });
}
