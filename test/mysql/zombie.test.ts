// A statement whose connection is lost may still run on the server: it is seen to end before anything is done again. But only
// that connection may be ended: after a restart the server counts its connections from the beginning, and the number is another's.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { SessionPool } from '../../src/mysql/pool.ts';
import { dataProfile } from '../../src/mysql/profile.ts';
import type { Session } from '../../src/mysql/session.ts';
import { endStatement } from '../../src/mysql/zombie.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { openSession, optionsOf } from './session-lab.ts';

const forever = new AbortController().signal;

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`a lost connection on ${flavor}`, () => {
    let lab: Lab;
    let pool: SessionPool;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      const setup = { name: 'questions', size: 1, profile: dataProfile, clock: systemClock };
      pool = new SessionPool(optionsOf(lab.primary), setup);
    });
    after(async () => {
      await pool?.close();
      await lab?.stop();
    });

    const isThere = (session: Session): Promise<boolean> =>
      pool.use(async (asking) => {
        const sql = `SELECT id FROM information_schema.processlist WHERE id = ${session.threadId}`;
        return (await asking.query(sql)).length > 0;
      });

    test('is ended, with its statement', async () => {
      const lost = await openSession(lab.primary);
      const asleep = lost.query('SELECT SLEEP(100)', { kill: false });
      asleep.catch(() => undefined);
      await systemClock.sleep(50);
      lost.destroy('lost by the test');
      assert.ok(await isThere(lost), 'the server has noticed');
      await endStatement(pool, lost, systemClock, forever);
      assert.ok(!(await isThere(lost)));
    });

    /** Somebody else with the number of a session from before the restart. */
    const namesake = async (lost: Session): Promise<Session> => {
      await lab.primary.restart();
      let other = await openSession(lab.primary);
      for (let i = 0; other.threadId < lost.threadId && i < 300; i++) {
        await other.close();
        other = await openSession(lab.primary);
      }
      assert.equal(other.threadId, lost.threadId, 'the numbers do not begin anew');
      return other;
    };

    test('whose number is another one after a restart: that one lives on', async (t) => {
      if (lab.primary.dataDir === '') return t.skip('needs a server of its own');
      // Numbers that a server which has just been started has not given out yet.
      for (let i = 0; i < 40; i++) await (await openSession(lab.primary)).close();
      const lost = await openSession(lab.primary);
      lost.destroy('lost by the test');
      const other = await namesake(lost);
      await endStatement(pool, lost, systemClock, forever);
      assert.equal((await other.query('SELECT 1 AS one')).length, 1);
      await other.close();
    });

    // A statement that is given up is killed by its connection's number: it once was whoever had that number.
    test('whose statement is given up after a restart: the statement of its namesake goes on', async (t) => {
      if (lab.primary.dataDir === '') return t.skip('needs a server of its own');
      for (let i = 0; i < 40; i++) await (await openSession(lab.primary)).close();
      const proxy = await FaultProxy.start(lab.primary);
      t.after(() => proxy.stop());
      const lost = await openSession({ ...lab.primary, host: proxy.host, port: proxy.port });
      const given = new AbortController();
      const asleep = lost.query('SELECT SLEEP(100)', { signal: given.signal });
      asleep.catch(() => undefined);
      // Nobody tells it that its server is gone.
      for (const one of proxy.connections) one.freeze();
      const other = await namesake(lost);
      const working = other.query('SELECT SLEEP(100)', { kill: false });
      working.catch(() => undefined);
      given.abort(new Error('given up by the test'));
      await assert.rejects(asleep, /given up/);
      const [row] = await pool.use((asking) =>
        asking.query(`SELECT info AS info FROM information_schema.processlist WHERE id = ${other.threadId}`),
      );
      assert.match(String(row?.info), /SLEEP/);
      other.destroy('the test is over');
    });
  });
}
