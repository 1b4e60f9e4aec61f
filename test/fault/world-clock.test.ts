// The clock of a server is set by hours, or summer time ends: transactions look young that have held the table for long, or old
// that have just begun; what waits by the clock waits too long, or not at all. Nobody stands still for it, and no lag is made up.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { cutOverSteps } from '../../src/core/swap-port.ts';
import { type Lab, runSql, waitForReplica } from '../lab/lab.ts';
import { runningServerUrl } from '../lab/running-server.ts';
import { clockObstacle, ServerClock } from '../lab/server-clock.ts';
import {
  assertNothingLost,
  assertUsable,
  DB,
  hasColumn,
  openLedger,
  prepare,
  type Run,
  start,
  startRun,
  until,
} from './fault-lab.ts';
import { ended, finish, POSTPONED, reachWaiting, startWaiting, WORLDS } from './world-lab.ts';

const hour = 3600;

for (const { name, spec } of WORLDS) {
  const skip =
    clockObstacle ??
    (runningServerUrl(spec.flavor) ? 'only the clock of a private server can be set' : false);
  describe(`clocks are set on ${name}`, { skip }, () => {
    let clock: ServerClock;
    let replicaClock: ServerClock;
    let lab: Lab;
    let sql: Connection;
    let holder: Connection | undefined;
    before(async () => {
      [clock, replicaClock] = await Promise.all([ServerClock.make(), ServerClock.make()]);
      lab = await start({ ...spec, env: clock.env, replicas: [{ env: replicaClock.env }] });
      sql = await lab.primary.connect();
    });
    afterEach(() => {
      holder?.destroy();
      clock.set(0);
      replicaClock.set(0);
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      clock?.remove();
      replicaClock?.remove();
    });

    /** A transaction that has read the table and says nothing more. */
    const hold = async (): Promise<void> => {
      holder = await lab.primary.connect();
      await runSql(holder, 'BEGIN');
      await runSql(holder, `SELECT * FROM ${DB}.items WHERE id = 250`);
    };
    const stepsOf = (run: Run, step: keyof typeof cutOverSteps): string[] =>
      run.lines.filter((line) => line.includes(cutOverSteps[step]));

    test('the server and its replica jump by hours, back and forth: nothing is lost, nobody waits for it', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      const replica = `127.0.0.1:${lab.replicas[0]!.port}`;
      const flags = [
        '--throttle-control-replicas',
        replica,
        '--max-lag-millis',
        '5000',
        '--chunk-size',
        '10',
      ];
      const run = startRun(lab.primary, { extra: [...POSTPONED, ...flags, '--nice-ratio', '20'] });
      t.after(() => run.stop());
      const lags: number[] = [];
      for (const [here, there] of [
        [5, 0],
        [-7, 0],
        [-7, 9],
        [0, -9],
      ] as const) {
        clock.set(here * hour);
        replicaClock.set(there * hour);
        await sleep(300);
        const { replicationLagMs, streamLagMs } = run.migrator.snapshot();
        lags.push(replicationLagMs, streamLagMs);
      }
      await reachWaiting(run);
      clock.set(-2 * hour);
      run.migrator.unpostpone();
      assert.equal(await ended(run), undefined, run.lines.join('\n'));
      await load.stop();
      t.diagnostic(`lags ${lags.map(Math.round).join(', ')} ms`);
      assert.ok(
        lags.every((lag) => lag < hour * 1000),
        `a jump was taken for lag: ${lags.join(', ')}`,
      );
      await assertNothingLost(ledger, 'clocks of servers');
    });

    test('HAZARDS 106: set back an hour while a transaction holds the table: nobody queues behind it', async (t) => {
      await prepare(sql);
      const run = await startWaiting(lab.primary);
      t.after(() => run.stop());
      await hold();
      await sleep(2100);
      clock.set(-hour);
      run.migrator.unpostpone();
      await until(() => stepsOf(run, 'looking').length > 0, 'an attempt');
      await sleep(1500);
      assert.deepEqual(stepsOf(run, 'locking'), [], 'queued behind an old transaction');
      assert.match(
        run.lines.find((line) => line.includes(`connection ${holder!.threadId} `)) ?? '',
        /since before the server's clock was set back/,
      );
      await assertUsable(lab.primary, 1000);
      await runSql(holder!, 'COMMIT');
      assert.equal(await ended(run), undefined);
      assert.ok(await hasColumn(sql, 'extra'));
    });

    test('set back an hour when we are in the queue for the table: the site waits a second, not an hour', async (t) => {
      await prepare(sql);
      let held = false;
      const run = startRun(lab.primary, {
        extra: ['--cut-over-lock-timeout-seconds', '2'],
        atStep: async (step) => {
          if (step === 'sentry' && !held) {
            held = true;
            await hold();
          }
          // Not waited for: the request for the lock shall be in the queue by then.
          if (step === 'locking') setTimeout(() => clock.set(-hour), 200);
        },
      });
      t.after(() => run.stop());
      await until(() => run.lines.some((line) => /cut-over attempt failed/.test(line)), 'a failed attempt');
      await assertUsable(lab.primary, 5000);
      await runSql(holder!, 'COMMIT');
      assert.equal(await ended(run), undefined, run.lines.join('\n'));
    });

    test('set forth an hour: what has just begun and looks old is waited for until it ends, not longer', async (t) => {
      await prepare(sql);
      const run = await startWaiting(lab.primary);
      t.after(() => run.stop());
      await hold();
      clock.set(hour);
      run.migrator.unpostpone();
      await until(() => stepsOf(run, 'looking').length > 0, 'an attempt');
      await runSql(holder!, 'COMMIT');
      assert.equal(await ended(run), undefined);
    });

    test('resumed on a machine whose clock is an hour behind, while a replica lags: it throttles all the same', async (t) => {
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      const replica = await lab.replicas[0]!.connect();
      t.after(() => replica.end());
      const address = `127.0.0.1:${lab.replicas[0]!.port}`;
      const lag = ['--throttle-control-replicas', address, '--max-lag-millis', '1500'];
      const ahead: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + hour * 1000 };
      const first = await startWaiting(lab.primary, { clock: ahead });
      first.stop();
      await first.ended;
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      await runSql(replica, 'STOP REPLICA SQL_THREAD');
      t.after(() => runSql(replica, 'START REPLICA SQL_THREAD').catch(() => undefined));
      const run = startRun(lab.primary, { extra: [...POSTPONED, ...lag, '--resume'] });
      t.after(() => run.stop());
      await until(
        () => /no heartbeat of this run/.test(run.migrator.snapshot().throttled ?? ''),
        'throttled',
      );
      await runSql(replica, 'START REPLICA SQL_THREAD');
      await reachWaiting(run);
      await finish(run);
    });

    test('our own clock is set back while a replica lags: it throttles all the same', async (t) => {
      await prepare(sql);
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
      const replica = await lab.replicas[0]!.connect();
      t.after(() => replica.end());
      let shiftMs = 0;
      const jumping: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + shiftMs };
      const address = `127.0.0.1:${lab.replicas[0]!.port}`;
      const lag = ['--throttle-control-replicas', address, '--max-lag-millis', '1500'];
      const run = startRun(lab.primary, { clock: jumping, extra: [...POSTPONED, ...lag] });
      t.after(() => run.stop());
      await reachWaiting(run);
      await until(() => run.migrator.snapshot().replicationLagMs > 0, 'a reading of the replica');
      await runSql(replica, 'STOP REPLICA SQL_THREAD');
      t.after(() => runSql(replica, 'START REPLICA SQL_THREAD').catch(() => undefined));
      shiftMs = -5 * hour * 1000;
      await until(() => (run.migrator.snapshot().throttled ?? '').includes('replica-lag'), 'throttled');
      await runSql(replica, 'START REPLICA SQL_THREAD');
      await finish(run);
    });
  });
}
