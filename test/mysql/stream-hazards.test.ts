// What the binlog may look like when sessions, administrators or the server's options make it unusual.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { follow, type Running, runStream, stopLeftovers } from './stream-lab.ts';

const A = { schema: 't', name: 'a' };

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`stream hazards of ${flavor}`, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
    });
    after(() => lab.stop());
    afterEach(stopLeftovers);
    const isMysql = flavor === 'mysql';

    async function start(ddl: string, keyColumns?: string[]): Promise<Running> {
      return runStream(lab.primary, {}, async (stream, sql) => {
        await runSql(sql, `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (${ddl})`);
        await follow(stream, lab.primary, A, keyColumns);
        return undefined;
      });
    }

    /** A session of its own with settings, so that `sql` stays plain. */
    async function session(settings: string): Promise<Connection> {
      const connection = await lab.primary.connect({ multipleStatements: true });
      await runSql(connection, settings);
      return connection;
    }

    for (const image of ['MINIMAL', 'NOBLOB', 'FULL']) {
      test(`row image ${image}: the primary key is there, whatever else is not`, async () => {
        const { sink, marker, stop } = await start(
          'a INT, v INT, b INT, w VARCHAR(9), t TEXT, PRIMARY KEY (b, a)',
          ['a', 'b'],
        );
        const other = await session(`SET SESSION binlog_row_image='${image}'`);
        await runSql(other, "INSERT INTO t.a VALUES (1,0,2,NULL,'x'),(3,NULL,4,'w',NULL)");
        await runSql(other, "UPDATE t.a SET v=9,t='y' WHERE a=1; UPDATE t.a SET b=5 WHERE a=1");
        await runSql(other, 'UPDATE t.a SET a=6 WHERE a=3; DELETE FROM t.a');
        await other.end();
        await marker.pass();
        const key = (a: number, b: number): string => `8000000${a}8000000${b}`;
        const expected = [
          ...[`+${key(1, 2)}`, `+${key(3, 4)}`, `+${key(1, 2)}`, `-${key(1, 2)}`, `+${key(1, 5)}`],
          ...[`-${key(3, 4)}`, `+${key(6, 4)}`],
        ];
        assert.deepEqual(sink.touches.slice(0, 7), expected);
        assert.deepEqual(sink.touches.slice(7).sort(), [`-${key(1, 5)}`, `-${key(6, 4)}`]);
        assert.deepEqual(sink.notices, []);
        await stop();
      });
    }

    test('MINIMAL with another key than the primary: the notice comes, nothing is guessed', async () => {
      const { sink, marker, stop } = await start('id INT PRIMARY KEY, u INT NOT NULL, v INT, UNIQUE (u)', [
        'u',
      ]);
      const other = await session("SET SESSION binlog_row_image='MINIMAL'");
      await runSql(other, 'INSERT INTO t.a VALUES (1,7,0); UPDATE t.a SET v=1 WHERE id=1');
      await other.end();
      await marker.pass();
      assert.deepEqual(sink.touches, ['+7']);
      assert.deepEqual(sink.notices, [{ kind: 'key-absent', table: A }]);
      await stop();
    });

    test('MINIMAL with a default in the key: the absent part is told', async () => {
      const { sink, marker, stop } = await start('id INT DEFAULT 5 PRIMARY KEY, v INT');
      const other = await session("SET SESSION binlog_row_image='MINIMAL'");
      await runSql(other, 'INSERT INTO t.a (v) VALUES (1); INSERT INTO t.a (id) VALUES (8)');
      await runSql(other, 'DELETE FROM t.a; INSERT INTO t.a () VALUES ()');
      await other.end();
      await marker.pass();
      const told = sink.notices.filter((notice) => notice.kind === 'key-absent').length;
      const touched = sink.touches.filter((touch) => touch === '+5').length;
      assert.ok(told > 0 || touched === 2, JSON.stringify([sink.touches, sink.notices]));
      assert.ok(sink.touches.includes('+8'));
      await stop();
    });

    test('compressed transactions and events', async () => {
      const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY, v TEXT');
      if (!isMysql) await runSql(sql, 'SET GLOBAL log_bin_compress=ON, GLOBAL log_bin_compress_min_len=10');
      const other = await session(isMysql ? 'SET SESSION binlog_transaction_compression=ON' : 'DO 1');
      for (let i = 0; i < 10; i++) {
        await runSql(
          other,
          `BEGIN; INSERT INTO t.a SELECT 1000*${i}+seq, REPEAT('x', 2000) FROM (WITH RECURSIVE s(seq) AS
            (SELECT 1 UNION ALL SELECT seq+1 FROM s WHERE seq<500) SELECT seq FROM s) q;
            UPDATE t.a SET v=CONCAT(v,'y') WHERE id<1000*${i}+10 AND id>1000*${i}; DELETE FROM t.a WHERE id=1000*${i}+1; COMMIT`,
        );
      }
      await runSql(
        other,
        'CREATE TABLE IF NOT EXISTS t.somebody_elses_table_with_a_long_name (id INT PRIMARY KEY)',
      );
      await runSql(
        other,
        'ALTER TABLE t.a COMMENT "a comment that is long enough to be compressed, and then some"',
      );
      await other.end();
      await marker.pass();
      if (!isMysql) await runSql(sql, 'SET GLOBAL log_bin_compress=OFF');
      assert.equal(sink.touches.filter((touch) => touch.startsWith('+')).length, 10 * (500 + 9));
      assert.equal(sink.touches.filter((touch) => touch.startsWith('-')).length, 10);
      assert.equal(sink.notices.filter((notice) => notice.kind === 'ddl').length, 1);
      await stop();
    });

    test('checksums switched off and on while we read: the last bytes of small rows survive', async () => {
      const { sink, sql, marker, stop } = await start('id TINYINT PRIMARY KEY');
      const expected: string[] = [];
      let id = 0;
      for (const algorithm of ['NONE', 'CRC32', 'NONE', 'CRC32']) {
        await runSql(sql, `SET GLOBAL binlog_checksum=${algorithm}`);
        for (let i = 0; i < 3; i++) {
          await runSql(sql, `INSERT INTO t.a VALUES (${++id})`);
          expected.push(`+${id}`);
        }
        await marker.pass();
      }
      assert.deepEqual(sink.touches, expected);
      await stop();
    });

    test('a start where the server writes no checksums, and they are switched on later', async () => {
      const admin = await session('SET GLOBAL binlog_checksum=NONE');
      const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY');
      await runSql(
        sql,
        'INSERT INTO t.a VALUES (1); SET GLOBAL binlog_checksum=CRC32; INSERT INTO t.a VALUES (2)',
      );
      await marker.pass();
      assert.deepEqual(sink.touches, ['+1', '+2']);
      await stop();
      await admin.end();
    });

    test('partial JSON updates', { skip: !isMysql }, async () => {
      const { sink, sql, marker, stop } = await start('j JSON, id INT PRIMARY KEY, k JSON, v INT, l JSON');
      const big = `JSON_OBJECT('a', REPEAT('x', 500), 'b', 1, 'c', 2)`;
      for (const image of ['FULL', 'MINIMAL', 'NOBLOB']) {
        const other = await session(
          `SET SESSION binlog_row_value_options=PARTIAL_JSON, SESSION binlog_row_image=${image}`,
        );
        await runSql(sql, 'TRUNCATE t.a');
        await runSql(other, `REPLACE INTO t.a VALUES (${big},1,${big},0,NULL),(${big},2,NULL,0,${big})`);
        await runSql(other, "UPDATE t.a SET j=JSON_SET(j,'$.b',2), k=JSON_SET(k,'$.c',3), v=v+1");
        await runSql(other, "UPDATE t.a SET l=JSON_SET(l,'$.b',9), id=id+10; UPDATE t.a SET v=7");
        await other.end();
      }
      await marker.pass();
      const updates = sink.touches.filter((touch) => touch.startsWith('-') || /^\+1[12]$/.test(touch));
      assert.equal(updates.join(), '-1,+11,-2,+12,+11,+12,'.repeat(3).slice(0, -1));
      assert.ok(sink.notices.every((notice) => notice.kind === 'ddl'));
      await stop();
    });

    test('XA: touches come with XA COMMIT, never with XA ROLLBACK, and hold the position back', async () => {
      const { sink, sql, marker, stream, stop } = await start('id INT PRIMARY KEY, v INT');
      await runSql(sql, 'INSERT INTO t.a VALUES (1,0)');
      await marker.pass();
      for (const [xid, id] of [
        ['x1', 100],
        ['x2', 200],
      ]) {
        // A session of its own: the prepared transaction outlives it.
        const xa = await session(`XA START '${xid}','b'`);
        await runSql(
          xa,
          `INSERT INTO t.a VALUES (${id},0),(${Number(id) + 1},0); UPDATE t.a SET v=1 WHERE id=${id}`,
        );
        await runSql(xa, `XA END '${xid}','b'; XA PREPARE '${xid}','b'`);
        xa.destroy();
      }
      await marker.pass();
      assert.deepEqual(sink.touches, ['+1']);
      assert.deepEqual(await stream.preparedAtStart(), []);
      const held = String(sink.positions.at(-1));
      await runSql(sql, 'INSERT INTO t.a VALUES (2,0)');
      await marker.pass();
      assert.equal(String(sink.positions.at(-1)), held, 'position stays before the oldest PREPARE');
      await retry(() => runSql(sql, "XA COMMIT 'x1','b'"));
      await retry(() => runSql(sql, "XA ROLLBACK 'x2','b'"));
      await marker.pass();
      assert.deepEqual(sink.touches, ['+1', '+2', '+100', '+101']);
      assert.notEqual(String(sink.positions.at(-1)), held);
      const xa = await session("XA START 'x3'");
      await runSql(xa, "INSERT INTO t.a VALUES (300,0); XA END 'x3'; XA COMMIT 'x3' ONE PHASE");
      await xa.end();
      await marker.pass();
      assert.deepEqual(sink.touches.slice(4), ['+300']);
      assert.deepEqual(sink.notices, []);
      await stop();
    });

    test('XA COMMIT of what was prepared before the start is told', async () => {
      const xa = await session(
        // Not in `t`: a prepared transaction keeps its schema locked.
        'CREATE DATABASE x; CREATE TABLE x.b (id INT PRIMARY KEY)',
      );
      await runSql(xa, "XA START 'old'; INSERT INTO x.b VALUES (1); XA END 'old'; XA PREPARE 'old'");
      xa.destroy();
      const { sink, sql, marker, stream, stop } = await start('id INT PRIMARY KEY, v INT');
      const prepared = await stream.preparedAtStart();
      assert.deepEqual(prepared, ["X'6f6c64',X'',1"]);
      await retry(() => runSql(sql, "XA COMMIT 'old'"));
      await marker.pass();
      assert.equal(sink.notices.length, 1);
      assert.match(JSON.stringify(sink.notices[0]), /statement.*XA COMMIT/);
      await stop();
    });

    test('DDL of watched tables is told in its place, that of others is not', async () => {
      const { sink, sql, marker, stream, stop } = await start('id INT PRIMARY KEY, v INT');
      stream.watch([{ schema: 't', name: 'watched' }]);
      await runSql(
        sql,
        'USE t; CREATE TABLE watched (id INT PRIMARY KEY); CREATE TABLE other (a INT, watched INT)',
      );
      await runSql(
        sql,
        'ALTER TABLE other ADD COLUMN x INT; CREATE VIEW vw AS SELECT * FROM a; DROP VIEW vw',
      );
      await runSql(
        sql,
        'INSERT INTO a VALUES (1,1); ALTER /* c */ TABLE /*!50000 `t` */ . `a` ADD INDEX (v)',
      );
      await runSql(sql, 'CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW DO 1; DROP TRIGGER tr');
      await runSql(sql, 'RENAME TABLE other TO other2, watched TO watched2; DROP TABLE other2, watched2');
      await runSql(sql, 'TRUNCATE a; CREATE DATABASE elsewhere; DROP DATABASE elsewhere');
      await runSql(
        sql,
        'CREATE TABLE copy AS SELECT * FROM a; DROP TABLE copy; CREATE TABLE copy LIKE a; DROP TABLE copy',
      );
      await marker.pass();
      const told = sink.notices.map((notice) =>
        'sql' in notice ? notice.sql.replace(/\s+/g, ' ') : notice.kind,
      );
      assert.deepEqual(
        told.map((text) =>
          text
            .replace(/DEFINER=\S+ /, '')
            .split(/[ (]/)
            .slice(0, 2)
            .join(' '),
        ),
        ['CREATE TABLE', 'ALTER /*', 'CREATE TRIGGER', 'RENAME TABLE', 'TRUNCATE a'],
        told.join('\n'),
      );
      assert.ok(sink.notices.every((notice) => notice.kind === 'ddl' && notice.threadId > 0));
      assert.deepEqual(sink.touches, ['+1']);
      await stop();
    });

    test('statements instead of rows are told', async () => {
      const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY, v INT');
      await runSql(sql, 'CREATE TABLE IF NOT EXISTS t.free (id INT)');
      const other = await session(
        "SET SESSION binlog_format='STATEMENT', SESSION transaction_isolation='REPEATABLE-READ'".replace(
          'transaction_isolation',
          isMysql ? 'transaction_isolation' : 'tx_isolation',
        ),
      );
      await runSql(
        other,
        'INSERT INTO t.free VALUES (1); INSERT INTO t.a VALUES (1,1); UPDATE t.a SET v=2 -- x\n',
      );
      await runSql(other, 'CREATE TEMPORARY TABLE t.tmp (id INT); DROP TEMPORARY TABLE t.tmp');
      await other.end();
      await marker.pass();
      assert.deepEqual(
        sink.notices.map((notice) => notice.kind),
        ['statement', 'statement'],
        JSON.stringify(sink.notices),
      );
      assert.deepEqual(sink.touches, []);
      await stop();
    });

    test('a definition that is not the captured one is told once, and its rows are left alone', async () => {
      const { sink, sql, marker, stream, stop } = await start('id INT PRIMARY KEY, v INT');
      await runSql(
        sql,
        'ALTER TABLE t.a ADD COLUMN first BIGINT FIRST; INSERT INTO t.a VALUES (9,1,1),(9,2,2)',
      );
      await runSql(sql, 'INSERT INTO t.a VALUES (9,3,3)');
      await marker.pass();
      assert.deepEqual(sink.touches, []);
      assert.deepEqual(
        sink.notices.map((notice) => notice.kind),
        ['ddl', 'definition-changed'],
      );
      await follow(stream, lab.primary, A);
      await runSql(sql, 'INSERT INTO t.a VALUES (9,4,4)');
      await marker.pass();
      assert.deepEqual(sink.touches, ['+4']);
      await stop();
    });

    test('savepoints, rollbacks and CREATE .. SELECT do not end transactions early', async () => {
      const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY, v INT');
      await marker.pass();
      const before = sink.positions.length;
      await runSql(
        sql,
        `BEGIN; INSERT INTO t.a VALUES (1,1); SAVEPOINT s; INSERT INTO t.a VALUES (2,2); ROLLBACK TO s;
         INSERT INTO t.a VALUES (3,3); SAVEPOINT s2; RELEASE SAVEPOINT s2; COMMIT`,
      );
      await marker.pass();
      assert.equal(sink.positions.length - before, 2);
      assert.deepEqual(
        sink.touches.filter((touch) => touch !== '+2'),
        ['+1', '+3'],
      );
      await stop();
    });
  });
}

/** An XA transaction whose session has just gone may still be attached to it. */
async function retry(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
