// Servers and accounts with which a migration cannot be safe or cannot end are refused by name, and nothing is touched.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { refuseLockedRename } from '../../src/mysql/inspector/locked-rename.ts';
import { checkPrivileges } from '../../src/mysql/inspector/privileges.ts';
import { refusePrivileges, refuseRowImage, refuseServer } from '../../src/mysql/inspector/refusals.ts';
import { scratchOf } from '../../src/mysql/scratch.ts';
import { probeServer, type ServerFacts } from '../../src/mysql/server.ts';
import type { Session } from '../../src/mysql/session.ts';
import { type Flavor, type Lab, type LabServer, startLab } from '../lab/lab.ts';
import { ALLOWED, alone, type Expected, isRefusal, refused, witness } from './refusals-lab.ts';
import { openSession, runAll, withSession } from './session-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`refusals of servers and accounts on ${flavor}`, () => {
    let lab: Lab;
    let session: Session;

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      session = await openSession(lab.primary);
      await session.execute('CREATE DATABASE r');
      await session.execute('CREATE TABLE r.plain (id INT PRIMARY KEY)');
    });

    after(async () => {
      await session.close();
      await lab.stop();
    });

    test('allow-on-master', async () => {
      const expected = { code: 'allow-on-master', message: /is a primary/, hint: /--allow-on-master/ };
      await refused(session, 'plain', expected, { allowOnMaster: false });
    });

    test('privileges: the statements to run are in the hint', async () => {
      await runAll(session, [
        "CREATE USER poor@'127.0.0.1' IDENTIFIED BY 'x'",
        "GRANT SELECT ON r.* TO poor@'127.0.0.1'",
      ]);
      const facts = await probeServer(session);
      const question = {
        original: { schema: 'r', name: 'plain' },
        scratch: scratchOf({ schema: 'r', name: '_plain_ghc' }),
        facts,
        streams: true,
      };
      const before = await witness(session);
      const poor = { ...lab.primary, host: '127.0.0.1', user: 'poor', password: 'x' };
      const report = await withSession(poor, (its) => checkPrivileges(its, question));
      assert.throws(
        () => refusePrivileges(report),
        (thrown) =>
          isRefusal(thrown, {
            code: 'privileges',
            message: /poor@127\.0\.0\.1 lacks .*DROP/,
            hint: /GRANT DROP ON `r`\.\* TO 'poor'@'127\.0\.0\.1';/,
          }),
      );
      assert.equal(await witness(session), before);
    });

    test('probe-table: a stranger with the name of the probe or of its twin is left alone', async () => {
      const question = {
        original: { schema: 'r', name: 'plain' },
        scratch: scratchOf({ schema: 'r', name: '_plain_ghc' }),
        facts: await probeServer(session),
        streams: true,
      };
      for (const name of ['_plain_ghp', '_plain_ght']) {
        await session.execute(`CREATE TABLE r.${name} LIKE r.plain`);
        const before = await witness(session);
        await assert.rejects(checkPrivileges(session, question), { code: 'probe-table' });
        await assert.rejects(refuseLockedRename(session, question.scratch), { code: 'probe-table' });
        assert.equal(await witness(session), before);
        await session.execute(`DROP TABLE r.${name}`);
      }
    });

    test('row images: only where the key is not the primary key', async () => {
      const facts: ServerFacts = { ...(await probeServer(session)), binlogRowImage: 'MINIMAL' };
      refuseRowImage(facts, { name: 'PRIMARY', primary: true });
      assert.throws(
        () => refuseRowImage(facts, { name: 'u', primary: false }),
        (thrown) => isRefusal(thrown, { code: 'binlog-row-image', message: /MINIMAL.*key u/, hint: /FULL/ }),
      );
    });

    test('galera and groups with several primaries', async () => {
      const facts = await probeServer(session);
      assert.throws(
        () => refuseServer(alone({ ...facts, galera: true }), ALLOWED),
        (thrown) => isRefusal(thrown, { code: 'galera', message: /wsrep_on/, hint: /cluster/ }),
      );
      assert.throws(
        () => refuseServer(alone({ ...facts, multiPrimary: true }), ALLOWED),
        (thrown) =>
          isRefusal(thrown, { code: 'group-multi-primary', message: /several primaries/, hint: /single/ }),
      );
    });

    test('binlog-format, binlog-order and read-only, as the server is now', async () => {
      const set = async (name: string, value: string, back: string, expected: Expected): Promise<void> => {
        await session.execute(`SET GLOBAL ${name} = ${value}`);
        try {
          await refused(session, 'plain', expected);
        } finally {
          await session.execute(`SET GLOBAL ${name} = ${back}`);
        }
      };
      await set('binlog_format', "'STATEMENT'", "'ROW'", {
        code: 'binlog-format',
        message: /binlog_format=STATEMENT/,
        hint: /SET GLOBAL binlog_format=ROW/,
      });
      await set('read_only', '1', '0', { code: 'read-only', message: /read-only/, hint: /primary/ });
      if (flavor !== 'mysql') return;
      await set('binlog_order_commits', '0', '1', {
        code: 'binlog-order',
        message: /binlog_order_commits=OFF/,
        hint: /binlog_order_commits=ON/,
      });
    });

    test('binlog-off and read-only, on servers that are so', async (t) => {
      if (lab.primary.dataDir === '') return t.skip('needs servers of its own');
      const servers = await startLab({ flavor, fast: true, replicas: 1 });
      const silent = await startLab({ flavor, fast: true, gtid: false, options: { log_bin: false } });
      const on = async (server: LabServer, expected: Expected): Promise<void> => {
        const facts = await withSession(server, (its) => probeServer(its));
        assert.throws(
          () => refuseServer(alone(facts), ALLOWED),
          (thrown) => isRefusal(thrown, expected),
        );
      };
      try {
        await on(servers.replicas[0]!, {
          code: 'read-only',
          message: /it is not where writes go/,
          hint: /a replica of it/,
        });
        await on(silent.primary, { code: 'binlog-off', message: /log_bin=OFF/, hint: /--log-bin/ });
      } finally {
        await Promise.all([servers.stop(), silent.stop()]);
      }
    });
  });
}
