// What a reviewer approves is what a run without --execute prints: it has to be complete and true, and to leave nothing.
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, prepare, start, tablesOf } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import { type Lab, runSql, waitForReplica } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`the plan on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start({ flavor, replicas: 1 });
      sql = await lab.primary.connect();
      await prepare(sql);
      await runSql(sql, `CREATE TABLE ${DB}.parent (id INT PRIMARY KEY)`);
      await runSql(
        sql,
        `ALTER TABLE ${DB}.items ADD COLUMN p INT, ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES ${DB}.parent (id)`,
      );
      await waitForReplica(lab.primary, lab.replicas[0]!, 20_000);
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    const plan = async (alter: string, ...more: string[]) => {
      const { host, port, user, password } = lab.primary;
      const run = startCli([
        ...['--host', host, '--port', String(port), '--user', user, '--password', password],
        ...[
          '--database',
          DB,
          '--table',
          'items',
          '--alter',
          alter,
          '--allow-on-master',
          '--discard-foreign-keys',
        ],
        ...['--serve-socket-file', join(tmpdir(), `pg-plan-${process.pid}.sock`), ...more],
      ]);
      const { code } = await run.exit;
      assert.equal(code, 0, run.stderr);
      assert.deepEqual(await tablesOf(sql), ['items', 'parent'], 'something was left');
      return run.stdout;
    };
    const says = (text: string, wanted: readonly RegExp[]): void => {
      for (const one of wanted) assert.match(text, one);
    };

    test('all that is to be approved, and the new CREATE TABLE', async () => {
      const replica = `127.0.0.1:${lab.replicas[0]!.port}`;
      const text = await plan(
        'ADD COLUMN note INT, RENAME COLUMN body TO words',
        ...['--approve-renamed-columns', '--throttle-control-replicas', `${replica},127.0.0.1:1`],
      );
      says(text, [
        /^# Plan for `fault`\.`items` on /m,
        /^# {3}strategy: +copy into `fault`\.`_items_gho`/m,
        /^# {3}the server: +would do it instantly/m,
        /^# {3}rows: +about \d+, [\d.]+ MiB of data, [\d.]+ MiB of indexes$/m,
        /^# {3}time: +about 1 s,/m,
        /^# {3}extra disk: +about [\d.]+ MiB until the old table is dropped, [\d.]+ MiB of binlog/m,
        /^# {3}migration key: +PRIMARY \(id\); ordered by us/m,
        /^# {3}columns copied: +4: id, words, hits, p$/m,
        /^# {3}columns renamed: +body -> words$/m,
        /^# {3}columns dropped: +-; added: note$/m,
        /^# {3}old table: +`fault`\.`_items_del`, kept$/m,
        /^# {3}replicas: +(server id \d+ \(port \d+\)|\S+:\d+)$/m,
        new RegExp(`^# {3}control replica: ${replica}: \\d+ s behind$`, 'm'),
        /^# {3}control replica: 127\.0\.0\.1:1: cannot be reached, which throttles: /m,
        /^# {3}foreign key: +fk will not be there in the new table$/m,
        /^# {3}blockers: +none$/m,
        /^CREATE TABLE `_items_gho` \(/m,
        /^# Done$/m,
      ]);
    });

    test('how the tables would change places', async () => {
      assert.match(await plan('ENGINE=InnoDB'), /^# {3}strategy: .* swap behind a sentry table$/m);
      const steps = await plan('ENGINE=InnoDB', '--cut-over=two-step');
      assert.match(steps, /^# {3}strategy: .* swap in two steps, between which there is no such table$/m);
    });

    test('what the server would do by itself', async () => {
      assert.match(await plan('ADD INDEX (hits)'), /^# {3}the server: +would do it in place/m);
      assert.match(await plan('MODIFY hits BIGINT'), /^# {3}the server: +would do it only by a copy/m);
    });

    test('who would hold up the cut-over', async () => {
      const holder = await lab.primary.connect();
      await runSql(holder, 'BEGIN');
      await runSql(holder, `SELECT * FROM ${DB}.items LIMIT 1`);
      await runSql(sql, 'DO SLEEP(3)');
      const text = await plan('ENGINE=InnoDB');
      await holder.end();
      assert.match(text, new RegExp(`^#   blocker: .*: connection ${holder.threadId} \\(`, 'm'));
    });
  });
}
