// --replica-server-id is what the server is told by who reads its binlog. Two readers with one id push each other out on MariaDB,
// several times a second and for ever, a replica too: nobody may be pushed out by us, and a run that is goes on.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, hasColumn, prepare, start, until } from '../fault/fault-lab.ts';
import { type Flavor, type Lab, runSql, runSqlForValue } from '../lab/lab.ts';
import { Run } from '../mysql/migrate-run.ts';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`--replica-server-id on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    const runs: Run[] = [];
    before(async () => {
      const wordy = flavor === 'mysql' ? { log_error_verbosity: 3 } : { log_warnings: 9 };
      lab = await start({ flavor, replicas: 1, options: wordy });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });
    beforeEach(async () => {
      await prepare(sql, 100);
      await runSql(sql, `CREATE TABLE ${DB}.other LIKE ${DB}.items`);
    });
    afterEach(async () => {
      for (const run of runs.splice(0)) await run.stop();
    });

    const begin = (table: string, id: number): Run => {
      const run = new Run(lab.primary, {
        ...{ schema: DB, table, alter: 'ADD COLUMN extra INT', postpone: true },
        options: ['--replica-server-id', String(id)],
      });
      runs.push(run);
      return run;
    };
    /** How often somebody began to read with this id, by the server's own log. */
    const dumpsAs = (id: number): number =>
      lab.primary.errorLog().match(new RegExp(`Start binlog_dump to .*server\\(${id}\\)`, 'g'))?.length ?? 0;
    const pushedOut = (run: Run): readonly string[] =>
      run.lines.filter((line) => /another reader of the binlog came with the server id/.test(line));

    test('the id given is the one that the server is told', async () => {
      assert.equal(dumpsAs(4711), 0);
      const run = begin('items', 4711);
      await run.postponed();
      assert.equal(dumpsAs(4711), 1);
      await run.finish();
      assert.equal(dumpsAs(4711), 1);
    });

    test('two runs with one id: one of them is told, and both end well', async () => {
      const [one, two] = [begin('items', 4712), begin('other', 4712)];
      await Promise.all([one.postponed(), two.postponed()]);
      if (flavor === 'mariadb')
        await until(async () => pushedOut(one).length + pushedOut(two).length === 1, 'the warning');
      // On MySQL readers are told apart by their UUID.
      const dumps = dumpsAs(4712);
      await runSql(sql, 'DO SLEEP(1)');
      assert.equal(dumpsAs(4712), dumps, 'they go on pushing each other out');
      await Promise.all([one.finish(), two.finish()]);
      assert.ok(await hasColumn(sql, 'extra'));
      assert.ok(await hasColumn(sql, 'extra', 'other'));
    });

    test('the id of a replica, or of the server itself, is refused: nobody is pushed out', async () => {
      for (const [server, whose] of [
        [lab.replicas[0]!, /is that of its replica .+\. Nothing was touched\.$/],
        [lab.primary, /is its own\. Nothing was touched\.$/],
      ] as const) {
        const asked = await server.connect();
        const id = Number(await runSqlForValue(asked, 'SELECT @@server_id'));
        await asked.end();
        const before = dumpsAs(id);
        const error = await begin('items', id).failure();
        assert.equal(error.code, 'replica-server-id', error.message);
        assert.match(error.message, whose);
        assert.equal(dumpsAs(id), before);
      }
    });
  });
}
