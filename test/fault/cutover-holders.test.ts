// A transaction that somebody forgot holds the table: a lock request would queue behind it, and the whole site behind the
// request. One that holds the ghost is worse: the RENAME would wait for it after the lock is gone, and writes be lost.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { cutOverSteps } from '../../src/core/swap-port.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import {
  assertNothingLost,
  DB,
  hasColumn,
  openLedger,
  prepare,
  type Run,
  SERVERS,
  start,
  startRun,
  tablesOf,
  until,
} from './fault-lab.ts';

const attemptsOf = (run: Run): number =>
  run.lines.filter((line) => line.includes(cutOverSteps.looking)).length;
const lateOf = (run: Run): string[] => run.lines.filter((line) => line.includes('late write'));

for (const { name, spec } of SERVERS) {
  const blind = name.includes('without');
  describe(`somebody holds a table at the cut-over on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    let holder: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });
    afterEach(() => holder?.destroy());

    /** A session that has read (or written) the table in a transaction and says nothing more. */
    const hold = async (how: 'read' | 'write', table = 'items'): Promise<number> => {
      holder = await lab.primary.connect();
      await runSql(holder, 'BEGIN');
      const row = `${DB}.\`${table}\` WHERE id = 250`;
      await runSql(holder, how === 'read' ? `SELECT * FROM ${row}` : `DELETE FROM ${row}`);
      return Number((await runSql(sql, `SELECT ${holder.threadId} AS id`))[0]?.id);
    };

    test('the ghost, from before the RENAME is sent: no write is lost, and it is swapped once released', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 6, readers: 2, pauseMs: 5 });
      t.after(() => load.stop());
      let held = false;
      const run = startRun(lab.primary, {
        atStep: async (step) => {
          if (step !== 'locked' || held) return;
          held = true;
          await hold('read', '_items_gho');
        },
      });
      await until(() => run.lines.some((line) => /cut-over attempt failed/.test(line)), 'a failed attempt');
      const failed = run.lines.find((line) => /cut-over attempt failed/.test(line)) ?? '';
      assert.ok(!(await hasColumn(sql, 'extra')), 'swapped although the ghost was held');
      await sleep(1500);
      await runSql(holder, 'ROLLBACK');
      assert.equal(await run.ended, undefined);
      await load.stop();
      await assertNothingLost(ledger, 'ghost held');
      assert.deepEqual(lateOf(run), []);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      const { writeGapMs } = await ledger.compare();
      t.diagnostic(`${attemptsOf(run)} attempts, no write for ${writeGapMs} ms at the most; ${failed}`);
      if (!blind) assert.match(failed, new RegExp(`connection ${holder.threadId} `));
    });

    test('the ghost of a table whose name the server locks first: the lock is not let go', {
      skip: blind && 'who holds the ghost cannot be seen',
    }, async (t) => {
      await prepare(sql, 300, 'Users');
      let held = false;
      const run = startRun(lab.primary, {
        extra: ['--table', 'Users'],
        atStep: async (step) => {
          if (step !== 'locked' || held) return;
          held = true;
          await hold('read', '_Users_gho');
        },
      });
      t.after(() => run.stop());
      await until(() => run.lines.some((line) => /cut-over attempt failed/.test(line)), 'a failed attempt');
      // It would have the original then, and keep all from it while it waits for the ghost.
      for (const step of ['poised', 'unlocked'] as const)
        assert.ok(!run.lines.some((line) => line.includes(cutOverSteps[step])), step);
      await runSql(holder, 'ROLLBACK');
      assert.equal(await run.ended, undefined);
      assert.ok(await hasColumn(sql, 'extra', 'Users'));
    });

    for (const how of ['read', 'write'] as const) {
      test(`the original, since long ago (${how}): nobody queues behind it, it is named, and then it goes on`, async (t) => {
        await prepare(sql);
        await runSql(sql, `DELETE FROM ${DB}.items WHERE id = 250`);
        const ledger = await openLedger(lab.primary);
        const load = ledger.start({ writers: 6, readers: 2, pauseMs: 5 });
        t.after(() => load.stop());
        await hold(how);
        await sleep(2100);
        const run = startRun(lab.primary);
        await until(() => attemptsOf(run) > 0, 'an attempt');
        await sleep(3000);
        assert.deepEqual(
          run.lines.filter((line) => line.includes(cutOverSteps.locking)),
          [],
          'queued behind an old transaction',
        );
        await runSql(holder, 'COMMIT');
        assert.equal(await run.ended, undefined);
        await load.stop();
        await assertNothingLost(ledger, `original held by a ${how}`);
        const { writeGapMs } = await ledger.compare();
        const said = run.lines.find((line) => line.includes(`connection ${holder.threadId} `)) ?? '';
        t.diagnostic(`no write for ${writeGapMs} ms at the most; ${said}`);
        assert.match(said, /waits for|may hold/);
      });
    }

    test('the original, for so short a time that it is not looked for: the site waits a second, not longer', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 6, readers: 2, pauseMs: 5 });
      t.after(() => load.stop());
      let held = false;
      const run = startRun(lab.primary, {
        atStep: async (step) => {
          if (step !== 'sentry' || held) return;
          held = true;
          await hold('read');
        },
      });
      await until(() => run.lines.some((line) => /cut-over attempt failed/.test(line)), 'a failed attempt');
      await sleep(500);
      await runSql(holder, 'ROLLBACK');
      assert.equal(await run.ended, undefined);
      await load.stop();
      await assertNothingLost(ledger, 'original held');
      assert.deepEqual(lateOf(run), []);
      const { writeGapMs } = await ledger.compare();
      t.diagnostic(`${attemptsOf(run)} attempts, no write for ${writeGapMs} ms at the most`);
    });
  });
}
