// What cannot be done safely is refused by name, before anything is touched: each refusal on a real server, with the
// binlog's end as the witness that nothing was written.
import { after, before, describe, test } from 'node:test';
import { ARTIFACT_MARK } from '../../src/mysql/inspector/inspection.ts';
import { probeServer } from '../../src/mysql/server.ts';
import type { Session } from '../../src/mysql/session.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { accepted, refused } from './refusals-lab.ts';
import { openSession, runAll } from './session-lab.ts';

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`refusals on ${flavor}`, () => {
    let lab: Lab;
    let session: Session;

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      session = await openSession(lab.primary);
      await session.execute('CREATE DATABASE r');
    });

    after(async () => {
      await session.close();
      await lab.stop();
    });

    test('an ordinary table is accepted, a partitioned one too', async () => {
      await runAll(session, [
        'CREATE TABLE r.plain (id INT PRIMARY KEY)',
        'CREATE TABLE r.parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2',
      ]);
      await accepted(session, 'plain');
      await accepted(session, 'parted');
    });

    test('not-found, in the exact spelling', async () => {
      await refused(session, 'nothing', {
        code: 'not-found',
        message: /`r`\.`nothing` cannot be found/,
        hint: /--table/,
      });
      await refused(session, 'p_ain', { code: 'not-found', message: /`p_ain`/, hint: /--table/ });
    });

    test('view', async () => {
      await session.execute('CREATE VIEW r.seen AS SELECT 1 AS one');
      await refused(session, 'seen', {
        code: 'view',
        message: /`r`\.`seen` is a view/,
        hint: /tables that it reads/,
      });
    });

    test('system-schema', async () => {
      await refused(
        session,
        'user',
        { code: 'system-schema', message: /server itself/, hint: /yours/ },
        {},
        'mysql',
      );
    });

    test('engine', async () => {
      await session.execute('CREATE TABLE r.old_style (id INT PRIMARY KEY) ENGINE=MyISAM');
      await refused(session, 'old_style', {
        code: 'engine',
        message: /`old_style` has the engine MyISAM/,
        hint: /ENGINE=InnoDB/,
      });
    });

    test('system-versioned and sequence (MariaDB)', { skip: flavor !== 'mariadb' }, async () => {
      await session.execute('CREATE TABLE r.versions (id INT PRIMARY KEY) WITH SYSTEM VERSIONING');
      await session.execute('CREATE SEQUENCE r.numbers');
      await refused(session, 'versions', {
        code: 'system-versioned',
        message: /history/,
        hint: /DROP SYSTEM VERSIONING/,
      });
      await refused(session, 'numbers', {
        code: 'sequence',
        message: /is a sequence/,
        hint: /ALTER SEQUENCE/,
      });
    });

    test('foreign-key-child: refused, or given up on request', async () => {
      await runAll(session, [
        'CREATE TABLE r.parent (a INT, b INT, PRIMARY KEY (a, b))',
        `CREATE TABLE r.child (id INT PRIMARY KEY, a INT, b INT,
           CONSTRAINT two FOREIGN KEY (a, b) REFERENCES r.parent (a, b))`,
      ]);
      const expected = {
        code: 'foreign-key-child',
        message: /`r`\.`child` has foreign keys: two \(`r`\.`child` to `r`\.`parent`[^,]*\)\./,
        hint: /--discard-foreign-keys/,
      };
      await refused(session, 'child', expected);
      await accepted(session, 'child', { discardForeignKeys: true });
      await accepted(session, 'child', { skipForeignKeyChecks: true });
    });

    test('foreign-key-parent: always, from other schemas too', async () => {
      await runAll(session, [
        'CREATE TABLE r.far_parent (id INT PRIMARY KEY)',
        'CREATE DATABASE other',
        'CREATE TABLE other.far (id INT PRIMARY KEY, p INT, CONSTRAINT far_key FOREIGN KEY (p) REFERENCES r.far_parent (id))',
      ]);
      const expected = {
        code: 'foreign-key-parent',
        message: /far_key \(`other`\.`far`/,
        hint: /create them again/,
      };
      await refused(session, 'far_parent', expected);
      await refused(session, 'far_parent', expected, { discardForeignKeys: true });
      await accepted(session, 'far_parent', { skipForeignKeyChecks: true });
    });

    test('foreign-key-cascade: where the server does not log what it cascades', async () => {
      await runAll(session, [
        'CREATE TABLE r.grand (id INT PRIMARY KEY)',
        `CREATE TABLE r.cascaded (id INT PRIMARY KEY, p INT,
           CONSTRAINT silent FOREIGN KEY (p) REFERENCES r.grand (id) ON DELETE CASCADE)`,
      ]);
      if ((await probeServer(session)).logsCascades) {
        await accepted(session, 'cascaded', { discardForeignKeys: true });
      } else {
        const expected = {
          code: 'foreign-key-cascade',
          message: /silent .*ON DELETE CASCADE/,
          hint: /RESTRICT/,
        };
        await refused(session, 'cascaded', expected, { discardForeignKeys: true });
      }
    });

    test('triggers, by name', async () => {
      await runAll(session, [
        'CREATE TABLE r.triggered (id INT PRIMARY KEY, v INT)',
        'CREATE TRIGGER r.`tr``one` BEFORE INSERT ON r.triggered FOR EACH ROW SET NEW.v = 1',
        'CREATE TRIGGER r.tr_two AFTER DELETE ON r.triggered FOR EACH ROW SET @x = 1',
      ]);
      await refused(session, 'triggered', {
        code: 'triggers',
        message: /tr`one \(BEFORE INSERT\), tr_two \(AFTER DELETE\)/,
        hint: /--include-triggers with --trigger-suffix; or drop them/,
      });
    });

    test('ghost-exists and old-exists name the options that drop them', async () => {
      await runAll(session, [
        'CREATE TABLE r.a (id INT PRIMARY KEY)',
        'CREATE TABLE r._a_gho (id INT PRIMARY KEY)',
        'CREATE TABLE r.b (id INT PRIMARY KEY)',
        'CREATE TABLE r._b_del (id INT PRIMARY KEY)',
      ]);
      await refused(session, 'a', {
        code: 'ghost-exists',
        message: /`_a_gho`/,
        hint: /--initially-drop-ghost-table/,
      });
      await accepted(session, 'a', { initiallyDropGhostTable: true });
      await refused(session, 'b', {
        code: 'old-exists',
        message: /`_b_del`/,
        hint: /--initially-drop-old-table/,
      });
      await accepted(session, 'b', { initiallyDropOldTable: true });
    });

    test('changelog-exists and checkpoint-exists: dropped only when they are ours', async () => {
      await runAll(session, [
        'CREATE TABLE r.c (id INT PRIMARY KEY)',
        'CREATE TABLE r._c_ghc (id INT PRIMARY KEY)',
        'CREATE TABLE r.d (id INT PRIMARY KEY)',
        'CREATE TABLE r._d_ghk (id INT PRIMARY KEY)',
      ]);
      await refused(session, 'c', {
        code: 'changelog-exists',
        message: /`_c_ghc`/,
        hint: /--force-table-names/,
      });
      await refused(session, 'd', {
        code: 'checkpoint-exists',
        message: /`_d_ghk`/,
        hint: /--force-table-names/,
      });
      await session.execute(`ALTER TABLE r._c_ghc COMMENT '${ARTIFACT_MARK}: changelog'`);
      await session.execute(`ALTER TABLE r._d_ghk COMMENT '${ARTIFACT_MARK}: checkpoint'`);
      await accepted(session, 'c');
      await accepted(session, 'd');
    });

    test('a view in the place of the ghost is never dropped', async () => {
      await session.execute('CREATE TABLE r.e (id INT PRIMARY KEY)');
      await session.execute('CREATE VIEW r._e_gho AS SELECT 1 AS one');
      const expected = { code: 'ghost-exists', message: /A view .*`_e_gho`/, hint: /Rename or drop/ };
      await refused(session, 'e', expected, { initiallyDropGhostTable: true });
    });

    test('xa-prepared: what was in the binlog before we read would be missed', async () => {
      await session.execute('CREATE TABLE r.xa (id INT PRIMARY KEY)');
      const xa = await openSession(lab.primary);
      await runAll(xa, [
        "XA START 'shop'",
        'INSERT INTO r.xa VALUES (1)',
        "XA END 'shop'",
        "XA PREPARE 'shop'",
      ]);
      xa.destroy();
      try {
        await refused(session, 'xa', { code: 'xa-prepared', message: /1:shop/, hint: /XA RECOVER/ });
        // Where the server shows whose table it is, others are not held up.
        if (flavor === 'mysql') await accepted(session, 'plain');
      } finally {
        await session.execute("XA ROLLBACK 'shop'");
      }
      await accepted(session, 'xa');
    });
  });
}
