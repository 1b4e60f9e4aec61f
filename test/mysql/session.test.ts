// A session must never pretend: a statement without an answer may have committed, one that was killed has not.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { Bug } from '../../src/base/errors.ts';
import { analyze } from '../../src/mysql/artifacts.ts';
import { SessionPool } from '../../src/mysql/pool.ts';
import { dataProfile } from '../../src/mysql/profile.ts';
import { duplicateOf, ServerError } from '../../src/mysql/server-error.ts';
import { Session } from '../../src/mysql/session.ts';
import { SessionError } from '../../src/mysql/session-error.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { openSession, optionsOf, runAll, withSession } from './session-lab.ts';

/** The statement ran on the server, or waited there, for this long at least if nobody stopped it. */
const LONG_SECONDS = 20;
/** A statement that takes long, changes something, and tells the truth when it is killed. */
const SLOW_INSERT = `INSERT INTO s.t (id, v) SELECT 100, MAX(a.id + b.id + c.id + d.id + e.id) FROM s.n a, s.n b, s.n c, s.n d, s.n e`;

async function fails(work: Promise<unknown>): Promise<SessionError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SessionError, inspect(error));
  return error;
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`sessions on ${flavor}`, () => {
    let lab: Lab;

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      await withSession(lab.primary, async (session) => {
        await runAll(session, [
          'CREATE DATABASE IF NOT EXISTS s',
          'CREATE TABLE s.t (id INT PRIMARY KEY, v BIGINT, u INT UNIQUE)',
          'CREATE TABLE s.n (id INT PRIMARY KEY)',
          `INSERT INTO s.n (id) VALUES ${Array.from({ length: 200 }, (_, i) => `(${i})`).join(', ')}`,
        ]);
      });
    });

    after(async () => {
      await lab.stop();
    });

    async function running(like: string): Promise<number> {
      return withSession(lab.primary, async (session) => {
        const rows = await session.query(
          `SELECT ID AS id FROM information_schema.PROCESSLIST
            WHERE ID <> CONNECTION_ID() AND INFO LIKE '${like}%'`,
        );
        return rows.length;
      });
    }

    test('values come as the server wrote them, and the profile is in force', async () => {
      await withSession(lab.primary, async (session) => {
        const [row] = await session.query(
          `SELECT 18446744073709551615 AS big, 1.50 AS exact, CAST('2020-01-02 03:04:05.678' AS DATETIME(3)) AS at,
                  x'00ff' AS bytes, 7 AS small, 'a?b' AS question, CONNECTION_ID() AS id,
                  @@session.sql_mode AS mode, @@session.time_zone AS zone, @@session.collation_connection AS coll,
                  @@session.innodb_lock_wait_timeout AS row_wait, @@session.lock_wait_timeout AS wait`,
        );
        assert.equal(row?.big, '18446744073709551615');
        assert.equal(row.exact, '1.50');
        assert.equal(row.at, '2020-01-02 03:04:05.678');
        assert.deepEqual(row.bytes, Buffer.from([0, 255]));
        assert.equal(row.question, 'a?b');
        assert.equal(Number(row.id), session.threadId);
        assert.match(String(row.mode), /STRICT_ALL_TABLES/);
        assert.match(String(row.mode), /ALLOW_INVALID_DATES/);
        assert.equal(row.zone, '+00:00');
        assert.equal(row.coll, 'utf8mb4_bin');
        assert.equal(Number(row.row_wait), 3);
        const levels = await session.query(
          "SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')",
        );
        assert.deepEqual([...new Set(levels.map((level) => level.Value))], ['READ-COMMITTED']);
      });
    });

    test('a timeout kills the statement on the server, and knows that nothing was committed', async () => {
      const session = await openSession(lab.primary);
      const startedMs = performance.now();
      const error = await fails(session.execute(SLOW_INSERT, { timeoutMs: 200 }));
      assert.equal(error.code, 'timeout');
      assert.equal(error.mayHaveCommitted, false);
      assert.match(error.message, /Session test timed out.*INSERT INTO s\.t/);
      assert.ok(performance.now() - startedMs < 3500);
      assert.equal(await running('INSERT INTO s.t'), 0);
      assert.equal(session.usable, false);
      const next = await fails(session.query('SELECT 1'));
      assert.equal(next.code, 'connection-lost');
      assert.equal(next.mayHaveCommitted, false);
    });

    test('an abort ends the wait, with the reason as the cause', async () => {
      const session = await openSession(lab.primary);
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('enough')), 100);
      const error = await fails(
        session.query(`SELECT SLEEP(${LONG_SECONDS})`, { signal: controller.signal }),
      );
      assert.equal(error.code, 'aborted');
      assert.equal((error.cause as Error).message, 'enough');
      assert.equal(await running('SELECT SLEEP'), 0);
    });

    test('a signal that has aborted before costs no session', async () => {
      await withSession(lab.primary, async (session) => {
        const error = await fails(session.execute('DELETE FROM s.t', { signal: AbortSignal.abort() }));
        assert.equal(error.mayHaveCommitted, false);
        assert.equal(session.usable, true);
      });
    });

    test('a killed connection: the statement may have committed, unless it was in a transaction', async () => {
      const kill = async (session: Session, work: Promise<unknown>): Promise<unknown> => {
        const failed = work.catch((error: unknown) => error);
        await systemClock.sleep(150);
        await withSession(lab.primary, (other) => other.execute(`KILL ${session.threadId}`));
        return failed;
      };
      const alone = await openSession(lab.primary);
      const first = await kill(alone, alone.execute(SLOW_INSERT));
      // MySQL says that it has interrupted the statement, MariaDB closes: both are honest.
      if (first instanceof ServerError) assert.equal(first.kind, 'killed');
      else assert.equal((first as SessionError).mayHaveCommitted, true);
      const within = await openSession(lab.primary);
      const second = await kill(
        within,
        within.transaction(() => within.execute(SLOW_INSERT)),
      );
      if (second instanceof ServerError) assert.equal(second.kind, 'killed');
      else assert.equal((second as SessionError).mayHaveCommitted, false);
      await systemClock.sleep(50);
      assert.equal(within.usable, false);
    });

    test('KILL QUERY is an error of the server, and the session lives on', async () => {
      await withSession(lab.primary, async (session) => {
        const failed = session.execute(SLOW_INSERT).catch((error: unknown) => error);
        await systemClock.sleep(150);
        await withSession(lab.primary, (other) => other.execute(`KILL QUERY ${session.threadId}`));
        const error = await failed;
        assert.ok(error instanceof ServerError);
        assert.equal(error.kind, 'killed');
        assert.equal(Number((await session.query('SELECT 1 AS one'))[0]?.one), 1);
      });
    });

    test('destroying a session ends the wait at once', async () => {
      const session = await openSession(lab.primary);
      setTimeout(() => session.destroy(), 50);
      const error = await fails(session.query('SELECT SLEEP(1)'));
      assert.equal(error.code, 'connection-lost');
      assert.match(error.message, /destroyed by us/);
    });

    test('two statements at once are a defect', async () => {
      await withSession(lab.primary, async (session) => {
        const slow = session.query('SELECT SLEEP(0.2)');
        await assert.rejects(session.query('SELECT 1'), Bug);
        await slow;
      });
    });

    test('a transaction commits or rolls back, and a snapshot does not move', async () => {
      await withSession(lab.primary, async (session) => {
        await session.execute('DELETE FROM s.t');
        await session.transaction(() => session.execute('INSERT INTO s.t (id, v) VALUES (1, 1)'));
        const failing = session.transaction(async () => {
          await session.execute('INSERT INTO s.t (id, v) VALUES (2, 2)');
          throw new Error('no');
        });
        await assert.rejects(failing, /no/);
        const counts = await session.transaction(
          async () => {
            const first = await session.query('SELECT COUNT(*) AS n FROM s.t');
            await withSession(lab.primary, (other) => other.execute('INSERT INTO s.t (id) VALUES (3)'));
            const second = await session.query('SELECT COUNT(*) AS n FROM s.t');
            return [first[0]?.n, second[0]?.n];
          },
          { snapshot: true },
        );
        assert.deepEqual(counts, ['1', '1']);
        assert.equal((await session.query('SELECT COUNT(*) AS n FROM s.t'))[0]?.n, '2');
      });
    });

    test('a duplicate names its key, with or without the table in front', async () => {
      await withSession(lab.primary, async (session) => {
        await session.execute('DELETE FROM s.t');
        await session.execute('INSERT INTO s.t (id, u) VALUES (1, 5)');
        const error = await session
          .execute('INSERT INTO s.t (id, u) VALUES (2, 5)')
          .catch((thrown: unknown) => thrown);
        assert.deepEqual(duplicateOf(error, 't'), { entry: '5', key: 'u' });
        assert.match((error as Error).message, /INSERT INTO s\.t/);
      });
    });

    test('a wrong password and a closed port are told apart, and no password is printed', async () => {
      const options = optionsOf(lab.primary).with({ password: 'geheim' });
      const setup = { profile: dataProfile, clock: systemClock, name: 'test' };
      const denied = await Session.open(options, setup).catch((error: unknown) => error);
      assert.ok(denied instanceof ServerError);
      assert.equal(denied.kind, 'privilege');
      const nobody = await fails(Session.open(options.with({ port: 1 }), setup));
      assert.equal(nobody.code, 'connect-failed');
      for (const thing of [denied, nobody, options]) {
        assert.doesNotMatch(inspect(thing) + JSON.stringify(thing) + String(thing), /geheim/);
      }
    });

    test('a pool opens lost sessions again, hands them out one by one, and closes in time', async () => {
      const pool = new SessionPool(optionsOf(lab.primary), {
        profile: dataProfile,
        clock: systemClock,
        name: 'pool',
        size: 2,
      });
      let busy = 0;
      let most = 0;
      const use = (): Promise<number> =>
        pool.use(async (session) => {
          most = Math.max(most, ++busy);
          await session.query('SELECT SLEEP(0.02)');
          busy--;
          return session.threadId;
        });
      const ids = await Promise.all([use(), use(), use(), use()]);
      assert.equal(most, 2);
      assert.equal(new Set(ids).size, 2);
      await withSession(lab.primary, async (other) => {
        for (const id of pool.threadIds) await other.execute(`KILL ${id}`);
      });
      await systemClock.sleep(100);
      const again = await Promise.all([use(), use()]);
      assert.equal(again.filter((id) => ids.includes(id)).length, 0);
      await pool.close();
      await assert.rejects(use(), /have been closed/);
    });

    test('HAZARDS 72: ANALYZE tells its failure in its result set, and it is read', async () => {
      await withSession(lab.primary, async (session) => {
        assert.equal(await analyze(session, { schema: 's', name: 't' }), null);
        assert.match(
          (await analyze(session, { schema: 's', name: 'gone' })) ?? '',
          /s\.gone.* doesn't exist/,
        );
      });
    });

    test('a frozen server does not hold up timeouts or closing', async (t) => {
      if (lab.primary.dataDir === '') return t.skip('needs a server of its own');
      const session = await openSession(lab.primary);
      const idle = await openSession(lab.primary);
      lab.primary.pause();
      try {
        const startedMs = performance.now();
        const error = await fails(session.execute('INSERT INTO s.t (id) VALUES (77)', { timeoutMs: 100 }));
        assert.equal(error.code, 'timeout');
        assert.equal(error.mayHaveCommitted, true);
        await idle.close();
        assert.ok(performance.now() - startedMs < 6000);
      } finally {
        lab.primary.resume();
      }
    });
  });
}
