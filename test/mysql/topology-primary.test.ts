// gh-ost's usual way: connect to a replica, read its binlog, and migrate on the primary. Whatever lies between, no
// acknowledged write may be missing afterwards; and where a replica could not bring all changes in their order, the
// migration must not begin.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { ConnectionOptions } from '../../src/mysql/connection-options.ts';
import { refuseServer } from '../../src/mysql/inspector/refusals.ts';
import type { ServerFacts } from '../../src/mysql/server.ts';
import { findTopology } from '../../src/mysql/topology.ts';
import { respond } from '../../src/ops/commands.ts';
import { statusHeader } from '../../src/ops/status.ts';
import { assertNothingLost, DB, hasColumn, kill, openLedger, tablesOf, until } from '../fault/fault-lab.ts';
import { type Flavor, runSql } from '../lab/lab.ts';
import { ALLOWED } from './refusals-lab.ts';
import { all, Chain, failureOf, runOn } from './topology-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`a migration through a replica, ${flavor}`, () => {
    let chain: Chain;
    let primary: Connection;
    let middle: Connection;
    let leaf: Connection;
    before(async () => {
      // Under AFTER_SYNC a replica can have a transaction before anybody can see it on the primary (I2).
      chain = await Chain.start({ flavor }, { semiSync: true, workers: 4 });
      primary = await chain.connect(chain.primary);
      middle = await chain.connect(chain.middle);
      leaf = await chain.connect(chain.leaf);
    });
    after(() => chain?.stop());

    test('the primary is found from a replica of a replica, and nothing is lost', async () => {
      await chain.prepare();
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 6, readers: 1, pauseMs: 2 });
      const run = runOn(chain.leaf, ['--chunk-size', '50'], {
        atStep: async (step) => {
          if (step !== 'looking') return;
          const snapshot = run.migrator.snapshot();
          const [at, from] = [chain.primary.port, chain.leaf.port];
          const header = statusHeader(snapshot, { exists: () => false, additionalFlagFile: null });
          const servers = `# Migrating 127.0.0.1:${at}; inspecting 127.0.0.1:${from}; executing on`;
          assert.ok(header[1]!.startsWith(servers), header[1]);
          const context = { controls: run.migrator, settings: run.migrator.settings } as never;
          assert.match(await respond('applier', context), new RegExp(`^Host: 127.0.0.1:${at}, Version: `));
          assert.match(
            await respond('inspector', context),
            new RegExp(`^Host: 127.0.0.1:${from}, Version: `),
          );
        },
      });
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      await load.stop();
      await assertNothingLost(ledger, 'through two replicas');
      await chain.inStep();
      for (const sql of [primary, middle, leaf]) {
        assert.ok(await hasColumn(sql, 'extra'));
        assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      }
    });

    test('a late write to the old table is seen in the stream of the replica, and carried over (I7)', async () => {
      await chain.prepare();
      const run = runOn(chain.middle, [], {
        // The lock's session dies, and somebody clears the sentry away unseen: then the application writes.
        atStep: async (step, self) => {
          // Semi-synchronous commits take their time: the RENAME, which nothing holds any more, is let through.
          if (step === 'stepping-back')
            await until(async () => !(await tablesOf(primary)).includes('_items_gho'), 'the RENAME');
          if (step !== 'drained') return;
          await kill(primary, self.threads().lock);
          for (const sql of [primary, middle, leaf]) {
            await until(async () => (await tablesOf(sql)).includes('items_ghs'), 'the sentry');
            await all(
              sql,
              'SET SESSION sql_log_bin = 0',
              `DROP TABLE ${DB}.items_ghs`,
              'SET SESSION sql_log_bin = 1',
            );
          }
          await all(primary, `UPDATE ${DB}.items SET body = 'late' WHERE id = 5`);
        },
      });
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.match(run.lines.join('\n'), /late write to the old table was carried over: id=5/);
      const rows = await runSql(primary, `SELECT body, extra FROM ${DB}.items WHERE id = 5`);
      assert.deepEqual(rows, [{ body: 'late', extra: 7 }]);
    });

    test('--assume-master-host, with an account of its own there', async () => {
      await chain.prepare();
      await all(
        primary,
        "CREATE USER IF NOT EXISTS chief@'127.0.0.1' IDENTIFIED BY 'other'",
        "GRANT ALL ON *.* TO chief@'127.0.0.1'",
      );
      const account = ['--master-user', 'chief', '--master-password', 'other'];
      const assume = ['--assume-master-host', `127.0.0.1:${chain.primary.port}`];
      const run = runOn(chain.middle, [...assume, ...account]);
      let seen = 0;
      await until(async () => {
        const rows = await runSql(
          primary,
          "SELECT 1 FROM information_schema.processlist WHERE user = 'chief'",
        );
        seen = Math.max(seen, rows.length);
        return seen > 0 || run.migrator.snapshot().phase === 'done';
      }, 'sessions of that account');
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.ok(seen > 0);
      assert.ok(await hasColumn(primary, 'extra'));
    });

    test('the server given is the primary after all: --allow-on-master is asked for', async () => {
      await chain.prepare();
      assert.equal((await failureOf(runOn(chain.primary))).code, 'allow-on-master');
      const itself = ['--assume-master-host', `localhost:${chain.primary.port}`];
      assert.equal((await failureOf(runOn(chain.primary, itself))).code, 'allow-on-master');
      // The middle one is no primary of the primary.
      await runSql(middle, 'SET GLOBAL read_only = 0');
      const stranger = ['--assume-master-host', `127.0.0.1:${chain.middle.port}`];
      assert.equal((await failureOf(runOn(chain.primary, stranger))).code, 'not-a-replica');
      await runSql(middle, 'SET GLOBAL read_only = 1');
      const readOnly = ['--assume-master-host', `127.0.0.1:${chain.middle.port}`];
      assert.equal((await failureOf(runOn(chain.leaf, readOnly))).code, 'read-only');
      assert.deepEqual(await tablesOf(primary), ['items']);
    });

    test('a table that differs on the replica is refused, and one that is not there', async () => {
      await chain.prepare();
      await all(
        leaf,
        'SET SESSION sql_log_bin = 0',
        `ALTER TABLE ${DB}.items ADD COLUMN only_here INT FIRST`,
      );
      const failure = await failureOf(runOn(chain.leaf));
      assert.equal(failure.code, 'columns-differ');
      assert.match(failure.message, /4 columns there, 3 here/);
      await all(leaf, `DROP TABLE ${DB}.items`, 'SET SESSION sql_log_bin = 1');
      assert.equal((await failureOf(runOn(chain.leaf))).code, 'columns-differ');
    });

    test('a replica that could not bring all changes in their order is refused by name', async () => {
      const config = { onReplica: false, switchToRbr: false };
      const { host, port, user, password } = chain.middle;
      const options = { host, port, user, password };
      const given = new ConnectionOptions({ ...options, connectTimeoutMs: 5000 });
      const how = {
        ...config,
        testOnly: false,
        skipReplicaStop: false,
        assumed: null,
        allowMasterMaster: false,
      };
      const topology = await findTopology(given, how, systemClock);
      const [channel] = topology.inspected.facts.channels!;
      const refusedWith = (
        facts: Partial<ServerFacts>,
        role: 'inspected' | 'applied' = 'inspected',
      ): string => {
        const changed = { ...topology[role], facts: { ...topology[role].facts, ...facts } };
        const asked = { ...topology, [role]: changed };
        const chainNow = [asked.inspected, asked.applied];
        try {
          refuseServer({ topology: { ...asked, chain: chainNow }, how: config, schema: DB }, ALLOWED);
          return '';
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      const filter = { name: 'Replicate_Ignore_DB', text: `other,${DB}` };
      assert.deepEqual(
        [
          refusedWith({}),
          refusedWith({ logsReplicaUpdates: false }),
          refusedWith({ appliesInOrder: false }),
          refusedWith({ channels: [{ ...channel!, delaySeconds: 60 }] }),
          refusedWith({ channels: [{ ...channel!, filters: [filter] }] }),
          refusedWith({ binlogFormat: 'STATEMENT' }),
          refusedWith({ binlogFormat: 'MIXED' }, 'applied'),
          refusedWith({ binlogFormat: 'STATEMENT' }, 'applied'),
          refusedWith({ flavor: flavor === 'mysql' ? 'mariadb' : 'mysql' }),
          refusedWith({ commitsOrdered: false }, 'applied'),
        ],
        [
          ...['', 'replica-updates', 'replica-order', 'replica-delayed', 'replica-filters', 'binlog-format'],
          ...['', 'binlog-format', 'other-flavor', 'binlog-order'],
        ],
      );
    });

    test('commits that pass each other on the replica are refused as the server is now', async (t) => {
      if (flavor !== 'mysql') return t.skip('MariaDB keeps the order within a domain');
      const preserve = (value: string): Promise<void> =>
        all(leaf, 'STOP REPLICA', `SET GLOBAL replica_preserve_commit_order = ${value}`, 'START REPLICA');
      await chain.prepare();
      await preserve('OFF');
      assert.equal((await failureOf(runOn(chain.leaf))).code, 'replica-order');
      await preserve('ON');
    });

    test('a replica that stands still is refused', async () => {
      await chain.prepare();
      await runSql(middle, 'STOP REPLICA SQL_THREAD');
      const failure = await failureOf(runOn(chain.leaf));
      assert.equal(failure.code, 'replica-stopped');
      assert.match(failure.message, new RegExp(`:${chain.middle.port} does not replicate .* SQL thread`));
      await runSql(middle, 'START REPLICA SQL_THREAD');
    });

    test('--switch-to-rbr: refused where there are replicas, else set once our tables are made', async () => {
      await chain.prepare();
      // MySQL does not change it under the threads that apply.
      const format = (sql: Connection, name: string): Promise<void> =>
        all(sql, 'STOP REPLICA', `SET GLOBAL binlog_format = '${name}'`, 'START REPLICA');
      await format(middle, 'MIXED');
      assert.equal((await failureOf(runOn(chain.middle))).code, 'binlog-format');
      assert.equal((await failureOf(runOn(chain.middle, ['--switch-to-rbr']))).code, 'switch-to-rbr');
      await format(middle, 'ROW');
      await format(leaf, 'MIXED');
      const run = runOn(chain.leaf, ['--switch-to-rbr']);
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      const [row] = await runSql(leaf, 'SELECT @@global.binlog_format AS format');
      assert.equal(row?.format, 'ROW');
    });

    test('a circle is refused; with --allow-master-master the one that takes writes is the primary', async () => {
      await chain.prepare();
      await closeCircle(primary, chain, flavor);
      try {
        for (const server of [chain.middle, chain.leaf])
          assert.equal((await failureOf(runOn(server))).code, 'circular');
        await runSql(middle, 'SET GLOBAL read_only = 0');
        const both = await failureOf(runOn(chain.leaf, ['--allow-master-master']));
        await runSql(middle, 'SET GLOBAL read_only = 1');
        assert.equal(both.code, 'several-writable');
        const run = runOn(chain.leaf, ['--allow-master-master']);
        assert.equal(await run.ended, undefined, run.lines.join('\n'));
        assert.ok(await hasColumn(primary, 'extra'));
      } finally {
        await all(primary, 'STOP REPLICA', flavor === 'mysql' ? 'RESET REPLICA ALL' : 'RESET SLAVE ALL');
      }
    });
  });
}

/** The primary replicates from the middle one, too. */
async function closeCircle(primary: Connection, { middle }: Chain, flavor: Flavor): Promise<void> {
  const { port, user, password } = middle;
  const place =
    flavor === 'mysql'
      ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${port}, SOURCE_USER='${user}',
           SOURCE_PASSWORD='${password}', GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1`
      : `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='${user}',
           MASTER_PASSWORD='${password}', MASTER_USE_GTID=current_pos`;
  await all(primary, place, 'START REPLICA');
}
