// The server changes under a migration: read-only, full, without a privilege, another one at the same address, gone for good, held
// up by a replica, under a storm of locks. It says so and leaves the original alone, or it waits and goes on.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { type Lab, runSql, type ServerAddress } from '../lab/lab.ts';
import {
  assertNothingLost,
  contents,
  DB,
  hasColumn,
  openLedger,
  prepare,
  start,
  startRun,
  until,
} from './fault-lab.ts';
import {
  assertFails,
  finish,
  inSession,
  POSTPONED,
  reachWaiting,
  startWaiting,
  WORLDS,
} from './world-lab.ts';

/** Pauses between tries pass twenty times as fast. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

for (const { name, spec } of WORLDS) {
  const { flavor } = spec;
  const stall = flavor === 'mysql' ? 'rpl_semi_sync_source_timeout' : 'rpl_semi_sync_master_timeout';
  describe(`the server changes under a migration on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    let worker: ServerAddress;
    before(async () => {
      lab = await start({ ...spec, replicas: [{ semiSync: true }] });
      sql = await lab.primary.connect();
      worker = {
        ...lab.primary,
        host: lab.primary.host,
        port: lab.primary.port,
        user: 'worker',
        password: 'w',
      };
    });
    after(async () => {
      lab?.replicas[0]?.resume();
      await sql?.end();
      await lab?.stop();
    });

    /** An account that may do what a migration needs, and no more. */
    const employ = async (): Promise<void> => {
      await runSql(sql, "DROP USER IF EXISTS worker@'127.0.0.1'");
      await runSql(sql, "CREATE USER worker@'127.0.0.1' IDENTIFIED BY 'w'");
      await runSql(sql, `GRANT ALL ON ${DB}.* TO worker@'127.0.0.1'`);
      await runSql(sql, "GRANT REPLICATION CLIENT, REPLICATION SLAVE, PROCESS ON *.* TO worker@'127.0.0.1'");
      if (flavor === 'mysql') await runSql(sql, "GRANT SELECT ON performance_schema.* TO worker@'127.0.0.1'");
    };
    const intact = async (rows: string): Promise<void> => {
      assert.equal(await contents(sql, 'items'), rows);
      assert.equal(await hasColumn(sql, 'extra'), false);
    };

    test('HAZARDS 96: it becomes read_only for our account', async (t) => {
      await prepare(sql, 50);
      await employ();
      const rows = await contents(sql, 'items');
      const run = await startWaiting(worker);
      t.after(() => run.stop());
      try {
        await runSql(sql, 'SET GLOBAL read_only = 1');
        await assertFails(run, { message: /read-only/, hint: /read_only.*primary/ }, 'read_only');
      } finally {
        await runSql(sql, 'SET GLOBAL read_only = 0');
      }
      await intact(rows);
    });

    // An account that may write all the same meets no error: the demoted primary would be migrated, and the new one not.
    test('HAZARDS 96: its replica is promoted, and our account may write to it all the same', async (t) => {
      await prepare(sql, 50);
      const rows = await contents(sql, 'items');
      const early = await startWaiting(lab.primary);
      t.after(() => early.stop());
      const said = { message: /has become read-only: it is not the primary/, hint: /untouched.*--resume/ };
      try {
        await runSql(sql, 'SET GLOBAL read_only = 1');
        await assertFails(early, said, 'while it waits');
        await runSql(sql, 'SET GLOBAL read_only = 0');
        // Between two looks, and with the cut-over begun.
        const late = startRun(lab.primary, {
          extra: ['--resume'],
          atStep: async (step) => {
            if (step === 'locking') await inSession(lab.primary, 'SET GLOBAL read_only = 1');
          },
        });
        t.after(() => late.stop());
        await assertFails(late, said, 'under the lock');
      } finally {
        await runSql(sql, 'SET GLOBAL read_only = 0');
      }
      await intact(rows);
    });

    test('HAZARDS 116: the account loses its privileges', async (t) => {
      await prepare(sql, 50);
      await employ();
      const rows = await contents(sql, 'items');
      const run = await startWaiting(worker);
      t.after(() => run.stop());
      await runSql(sql, `REVOKE ALL ON ${DB}.* FROM worker@'127.0.0.1'`);
      await assertFails(run, { message: /denied/, hint: /lost a privilege.*start again/ }, 'REVOKE');
      await intact(rows);
    });

    test('a storm of locks on the ghost and of deadlocks: it gets through', async (t) => {
      await prepare(sql, 300);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      const run = startRun(lab.primary, {
        extra: [...POSTPONED, '--chunk-size', '20', '--dml-batch-size', '5'],
      });
      t.after(() => run.stop());
      run.migrator.throttle();
      await until(() => run.migrator.snapshot().phase === 'copying', 'the copy');
      const over = new AbortController();
      let storms = 0;
      const storm = async (first: number, second: number): Promise<void> => {
        const connection = await lab.primary.connect();
        while (!over.signal.aborted) {
          const lock = (id: number): Promise<unknown> =>
            runSql(
              connection,
              `UPDATE ${DB}._items_gho SET hits = hits WHERE id BETWEEN ${id} AND ${id + 100}`,
            );
          await runSql(connection, 'BEGIN');
          await lock(first)
            .then(() => sleep(10))
            .then(() => lock(second))
            .catch(() => undefined);
          await sleep(20);
          await runSql(connection, 'ROLLBACK');
          storms++;
          await sleep(10);
        }
        await connection.end();
      };
      const storming = [storm(1, 200), storm(200, 1), storm(100, 1)];
      run.migrator.unthrottle();
      await until(() => storms > 40, 'the storm');
      over.abort();
      await Promise.all(storming);
      await reachWaiting(run);
      await finish(run);
      await load.stop();
      await assertNothingLost(ledger, 'storm');
      t.diagnostic(`tried again: ${run.lines.filter((line) => /is tried again/.test(line)).length}`);
    });

    test('HAZARDS 4: a semi-synchronous replica stands still: commits hang, we wait, nothing is lost', async (t) => {
      await prepare(sql, 200);
      await runSql(sql, `SET GLOBAL ${stall} = 3000`);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      const run = startRun(lab.primary, { extra: [...POSTPONED, '--chunk-size', '20'] });
      t.after(() => run.stop());
      await until(() => run.migrator.snapshot().phase === 'copying', 'the copy');
      lab.replicas[0]!.pause();
      await reachWaiting(run);
      lab.replicas[0]!.resume();
      await finish(run);
      await load.stop();
      await assertNothingLost(ledger, 'semi-sync stall');
    });

    test('another server answers at the address', async (t) => {
      await prepare(sql, 50);
      const rows = await contents(sql, 'items');
      const run = await startWaiting(lab.primary);
      t.after(() => run.stop());
      await sql.end();
      await lab.primary.kill9();
      if (flavor === 'mysql') rmSync(join(lab.primary.dataDir, 'auto.cnf'));
      await lab.primary.restart(flavor === 'mysql' ? {} : { server_id: 4711 });
      sql = await lab.primary.connect();
      await assertFails(run, { message: /another server/, hint: /failover/ }, 'another server');
      await intact(rows);
    });

    test('the server has no room for the ghost', async (t) => {
      await prepare(sql, 400);
      for (let doubled = 0; doubled < 8; doubled++)
        await runSql(sql, `INSERT INTO ${DB}.items (body, hits) SELECT body, hits FROM ${DB}.items`);
      const count = async (): Promise<unknown> =>
        (await runSql(sql, `SELECT COUNT(*) AS n FROM ${DB}.items`))[0]?.n;
      const rows = await count();
      await sql.end();
      const small = { innodb_file_per_table: false, innodb_data_file_path: 'ibdata1:12M:autoextend:max:14M' };
      // Killed: a stop in good order waits for the replica.
      await lab.primary.kill9();
      await lab.primary.restart({ ...small, [stall]: 100 });
      sql = await lab.primary.connect();
      const run = startRun(lab.primary);
      t.after(() => run.stop());
      await assertFails(run, { message: /full/, hint: /no room.*start again/ }, 'disk full');
      assert.equal(await count(), rows);
      assert.equal(await hasColumn(sql, 'extra'), false);
    });

    test('the server is gone for good', async (t) => {
      await prepare(sql, 50);
      const run = await startWaiting(lab.primary, { clock: hasty, extra: ['--default-retries', '3'] });
      t.after(() => run.stop());
      await sql.end();
      await lab.primary.kill9();
      const said = { message: /connect|lost/, hint: /server is up|Is the server up|untouched/ };
      const error = await assertFails(run, said, 'gone');
      t.diagnostic(`${error.message} | ${error.hint}`);
      await lab.primary.restart();
      sql = await lab.primary.connect();
      assert.equal(await hasColumn(sql, 'extra'), false);
    });
  });
}
