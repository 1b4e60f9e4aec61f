// A run of days is cut down again and again: kill -9, SIGTERM, the server itself. It goes on where it
// stopped, at most one checkpoint interval earlier, and no acknowledged write is lost (DESIGN I8, HAZARDS 6,
// 7, 59, 93, 99, 100).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { osuScores } from '../../fixtures/osu-scores/fixture.ts';
import { type Lab, runSql, startLab } from '../lab/lab.ts';
import { Random } from '../lab/random.ts';
import { Run } from './migrate-run.ts';
import {
  assertNothingLost,
  checkpointOf,
  DB,
  killNow,
  prepare,
  startCommand,
  succeed,
  TABLE,
  tablesOf,
} from './resume-lab.ts';

const SEED = Number(process.env.SEED ?? 1 + Math.floor(Math.random() * 1e6));
const WAIT_MS = 60_000;
const CHECKPOINT = /checkpoint success at coords/;
const POSTPONED = /the cut-over waits: postponed/;
const RESUMING = /Resuming from checkpoint/;
/** A run that dies right after its first checkpoint has copied nothing that could be claimed. */
const RESUMED = /Resuming from checkpoint|the copy starts over: nothing had been copied/;
const INTERVAL_MS = 1000;
/** A busy machine writes late. */
const SLACK_MS = 1500;

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`resume on ${flavor} (seed ${SEED})`, () => {
    let lab: Lab;
    let sql: Connection;
    const random = new Random(SEED);
    const within = (fromMs: number, toMs: number): Promise<unknown> =>
      sleep(fromMs + random.next() * (toMs - fromMs));

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end().catch(() => undefined);
      await lab?.stop();
    });

    test('kill -9 while copying and while postponed, under load: nothing is lost', async (t) => {
      const server = lab.primary;
      const ledger = await prepare(server, sql, 25_000, SEED);
      const load = ledger.start({ writers: 6, readers: 1, pauseMs: 15 });
      t.after(() => load.stop());
      let rowsCopied = 0;
      for (let round = 0; round < 2; round++) {
        const child = startCommand(server, { resume: round > 0, postpone: true });
        if (round > 0) await child.waitForLine(RESUMED, WAIT_MS);
        await child.waitForLine(CHECKPOINT, WAIT_MS);
        await copiedMoreThan(rowsCopied);
        await within(0, 1100);
        const killedMs = Date.now();
        await killNow(child);
        const found = await checkpointOf(sql);
        t.diagnostic(`killed ${killedMs - found.writtenAtMs} ms after ${JSON.stringify(found.prefix)}`);
        assert.ok(
          killedMs - found.writtenAtMs < INTERVAL_MS + SLACK_MS,
          'more than an interval of work was lost',
        );
        assert.ok(found.rowsCopied >= rowsCopied, 'the copy went backwards');
        rowsCopied = found.rowsCopied;
      }
      const postponed = startCommand(server, { resume: true, postpone: true });
      await postponed.waitForLine(POSTPONED, WAIT_MS);
      await within(0, 800);
      await killNow(postponed);
      const last = startCommand(server, { resume: true });
      await succeed(last);
      await load.stop();
      await assertNothingLost(ledger);
      assert.deepEqual(await tablesOf(sql), [`_${TABLE}_del`, TABLE]);
    });

    test('SIGTERM leaves what --resume needs and says so; rows deleted meanwhile stay away', async () => {
      const server = lab.primary;
      await prepare(server, sql, 20_000, SEED);
      const child = startCommand(server, { more: ['--chunk-size', '20'] });
      await child.waitForLine(CHECKPOINT, WAIT_MS);
      await sleep(700);
      child.kill('SIGTERM');
      assert.equal((await child.exit).code, 1);
      assert.match(child.stderr, /left for --resume: .*_scores_gho.*_scores_ghc.*_scores_ghk/);
      assert.match(
        child.stderr,
        /poltergeist cleanup --host 127.0.0.1 .*--database resume_lab --table scores --execute/,
      );
      const found = await checkpointOf(sql);
      assert.ok(found.prefix.low !== null && !found.prefix.complete, 'it was not stopped within the copy');
      const low = Number(found.prefix.low);
      // In the copied range, at its edge, in the range to be copied again, and beyond: some of each go while
      // we are down.
      await runSql(sql, `DELETE FROM ${DB}.${TABLE} WHERE score_id % 10 = 1`);
      await runSql(sql, `DELETE FROM ${DB}.${TABLE} WHERE score_id BETWEEN ${low - 50} AND ${low + 400}`);
      const last = startCommand(server, { resume: true });
      await succeed(last);
      assert.match(last.stderr, RESUMING);
      await assertSameRows();
    });

    test('HAZARDS 6, 7: kill -9; rows that were copied beyond the checkpoint and are deleted meanwhile stay away', async () => {
      const server = lab.primary;
      await prepare(server, sql, 20_000, SEED);
      const child = startCommand(server, { more: ['--chunk-size', '20', '--nice-ratio', '1'] });
      await child.waitForLine(CHECKPOINT, WAIT_MS);
      const ghost = `${DB}._${TABLE}_gho`;
      /** What the ghost holds, and the checkpoint does not claim. */
      const beyond = async (): Promise<string> => {
        const { low } = (await checkpointOf(sql)).prefix;
        const [row] = await runSql(sql, `SELECT MAX(score_id) AS last FROM ${ghost}`);
        return low === null ? 'FALSE' : `score_id > ${Number(low)} AND score_id <= ${Number(row?.last)}`;
      };
      const count = async (table: string): Promise<number> =>
        Number((await runSql(sql, `SELECT COUNT(*) AS n FROM ${table} WHERE ${await beyond()}`))[0]?.n);
      for (let i = 0; i < 1000 && (await count(ghost)) < 100; i++) await sleep(10);
      await killNow(child);
      assert.ok((await count(ghost)) > 0, 'nothing was copied beyond the checkpoint');
      // All of them: where one is left its chunk collides, and is cleared for that reason.
      await runSql(sql, `DELETE FROM ${DB}.${TABLE} WHERE ${await beyond()}`);
      const last = startCommand(server, { resume: true });
      await succeed(last);
      assert.match(last.stderr, RESUMING);
      await assertSameRows();
    });

    test('the server is killed: a run reconnects; what stands still is resumed', async (t) => {
      const server = lab.primary;
      const ledger = await prepare(server, sql, 10_000, SEED);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      const child = startCommand(server, { postpone: true });
      await child.waitForLine(CHECKPOINT, WAIT_MS);
      await sleep(300);
      await server.kill9();
      await server.restart();
      sql = await server.connect();
      await child.waitForLine(POSTPONED, WAIT_MS);
      await killNow(child);
      await server.kill9();
      await server.restart();
      sql = await server.connect();
      const last = startCommand(server, { resume: true });
      await succeed(last);
      await load.stop();
      await assertNothingLost(ledger);
    });

    test('XA transactions that are prepared across the end of a run are seen when they commit', async (t) => {
      const server = lab.primary;
      await prepare(server, sql, 2000, SEED);
      const app = await server.connect();
      t.after(() => app.end());
      const run = (...options: string[]): Run =>
        new Run(server, { schema: DB, table: TABLE, alter: osuScores.alter, postpone: true, options });
      const prepareXa = async (name: string, change: string): Promise<void> => {
        await runSql(app, `XA START '${name}'`);
        await runSql(app, change);
        await runSql(app, `XA END '${name}'`);
        await runSql(app, `XA PREPARE '${name}'`);
      };
      const first = run();
      await first.postponed();
      await prepareXa('one', `UPDATE ${DB}.${TABLE} SET country = 'XA' WHERE score_id IN (1, 3, 5)`);
      await runSql(sql, `UPDATE ${DB}.${TABLE} SET country = 'YY' WHERE score_id BETWEEN 100 AND 200`);
      await sleep(300);
      await first.stop();
      const second = run('--resume');
      await second.postponed();
      await runSql(app, "XA COMMIT 'one'");
      await prepareXa('two', `DELETE FROM ${DB}.${TABLE} WHERE score_id IN (7, 9)`);
      await runSql(app, "XA COMMIT 'two'");
      await second.stop();
      await run('--resume').finish();
      await assertSameRows();
    });

    /** Waits for a checkpoint that claims more than the last one did, or that all is copied. */
    async function copiedMoreThan(rows: number): Promise<void> {
      for (let i = 0; i < WAIT_MS / 50; i++) {
        const { prefix, rowsCopied } = await checkpointOf(sql);
        if (prefix.complete || (prefix.low !== null && rowsCopied > rows)) return;
        await sleep(50);
      }
      throw new Error('the copy does not go on');
    }

    /** The new table has what the old one has. */
    async function assertSameRows(): Promise<void> {
      const [row] = await runSql(
        sql,
        `SELECT (SELECT COUNT(*) FROM ${DB}.${TABLE}) AS now,
         (SELECT COUNT(*) FROM ${DB}._${TABLE}_del) AS old,
         (SELECT COUNT(*) FROM ${DB}.${TABLE} a JOIN ${DB}._${TABLE}_del b USING (score_id)
          WHERE a.country = b.country AND a.score = b.score AND a.user_id = b.user_id) AS same`,
      );
      assert.equal(Number(row?.now), Number(row?.old));
      assert.equal(Number(row?.same), Number(row?.old));
    }
  });
}
