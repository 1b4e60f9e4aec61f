// A fixture whose change loses something by itself would blame the tool: here the server's own ALTER makes it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { FIXTURES } from '../../fixtures/fixtures.ts';
import { type Flavor, type Lab, runSql, runSqlForValue, startLab } from '../lab/lab.ts';
import { Ledger } from '../lab/ledger.ts';
import { runningServerUrl } from '../lab/running-server.ts';

const ROWS = 6000;
const flavors: Flavor[] = ['mysql', 'mariadb'];

for (const flavor of flavors) {
  describe(`fixtures on ${flavor}`, { skip: runningServerUrl(flavor) !== undefined }, () => {
    let lab: Lab;
    let connection: Connection;

    before(async () => {
      lab = await startLab({ flavor, fast: true, options: { default_time_zone: '+05:30' } });
      connection = await lab.primary.connect();
    });

    after(async () => {
      await connection.end();
      await lab.stop();
    });

    for (const fixture of FIXTURES.values()) {
      const checksum = async (database: string): Promise<unknown> =>
        (await runSql(connection, `CHECKSUM TABLE ${database}.${fixture.table}`))[0]?.Checksum;

      test(`${fixture.name}: the same seed gives the same rows, and as many as asked for`, async () => {
        await runSql(connection, 'DROP DATABASE IF EXISTS f1');
        await runSql(connection, 'DROP DATABASE IF EXISTS f2');
        await fixture.create(connection, 'f1', ROWS, 7);
        await runSql(connection, 'SET GLOBAL local_infile = 0'); // the other way to fill a table
        await fixture.create(connection, 'f2', ROWS, 7);
        await runSql(connection, 'SET GLOBAL local_infile = 1');
        assert.equal(await runSqlForValue(connection, `SELECT COUNT(*) FROM f1.${fixture.table}`), ROWS);
        assert.equal(await checksum('f1'), await checksum('f2'));
        await runSql(connection, 'DROP DATABASE f2');
        await fixture.create(connection, 'f2', ROWS, 8);
        assert.notEqual(await checksum('f1'), await checksum('f2'));
      });

      test(`${fixture.name}: its change loses nothing, under writers`, async () => {
        await runSql(connection, 'DROP DATABASE IF EXISTS f1');
        await fixture.create(connection, 'f1', ROWS, 7);
        const ledger = await Ledger.open(lab.primary, fixture.ledgerTable('f1', ROWS), { sampleRows: 2000 });
        const load = ledger.start({ writers: 4, readers: 1, pauseMs: 1 });
        await sleep(500);
        await load.stop();
        const unchanged = await ledger.compare({ changed: false });
        await runSql(connection, `ALTER TABLE f1.${fixture.table} ${fixture.alter}`);
        const changed = await ledger.compare();
        for (const { lost, phantom, differing, surprises, errors, examples } of [unchanged, changed]) {
          const found = { lost, phantom, differing, surprises };
          const none = { lost: 0, phantom: 0, differing: 0, surprises: 0 };
          assert.deepEqual(found, none, examples.join('\n'));
          assert.deepEqual(
            Object.keys(errors).filter((code) => !/DUP|DEADLOCK/.test(code)),
            [],
          );
        }
        assert.ok(changed.writes > 100);
      });
    }
  });
}
