// The cut-over as it goes when nobody disturbs it, under load, again and again: the ghost is the original to the last write when
// they change places, whatever the table is called, whether the server shows its locks or not, and no id is given out twice.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql } from '../lab/lab.ts';
import {
  assertNothingLost,
  assertUsable,
  contents,
  DB,
  openLedger,
  prepare,
  SERVERS,
  start,
  startRun,
  tablesOf,
  until,
} from './fault-lab.ts';

for (const { name, spec } of SERVERS) {
  describe(`cut-overs on ${name}`, () => {
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

    test('five in a row: no late write, the old table is the new one as it was at the swap', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 8, readers: 2, pauseMs: 5 });
      t.after(() => load.stop());
      const stops: number[] = [];
      for (let round = 1; round <= 5; round++) {
        const run = startRun(lab.primary, { column: `c${round}`, extra: ['--initially-drop-old-table'] });
        assert.equal(await run.ended, undefined);
        assert.deepEqual(
          run.lines.filter((line) => /late write|stepping back/.test(line)),
          [],
        );
        const stop = run.lines.map((line) => /writers were stopped for (\d+) ms/.exec(line)?.[1]);
        stops.push(Number(stop.find((one) => one !== undefined)));
      }
      await load.stop();
      await assertNothingLost(ledger, 'five in a row');
      const { writerStopMs, readerStopMs, writeGapMs } = await ledger.compare();
      t.diagnostic(
        `stops reported ${stops} ms; ${JSON.stringify({ writerStopMs, readerStopMs, writeGapMs })}`,
      );
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });

    // The sentry's name once sorted before the table's: the RENAME came into the table's queue after the sentry's DROP, and where
    // all our connections ended at that moment waiting writers went first (12 runs with SIGKILL there: 4 to 5 of them lost writes).
    test('HAZARDS 108: before the sentry is dropped the RENAME is in the queue for the original', async () => {
      await prepare(sql, 50);
      await runSql(sql, 'SET SESSION lock_wait_timeout = 1');
      const asked: unknown[] = [];
      const run = startRun(lab.primary, {
        extra: ['--cut-over-lock-timeout-seconds', '10'],
        atStep: async (step) => {
          if (step !== 'queued') return;
          const read = runSql(sql, `SELECT id FROM ${DB}.items LIMIT 1`);
          asked.push(await read.catch((error: { errno?: number }) => error.errno));
          assert.ok((await tablesOf(sql)).includes('items_ghs'), 'the sentry stands');
        },
      });
      assert.equal(await run.ended, undefined);
      assert.deepEqual(asked, [1205], 'even a reader waits behind it');
    });

    test('a table whose name sorts before the sentry is swapped as any other', async () => {
      await prepare(sql, 50, 'Users');
      const run = startRun(lab.primary, { extra: ['--table', 'Users'] });
      assert.equal(await run.ended, undefined);
      assert.deepEqual(await tablesOf(sql), ['Users', '_Users_del']);
      assert.equal(await contents(sql, 'Users'), await contents(sql, '_Users_del'));
    });

    // Where the old table is huge its DROP is a long one.
    test('HAZARDS 115: while the old table is dropped nobody waits for us', async () => {
      await prepare(sql, 50);
      const holder = await lab.primary.connect();
      const run = startRun(lab.primary, {
        extra: ['--ok-to-drop-table'],
        atStep: async (step) => {
          if (step !== 'unlocked') return;
          await until(async () => !(await tablesOf(sql)).includes('_items_gho'), 'the swap');
          await runSql(holder, 'BEGIN');
          await runSql(holder, `SELECT id FROM ${DB}._items_del LIMIT 1`);
        },
      });
      const isDropping = async (): Promise<boolean> => {
        const processes = await runSql(sql, 'SHOW FULL PROCESSLIST');
        return processes.some(({ Info }) => /^DROP TABLE .*`_items_del`/.test(String(Info)));
      };
      await until(isDropping, `the DROP:\n${run.lines.join('\n')}`);
      await assertUsable(lab.primary, 5000);
      assert.ok(await isDropping(), 'it has waited all the time');
      await holder.end();
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.deepEqual(await tablesOf(sql), ['items']);
    });

    test('ids given out and taken back during the run are not given out again', async () => {
      await prepare(sql, 20);
      const insert = `INSERT INTO ${DB}.items (body, hits) VALUES ('short-lived', 0)`;
      let last = 0;
      const run = startRun(lab.primary, {
        atStep: async (step) => {
          if (step !== 'sentry') return;
          // After the counter was carried over, right before the lock.
          await runSql(sql, insert);
          last = Number((await runSql(sql, `SELECT MAX(id) AS id FROM ${DB}.items`))[0]?.id);
          await runSql(sql, `DELETE FROM ${DB}.items WHERE id = ${last}`);
        },
      });
      assert.equal(await run.ended, undefined);
      await runSql(sql, insert);
      const next = Number((await runSql(sql, `SELECT MAX(id) AS id FROM ${DB}.items`))[0]?.id);
      assert.ok(next > last, `id ${next} was given out twice`);
    });
  });
}

test('a MySQL that shows no locks: the RENAME is seen in the queue by who has to wait behind it', async (t) => {
  const lab = await start({ flavor: 'mysql', options: { performance_schema: false } });
  t.after(() => lab.stop());
  const sql = await lab.primary.connect();
  await prepare(sql);
  const ledger = await openLedger(lab.primary);
  const load = ledger.start({ writers: 6, readers: 2, pauseMs: 8 });
  t.after(() => load.stop());
  const run = startRun(lab.primary);
  assert.equal(await run.ended, undefined);
  await load.stop();
  await assertNothingLost(ledger, 'without performance_schema');
  assert.deepEqual(
    run.lines.filter((line) => /late write|stepping back/.test(line)),
    [],
  );
  t.diagnostic(`no write for ${(await ledger.compare()).writeGapMs} ms at the most`);
  await sql.end();
});
