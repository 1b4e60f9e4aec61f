// A revert is needed most where the migration was done: through a replica, with the cut-over that the operator has chosen. By
// each of these ways it must bring back the old table with all that was written since, and be refused for all reasons at once.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import {
  assertNothingLost,
  DB,
  hasColumn,
  openLedger,
  prepare,
  start,
  tablesOf,
} from '../fault/fault-lab.ts';
import { type Flavor, type Lab, type LabServer, runSql, waitForReplica } from '../lab/lab.ts';
import { migrate, Run } from '../mysql/migrate-run.ts';

const ADD = 'ADD COLUMN extra INT NOT NULL DEFAULT 7';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`ways of a revert, ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start({ flavor, replicas: 2 });
      sql = await lab.primary.connect({ multipleStatements: true });
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });
    const begin = async (): Promise<void> => {
      await prepare(sql, 1500);
      for (const replica of lab.replicas) await waitForReplica(lab.primary, replica, 60_000);
    };
    beforeEach(begin);

    const spec = (options: readonly string[]) => ({ schema: DB, table: 'items', options });
    const forward = (server: LabServer, ...options: string[]): Promise<Run> =>
      migrate(server, { ...spec(['--checkpoint', ...options]), alter: ADD });
    const revert = (server: LabServer, ...options: string[]): Run =>
      new Run(server, {
        ...spec(['--revert', '--old-table=_items_del', ...options]),
        alter: '',
        postpone: true,
      });

    /** There and back, with writers all the time. */
    async function thereAndBack(servers: readonly [LabServer, LabServer], ...how: string[]): Promise<Run> {
      const ledger = await openLedger(lab.primary, { sampleRows: 1000 });
      const load = ledger.start({ writers: 3, readers: 0, pauseMs: 4 });
      let run: Run | undefined;
      try {
        await forward(servers[0], ...how);
        assert.ok(await hasColumn(sql, 'extra'));
        await systemClock.sleep(500);
        run = revert(servers[1], ...how);
        await run.postponed();
        assert.ok(run.snapshot.keysApplied > 0, 'nothing was written in between');
        await systemClock.sleep(200);
        await run.finish();
        await systemClock.sleep(100);
      } finally {
        await run?.stop();
        await load.stop();
      }
      await assertNothingLost(ledger, `revert ${how.join(' ')}`);
      assert.ok(!(await hasColumn(sql, 'extra')));
      assert.ok(await hasColumn(sql, 'extra', '_items_rev_del'));
      assert.deepEqual(await tablesOf(sql), ['_items_rev_del', 'items']);
      return run;
    }
    const replica = (at: 0 | 1): LabServer => lab.replicas[at]!;
    const through = '--allow-on-master=false';

    test('through a replica, both times the same', async () => {
      const run = await thereAndBack([replica(0), replica(0)], through);
      assert.equal(run.snapshot.inspectedHost, `127.0.0.1:${replica(0).port}`);
      assert.equal(run.snapshot.applierHost, `127.0.0.1:${lab.primary.port}`);
    });

    test('there through a replica, back through another or on the primary: by GTIDs', async () => {
      const run = await thereAndBack([replica(0), replica(1)], through);
      assert.ok(run.lines.some((line) => /goes on at .*, not at the server of the run before/.test(line)));
      await begin();
      await thereAndBack([replica(0), lab.primary]);
    });

    test('by two-step', async () => {
      await thereAndBack([lab.primary, lab.primary], '--cut-over=two-step');
    });

    test('by locked-rename, where the server can', async () => {
      if (flavor === 'mysql')
        return void (await thereAndBack([lab.primary, lab.primary], '--cut-over=locked-rename'));
      await forward(lab.primary);
      const run = revert(lab.primary, '--cut-over=locked-rename');
      assert.equal((await run.failure()).code, 'locked-rename');
      assert.ok(await hasColumn(sql, 'extra'));
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghk', 'items']);
    });

    test('through a replica, by two-step', async () => {
      await thereAndBack([replica(0), replica(0)], through, '--cut-over=two-step');
    });

    test('all that stands in its way is told at once', async () => {
      await forward(lab.primary);
      await runSql(sql, `ALTER TABLE ${DB}.items ADD COLUMN mine INT`);
      await runSql(sql, `CREATE TABLE ${DB}._items_rev_del (id INT)`);
      await runSql(sql, `CREATE TABLE ${DB}.child (p INT, FOREIGN KEY (p) REFERENCES ${DB}._items_del (id))`);
      await runSql(sql, `CREATE TRIGGER ${DB}.tr AFTER DELETE ON ${DB}._items_del FOR EACH ROW SET @x = 1`);
      const error = (await revert(lab.primary).failure()) as Error & {
        code: string;
        also: { code: string }[];
      };
      assert.deepEqual(
        [error.code, ...error.also.map(({ code }) => code)],
        ['old-table-triggers', 'old-table-foreign-keys', 'original-changed', 'old-exists'],
      );
      await runSql(sql, `DROP TABLE ${DB}.child`);
    });
  });
}
