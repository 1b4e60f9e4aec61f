// A run dies while it compares. The next one goes on where the claim ends, and whatever the claim does not cover is
// compared: rows beyond it, rows that were changed since, and everything once something had to be repaired (HAZARDS 67, 68).
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { stateFromText } from '../../src/core/checkpoint.ts';
import { SqlVerifyStore } from '../../src/mysql/verify-store.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { forgetSyncs } from './broken-applier.ts';
import { connectLax, Run } from './migrate-run.ts';
import {
  assertNothingLost,
  type CommandOptions,
  checkpointOf,
  commandLine,
  DB,
  type FoundCheckpoint,
  killNow,
  prepare,
  succeed,
  TABLE,
} from './resume-lab.ts';

const WAIT_MS = 60_000;
const GOES_ON = /the verification goes on at [\d.]+%: (\d+) rows are compared already/;
const SLOW_CLI = new URL('./slow-verify-cli.ts', import.meta.url).pathname;

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`a verification that is cut off, ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      sql = await connectLax(lab.primary);
    });
    afterEach(() => mock.restoreAll());
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    const start = (options: CommandOptions): Child =>
      startCli(commandLine(lab.primary, options), { script: SLOW_CLI });

    /** A checkpoint that claims a part of the rows as verified. */
    async function halfVerified(): Promise<FoundCheckpoint> {
      for (let i = 0; i < WAIT_MS / 20; i += 1) {
        const found = await checkpointOf(sql).catch(() => null);
        assert.ok(!found?.verified?.prefix.complete, 'it was verified too soon');
        if (found?.verified && found.verified.prefix.low !== null) return found;
        await sleep(20);
      }
      throw new Error('no checkpoint claims anything as verified');
    }

    const ghost = `${DB}._${TABLE}_gho`;

    it('kill -9 under load: it goes on, and rows spoiled on either side of the claim are found', async (t) => {
      const ledger = await prepare(lab.primary, sql, 20_000);
      const load = ledger.start({ writers: 4, readers: 0, pauseMs: 20 });
      t.after(() => load.stop());
      const first = start({ postpone: true });
      const { verified } = await halfVerified();
      await killNow(first);
      await load.stop();
      const low = Number(verified!.prefix.low);
      // Some of them the load has touched since: those are synced, and then nothing is wrong with them any more.
      const spoil = (from: number): Promise<unknown> =>
        runSql(sql, `UPDATE ${ghost} SET country = '!!' WHERE score_id BETWEEN ${from} AND ${from + 50}`);
      await spoil(low - 500);
      await spoil(low + 2000);
      const second = start({ resume: true });
      const [, rows] = await second.waitForLine(GOES_ON, WAIT_MS);
      assert.equal(Number(rows), verified!.rows);
      await succeed(second, true);
      assert.match(second.stderr, /rows were repaired: everything is compared once more/);
      const told = [...second.stderr.matchAll(/no change explains it.*score_id=(\d+)/g)].map(([, id]) =>
        Number(id),
      );
      assert.ok(told.some((id) => id > low) && told.some((id) => id < low), `${low}: ${told.join()}`);
      const [wrong] = await runSql(sql, `SELECT COUNT(*) AS n FROM ${DB}.${TABLE} WHERE country = '!!'`);
      assert.equal(Number(wrong?.n), 0);
      await assertNothingLost(ledger);
    });

    it('kill -9 after a repair: everything is compared anew (HAZARDS 68)', async () => {
      await prepare(lab.primary, sql, 20_000);
      const first = start({ postpone: true });
      await halfVerified();
      // What lies ahead is found, and takes the claim along before it is repaired.
      const [last] = await runSql(sql, `SELECT MAX(score_id) AS id FROM ${ghost}`);
      await runSql(sql, `UPDATE ${ghost} SET country = '!!' WHERE score_id = ${Number(last?.id)}`);
      await first.waitForLine(/no change explains it/, WAIT_MS);
      await killNow(first);
      const { verified } = await checkpointOf(sql);
      assert.deepEqual(verified?.prefix, { complete: false, low: null });
      const second = start({ resume: true });
      await succeed(second, true);
      assert.doesNotMatch(second.stderr, GOES_ON);
    });

    it('SIGTERM: it goes on; rows that were changed while nobody was there are right, and the rest is compared', async () => {
      const ledger = await prepare(lab.primary, sql, 20_000);
      const first = start({ postpone: true });
      await halfVerified();
      first.kill('SIGTERM');
      assert.equal((await first.exit).code, 1);
      const { verified, rowsCopied } = await checkpointOf(sql);
      assert.ok(verified && verified.rows > 0 && verified.rows < rowsCopied, JSON.stringify(verified));
      const load = ledger.start({ writers: 2, readers: 0, pauseMs: 5 });
      await sleep(500);
      await load.stop();
      const second = start({ resume: true });
      await succeed(second);
      const [, rows] = GOES_ON.exec(second.stderr) ?? [];
      assert.equal(Number(rows), verified.rows);
      assert.match(second.stderr, new RegExp(`verified: .*, ${rows} rows of them by an earlier run`));
      assert.doesNotMatch(second.stderr, /no change explains it/);
      await assertNothingLost(ledger);
    });

    it('a key that waited to be compared again when the run ended is compared by the next one', async () => {
      await runSql(sql, 'DROP DATABASE IF EXISTS waits');
      await runSql(sql, 'CREATE DATABASE waits');
      await runSql(sql, 'CREATE TABLE waits.t (id INT PRIMARY KEY, v INT NOT NULL)');
      await runSql(sql, 'INSERT INTO waits.t VALUES (41, 0), (42, 0)');
      const spec = { schema: 'waits', table: 't', alter: 'ADD w INT', postpone: true };
      const options = ['--checkpoint-seconds', '1'];
      forgetSyncs(42, 2);
      const first = new Run(lab.primary, { ...spec, options });
      await first.postponed();
      // Nobody looks at the changed rows any more.
      const held = mock.method(SqlVerifyStore.prototype, 'compareKeys', untilAborted);
      await runSql(sql, 'UPDATE waits.t SET v = 1');
      await first.until('the touched keys', (now) => now.backlog === 0 && now.verifyWaiting === 2);
      await first.stop();
      held.mock.restore();
      const [row] = await runSql(sql, 'SELECT state FROM waits._t_ghk');
      const { verified, position } = stateFromText(String(row?.state));
      assert.equal(verified?.prefix.complete, true);
      assert.notEqual(verified?.position, position, 'the claim must not pass what waits');
      const second = new Run(lab.primary, { ...spec, options: [...options, '--resume'] });
      await second.until('the repair', (now) => now.differencesRepaired === 1);
      assert.match(second.lines.join('\n'), /no change explains it.*"key":"id=42","columns":\["v"\]/);
      await second.finish(1);
    });

    it('a row that an earlier run had repaired and that differs again ends the migration (HAZARDS 67)', async () => {
      await runSql(sql, 'DROP DATABASE IF EXISTS waits');
      await runSql(sql, 'CREATE DATABASE waits');
      await runSql(sql, 'CREATE TABLE waits.t (id INT PRIMARY KEY, v INT NOT NULL)');
      await runSql(sql, 'INSERT INTO waits.t VALUES (41, 0), (42, 0)');
      const spec = { schema: 'waits', table: 't', alter: 'ADD w INT', postpone: true };
      forgetSyncs(42, 1);
      const first = new Run(lab.primary, spec);
      await first.postponed();
      await runSql(sql, 'UPDATE waits.t SET v = 1');
      await first.until('the repair', (now) => now.differencesRepaired === 1);
      await first.stop();
      mock.restoreAll();
      const second = new Run(lab.primary, { ...spec, options: ['--resume'] });
      const now = await second.postponed();
      assert.deepEqual([now.differencesFound, now.differencesRepaired], [1, 1], second.lines.join('\n'));
      forgetSyncs(42, 1000);
      await runSql(sql, 'UPDATE waits.t SET v = 2');
      const error = await second.failure();
      assert.match(error.message, /row id=42 differs from the original again \(v\)/);
    });

    it('where the binlog is gone from before what waits, everything is compared anew', async () => {
      await runSql(sql, 'DROP DATABASE IF EXISTS waits');
      await runSql(sql, 'CREATE DATABASE waits');
      await runSql(sql, 'CREATE TABLE waits.t (id INT PRIMARY KEY, v INT NOT NULL)');
      await runSql(sql, 'INSERT INTO waits.t VALUES (41, 0), (42, 0)');
      const spec = { schema: 'waits', table: 't', alter: 'ADD w INT', postpone: true };
      const first = new Run(lab.primary, spec);
      await first.postponed();
      const held = mock.method(SqlVerifyStore.prototype, 'compareKeys', untilAborted);
      await runSql(sql, 'UPDATE waits.t SET v = 1');
      await first.until('the touched keys', (now) => now.backlog === 0 && now.verifyWaiting === 2);
      await runSql(sql, 'FLUSH BINARY LOGS');
      // The stream has read the new file when a mark in it has come.
      await sleep(1500);
      await first.stop();
      held.mock.restore();
      const [{ Log_name: newest } = {}] = (await runSql(sql, 'SHOW BINARY LOGS')).slice(-1);
      await runSql(sql, `PURGE BINARY LOGS TO '${newest}'`);
      const second = new Run(lab.primary, { ...spec, options: ['--resume'] });
      await second.postponed();
      const said = second.lines.join('\n');
      assert.match(said, /the verification starts over: .*(purged|oldest binlog)/);
      assert.match(said, /verified: 2 rows in 1 chunks; /);
      await second.finish();
    });
  });
}

function untilAborted(_keys: unknown, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}
