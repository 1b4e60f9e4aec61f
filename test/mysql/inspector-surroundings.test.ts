// Around a table: foreign keys of any schema, who holds it, what the server is, and what the account may do. What is
// overlooked here costs rows, or the application's time.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { artifactNames } from '../../src/core/names.ts';
import { quoteTable } from '../../src/core/quote.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import { readForeignKeys } from '../../src/mysql/inspector/foreign-keys.ts';
import { inspectOriginal } from '../../src/mysql/inspector/inspection.ts';
import { checkPrivileges } from '../../src/mysql/inspector/privileges.ts';
import { readTableLocks } from '../../src/mysql/inspector/table-locks.ts';
import { scratchOf } from '../../src/mysql/scratch.ts';
import { hasVariable, probeServer } from '../../src/mysql/server.ts';
import type { Session } from '../../src/mysql/session.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { openSession, runAll, withSession } from './session-lab.ts';

const SCHEMA = 'insp%_é';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`surroundings on ${flavor}`, () => {
    let lab: Lab;
    let session: Session;

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      session = await openSession(lab.primary);
      await session.execute(`CREATE DATABASE \`${SCHEMA}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
    });

    after(async () => {
      await session.close();
      await lab.stop();
    });

    async function create(name: string, body: string): Promise<void> {
      await session.execute(`CREATE TABLE ${quoteTable({ schema: SCHEMA, name })} ${body}`);
    }

    test('foreign keys: one a constraint, on both sides, across schemas', async () => {
      await create('parent', '(a INT, b INT, PRIMARY KEY (a, b))');
      await session.execute('CREATE DATABASE elsewhere');
      await session.execute(
        `CREATE TABLE elsewhere.\`ch\`\`ild é\` (id INT PRIMARY KEY, a INT, b INT, CONSTRAINT fk_é FOREIGN KEY (a, b)
           REFERENCES \`${SCHEMA}\`.parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL)`,
      );
      const facts = await probeServer(session);
      const look = (ref: { schema: string; name: string }) =>
        inspectOriginal(session, { ref, facts, artifacts: artifactNames(ref.name), clock: systemClock });
      const parent = await look({ schema: SCHEMA, name: 'parent' });
      const child = await look({ schema: 'elsewhere', name: 'ch`ild é' });
      const expected = {
        name: 'fk_é',
        child: { schema: 'elsewhere', name: 'ch`ild é' },
        parent: { schema: SCHEMA, name: 'parent' },
        columns: ['a', 'b'],
        parentColumns: ['a', 'b'],
        onDelete: 'CASCADE',
        onUpdate: 'SET NULL',
      };
      assert.deepEqual(parent.foreignKeys, { own: [], pointing: [expected], complete: true });
      assert.deepEqual(child.foreignKeys, { own: [expected], pointing: [], complete: true });
      // Without PROCESS only what the account has grants on is seen, and that is said.
      await session.execute("CREATE USER half@'127.0.0.1' IDENTIFIED BY 'x'");
      const half = { ...lab.primary, host: '127.0.0.1', user: 'half', password: 'x' };
      await session.execute("GRANT SELECT, INSERT ON elsewhere.* TO half@'127.0.0.1'");
      const seen = await withSession(half, (its) => readForeignKeys(its, { schema: SCHEMA, name: 'parent' }));
      assert.deepEqual(seen, { own: [], pointing: [expected], complete: false });
      await session.execute("REVOKE SELECT, INSERT ON elsewhere.* FROM half@'127.0.0.1'");
      const blind = await withSession(half, (its) =>
        readForeignKeys(its, { schema: SCHEMA, name: 'parent' }),
      );
      assert.deepEqual(blind, { own: [], pointing: [], complete: false });
    });

    test('who holds the table is seen, with the age of the transaction', async () => {
      await create('held', '(id INT PRIMARY KEY)');
      const ref = { schema: SCHEMA, name: 'held' };
      const facts = await probeServer(session);
      assert.equal(facts.lockSource, 'performance-schema');
      for (const source of ['performance-schema', 'none'] as const) {
        await withSession(lab.primary, async (holder) => {
          await holder
            .transaction(async () => {
              await holder.query(`SELECT * FROM ${quoteTable(ref)}`);
              await holder.execute(`INSERT INTO ${quoteTable(ref)} VALUES (1)`);
              const locks = await readTableLocks(session, ref, source);
              const mine = locks.filter((lock) => lock.threadId === holder.threadId);
              assert.ok(mine.length > 0, source);
              assert.ok(
                mine.every((lock) => lock.granted && lock.ageSeconds < 5 && lock.account.startsWith('root@')),
              );
              throw new Error('enough');
            })
            .catch(() => {});
        });
      }
    });

    test('a background thread of the server that holds a table (here the one that makes statistics) is not taken for a prepared XA transaction', {
      skip: flavor === 'mysql' ? false : 'MariaDB shows no locks of threads without a connection',
    }, async () => {
      const ref = { schema: SCHEMA, name: 'counted' };
      const table = quoteTable(ref);
      await session.execute(
        `CREATE TABLE ${table} (id INT AUTO_INCREMENT PRIMARY KEY, v INT, w INT, KEY (v), KEY (w)) STATS_SAMPLE_PAGES=10000`,
      );
      await session.execute(`INSERT INTO ${table} (v, w) VALUES (1, 1), (2, 2), (3, 3), (4, 4)`);
      for (let i = 0; i < 14; i += 1)
        await session.execute(`INSERT INTO ${table} (v, w) SELECT v + id, w + 2 * id FROM ${table}`);
      const sql = `SELECT COUNT(*) AS n FROM performance_schema.metadata_locks AS l
        JOIN performance_schema.threads AS t ON t.THREAD_ID = l.OWNER_THREAD_ID
        WHERE l.OBJECT_NAME = 'counted' AND t.TYPE = 'BACKGROUND'`;
      // It comes at most every ten seconds, and only so long can we wait for it.
      const untilMs = performance.now() + 15_000;
      for (let seen = 0; seen < 3 && performance.now() < untilMs; ) {
        seen += Number((await session.query(sql))[0]?.n);
        const locks = await readTableLocks(session, ref, 'performance-schema');
        assert.deepEqual(
          locks.filter(({ threadId }) => threadId === null),
          [],
        );
      }
    });

    test('the facts of the server', async () => {
      const facts = await probeServer(session);
      assert.equal(facts.flavor, flavor);
      assert.deepEqual(
        [
          facts.logBin,
          facts.binlogFormat,
          facts.binlogRowImage,
          facts.commitsOrdered,
          facts.readOnly,
          facts.galera,
        ],
        [true, 'ROW', 'FULL', true, false, false],
      );
      assert.deepEqual(facts.channels, []);
      assert.ok(facts.uuid.length > 10);
      assert.equal(facts.port, lab.primary.port);
      assert.equal(hasVariable(facts, 'binlog_order_commits'), flavor === 'mysql');
      assert.ok(facts.maxAllowedPacketBytes > 1e6);
      assert.equal(facts.gtid, true);
    });

    test('a replica is known for one', async () => {
      await lab.stop();
      lab = await startLab({ flavor, fast: true, replicas: 1 });
      await withSession(lab.replicas[0]!, async (onReplica) => {
        const facts = await probeServer(onReplica);
        assert.equal(facts.channels?.length, 1);
        assert.equal(facts.channels[0]?.sourcePort, lab.primary.port);
        assert.equal(facts.channels[0]?.applying, true);
      });
      session = await openSession(lab.primary);
      await session.execute(`CREATE DATABASE \`${SCHEMA}\``);
    });

    test('privileges are found by trying, through roles too, and the grants are printed', async () => {
      await create('granted', '(id INT PRIMARY KEY)');
      const original = { schema: SCHEMA, name: 'granted' };
      const question = {
        original,
        scratch: scratchOf({ schema: SCHEMA, name: '_granted_ghc' }),
        facts: await probeServer(session),
        streams: true,
      };
      const schema = `\`${SCHEMA.replaceAll(/[_%]/g, '\\$&')}\``;
      await runAll(session, [
        "CREATE USER nobody@'127.0.0.1' IDENTIFIED BY 'x'",
        "CREATE USER worker@'127.0.0.1' IDENTIFIED BY 'x'",
        'CREATE ROLE migrators',
        `GRANT CREATE, DROP, ALTER, SELECT, INSERT, UPDATE, DELETE, LOCK TABLES, TRIGGER ON ${schema}.* TO migrators`,
        `GRANT REPLICATION CLIENT, REPLICATION SLAVE, PROCESS ON *.* TO ${flavor === 'mysql' ? 'migrators' : "worker@'127.0.0.1'"}`,
        "GRANT migrators TO worker@'127.0.0.1'",
        flavor === 'mysql'
          ? "SET DEFAULT ROLE ALL TO worker@'127.0.0.1'"
          : "SET DEFAULT ROLE migrators FOR worker@'127.0.0.1'",
        `GRANT CREATE, DROP, SELECT ON ${schema}.* TO nobody@'127.0.0.1'`,
      ]);
      const as = (user: string) => ({ ...lab.primary, host: '127.0.0.1', user, password: 'x' });
      const worker = await withSession(as('worker'), (its) => checkPrivileges(its, question));
      assert.deepEqual(
        worker.missing.filter((m) => m.required),
        [],
      );
      const nobody = await withSession(as('nobody'), (its) => checkPrivileges(its, question));
      const lacking = nobody.missing.filter((m) => m.required).map((m) => m.privilege);
      for (const name of ['INSERT', 'UPDATE', 'DELETE', 'ALTER', 'LOCK TABLES', 'TRIGGER']) {
        assert.ok(lacking.includes(name), name);
      }
      assert.ok(!lacking.includes('CREATE') && !lacking.includes('SELECT'));
      // The statements that it prints are the ones that help.
      for (const missing of nobody.missing) await session.execute(missing.grantSql);
      const helped = await withSession(as('nobody'), (its) => checkPrivileges(its, question));
      assert.deepEqual(helped.missing, []);
      assert.equal(await readTableDefinition(session, question.scratch.probe), null);
    });
  });
}
