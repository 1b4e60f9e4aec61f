// Trying a migration on a replica must leave that replica as it was, and its primary untouched, however the try ends.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import {
  contents,
  DB,
  hasColumn,
  openLedger,
  type Run,
  type RunOptions,
  startRun,
  tablesOf,
  until,
} from '../fault/fault-lab.ts';
import { type Flavor, runSql } from '../lab/lab.ts';
import { all, Chain, failureOf } from './topology-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`a migration on a replica, ${flavor}`, () => {
    let chain: Chain;
    let primary: Connection;
    let middle: Connection;
    let leaf: Connection;
    before(async () => {
      chain = await Chain.start({ flavor });
      primary = await chain.connect(chain.primary);
      middle = await chain.connect(chain.middle);
      leaf = await chain.connect(chain.leaf);
    });
    after(() => chain?.stop());

    const on = (extra: readonly string[], options: RunOptions = {}): Run =>
      startRun(chain.leaf, { ...options, extra: ['--allow-on-master=false', ...extra] });
    const replicating = async (): Promise<string> => {
      const [row] = await runSql(leaf, 'SHOW REPLICA STATUS');
      return `${row?.Replica_IO_Running ?? row?.Slave_IO_Running} ${row?.Replica_SQL_Running ?? row?.Slave_SQL_Running}`;
    };

    test('neither is for a primary', async () => {
      await chain.prepare();
      for (const flag of ['--migrate-on-replica', '--test-on-replica']) {
        const run = startRun(chain.primary, { extra: ['--allow-on-master=false', flag] });
        assert.equal((await failureOf(run)).code, 'not-a-replica');
      }
    });

    test('--migrate-on-replica changes that replica only, under what it replicates', async () => {
      await chain.prepare();
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 4, readers: 0, pauseMs: 4 });
      const run = on(['--migrate-on-replica', '--chunk-size', '50']);
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      await load.stop();
      await chain.inStep();
      assert.deepEqual(
        [await hasColumn(primary, 'extra'), await hasColumn(middle, 'extra'), await hasColumn(leaf, 'extra')],
        [false, false, true],
      );
      assert.equal(await contents(leaf, 'items'), await contents(primary, 'items'));
      assert.deepEqual(await tablesOf(primary), ['items']);
    });

    test('--test-on-replica leaves both tables for comparison, and replication stopped', async () => {
      await chain.prepare();
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 4, readers: 0, pauseMs: 4 });
      const run = on(['--test-on-replica', '--chunk-size', '50']);
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.equal(await replicating(), 'No No');
      assert.deepEqual(await tablesOf(leaf), ['_items_gho', 'items']);
      assert.equal(await hasColumn(leaf, 'extra'), false);
      assert.equal(await hasColumn(leaf, 'extra', '_items_gho'), true);
      assert.equal(await contents(leaf, '_items_gho'), await contents(leaf, 'items'));
      await load.stop();
      await all(leaf, `DROP TABLE ${DB}._items_gho`, 'START REPLICA');
      await chain.inStep();
      assert.equal(await contents(leaf, 'items'), await contents(primary, 'items'));
    });

    test('--test-on-replica: who loses his connection when the tables are swapped back already is not told otherwise', async () => {
      await chain.prepare();
      const reader = await chain.leaf.connect({ database: DB });
      try {
        const run = on(['--test-on-replica', '--initially-drop-ghost-table', '--checkpoint-seconds', '1'], {
          atStep: async (step) => {
            if (step !== 'looking') return;
            await reader.query('BEGIN');
            await reader.query('SELECT * FROM _items_ghk');
          },
        });
        const find =
          "SELECT id FROM information_schema.processlist WHERE info LIKE 'DROP TABLE%_items_ghk%' AND state LIKE '%lock%'";
        let id: unknown;
        const dropping = async (): Promise<boolean> => {
          id = (await runSql(leaf, find))[0]?.id;
          return id !== undefined;
        };
        await until(dropping, 'the end of the clean-up', 60_000);
        await runSql(leaf, `KILL ${id}`);
        await reader.query('COMMIT');
        assert.equal(await run.ended, undefined, run.lines.join('\n'));
        assert.deepEqual(await tablesOf(leaf), ['_items_gho', 'items']);
        assert.equal(await hasColumn(leaf, 'extra'), false);
      } finally {
        reader.destroy();
        await all(leaf, `DROP TABLE IF EXISTS ${DB}._items_gho, ${DB}._items_ghk`, 'START REPLICA');
        await chain.inStep();
      }
    });

    test('an attempt that fails starts replication again', async () => {
      await chain.prepare();
      const told: string[] = [];
      let seen = '';
      const run = on(['--test-on-replica', '--default-retries', '1'], {
        moments: { reach: async (moment) => void told.push(moment) },
        atStep: async (step) => {
          if (step !== 'locked') return;
          seen = await replicating();
          throw new Error('the test has seen enough');
        },
      });
      assert.match((await failureOf(run)).message, /seen enough/);
      assert.equal(seen, 'No No');
      await until(async () => (await replicating()) === 'Yes Yes', 'replication');
      assert.deepEqual(
        told.filter((moment) => moment.endsWith('-replication')),
        ['stop-replication', 'start-replication'],
      );
      await chain.inStep();
    });

    test('--test-on-replica-skip-replica-stop: the hook stops it; nothing is swapped under what is still applied', async () => {
      await chain.prepare();
      const flags = [
        '--test-on-replica',
        '--test-on-replica-skip-replica-stop',
        '--initially-drop-ghost-table',
      ];
      const failure = await failureOf(on([...flags, '--default-retries', '1', '--initially-drop-old-table']));
      assert.match(failure.message, /replication still applies changes/);
      assert.match(failure.hint, /hook/);
      assert.equal(await replicating(), 'Yes Yes');
      assert.equal(await hasColumn(leaf, 'extra'), false);
      await all(leaf, `DROP TABLE IF EXISTS ${DB}._items_gho, ${DB}._items_ghc, ${DB}._items_ghk`);
      const hook = (moment: string): Promise<void> =>
        moment === 'stop-replication' ? all(leaf, 'STOP REPLICA') : Promise.resolve();
      const run = on(flags, { moments: { reach: hook } });
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.deepEqual(await tablesOf(leaf), ['_items_gho', 'items']);
      await all(leaf, `DROP TABLE ${DB}._items_gho`, 'START REPLICA');
    });

    test('an account that read_only keeps from writing is refused', async () => {
      await chain.prepare();
      await all(
        primary,
        "CREATE USER IF NOT EXISTS weak@'127.0.0.1' IDENTIFIED BY 'weak'",
        `GRANT ALL ON ${DB}.* TO weak@'127.0.0.1'`,
        "GRANT PROCESS, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO weak@'127.0.0.1'",
        ...(flavor === 'mariadb' ? ["GRANT SLAVE MONITOR ON *.* TO weak@'127.0.0.1'"] : []),
      );
      await chain.inStep();
      const run = on(['--migrate-on-replica', '--user', 'weak', '--password', 'weak']);
      const failure = await failureOf(run);
      assert.equal(failure.code, 'read-only', failure.message);
      assert.match(failure.hint, /CONNECTION_ADMIN/);
      assert.deepEqual(await tablesOf(leaf), ['items']);
    });
  });
}
