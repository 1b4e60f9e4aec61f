// A connection is lost before anything is copied: what was asked or made on it is asked or made again, and the run goes on. It
// used to end there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { Lab } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { hasColumn, prepare, start, startRun, tablesOf } from './fault-lab.ts';
import { ended, WORLDS } from './world-lab.ts';

/** What the server may still say on the connection, bytes: in the middle of its set-up, and far into what it is for. */
const ALLOWED = [1500, 5000, 8000];

for (const { name, spec } of WORLDS) {
  describe(`a connection lost before the copy on ${name}`, () => {
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

    /** The next connection of the run ends after so many bytes. */
    const cutNext = (bytes: number): void => {
      const known = new Set(proxy.connections);
      const timer = setInterval(() => {
        const next = [...proxy.connections].find((one) => !known.has(one));
        if (next === undefined) return;
        clearInterval(timer);
        next.reset(bytes);
      }, 1);
      timer.unref();
    };

    for (const phase of ['inspecting', 'preparing']) {
      test(`while ${phase}: done again`, async (t) => {
        let again = 0;
        for (const bytes of ALLOWED) {
          await prepare(sql, 50);
          const run = startRun(
            { ...lab.primary, host: proxy.host, port: proxy.port },
            {
              onLine: (message) => {
                if (message === `phase ${phase}`) cutNext(bytes);
                if (message.includes('is done again')) again += 1;
              },
            },
          );
          assert.equal(await ended(run), undefined, run.lines.join('\n'));
          assert.ok(await hasColumn(sql, 'extra'));
          assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
        }
        assert.ok(again > 0, 'no connection was lost in time');
        t.diagnostic(`${again} of ${ALLOWED.length} were lost in time`);
      });
    }
  });
}
