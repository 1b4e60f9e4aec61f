// The change stream on real servers: keys, marks, positions, and what a start at an earlier position brings again.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { follow, type Running, runStream, stopLeftovers, until } from './stream-lab.ts';

const A = { schema: 't', name: 'a' };

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  for (const gtid of ['on', 'off'] as const) {
    describe(`stream of ${flavor}, gtid ${gtid}`, () => {
      let lab: Lab;
      before(async () => {
        lab = await startLab({ flavor, fast: true });
      });
      after(() => lab.stop());
      afterEach(stopLeftovers);

      async function start(ddl: string, keyColumns?: string[]): Promise<Running> {
        return runStream(lab.primary, { gtid }, async (stream, sql) => {
          await runSql(sql, `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (${ddl})`);
          await follow(stream, lab.primary, A, keyColumns);
          return undefined;
        });
      }

      test('row changes become touches, marks come back, positions advance', async () => {
        const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY, v VARCHAR(20)');
        await runSql(sql, "INSERT INTO t.a VALUES (1,'x'),(2,NULL),(3,'z')");
        await runSql(sql, "UPDATE t.a SET v='y' WHERE id IN (1,2)");
        await runSql(sql, 'UPDATE t.a SET id=10 WHERE id=1; DELETE FROM t.a WHERE id=2');
        await marker.pass();
        assert.deepEqual(sink.touches, ['+1', '+2', '+3', '+1', '+2', '-1', '+10', '-2']);
        assert.deepEqual(sink.notices, []);
        assert.ok(sink.positions.length >= 5);
        await stop();
      });

      test('what the sink throws ends the run, as it is, without another attempt', async () => {
        const { sink, sql, stream, outcome } = await start('id INT PRIMARY KEY');
        const thrown = new Error('the sink has had enough');
        sink.onTouch = () => {
          throw thrown;
        };
        await runSql(sql, 'INSERT INTO t.a VALUES (1)');
        await until(() => outcome() !== 'running', 'the end');
        assert.equal(outcome(), thrown);
        assert.equal(stream.stats.reconnects, 0);
      });

      test('tagged GTIDs', { skip: flavor !== 'mysql' || gtid === 'off' }, async () => {
        const { sink, sql, marker, stop } = await start('id INT PRIMARY KEY');
        await runSql(
          sql,
          "SET gtid_next='AUTOMATIC:blue'; INSERT INTO t.a VALUES (1); INSERT INTO t.a VALUES (2)",
        );
        await runSql(sql, "SET gtid_next='AUTOMATIC'");
        await marker.pass();
        const position = String(sink.positions.at(-1));
        assert.match(position, /:blue:1-2/);
        await stop();
        const again = await runStream(lab.primary, { gtid }, async (stream) => {
          await follow(stream, lab.primary, A);
          return stream.parsePosition(position);
        });
        await runSql(again.sql, 'INSERT INTO t.a VALUES (3)');
        await again.marker.pass();
        assert.deepEqual(again.sink.touches, ['+3']);
        await again.stop();
      });

      test('a start at any position brings what came after it, whole', async () => {
        const first = await start('id INT PRIMARY KEY, v INT');
        const { sink, sql, marker, stop } = first;
        for (let i = 1; i <= 5; i++) await runSql(sql, `INSERT INTO t.a VALUES (${i},0),(${i + 100},0)`);
        await marker.pass();
        const positions = sink.positions.map(String);
        await stop();
        for (let i = 0; i < 5; i++) {
          const again = await runStream(lab.primary, { gtid }, async (stream) => {
            await follow(stream, lab.primary, A);
            return stream.parsePosition(positions[i]!);
          });
          await again.marker.pass();
          await again.stop();
          const expected = [1, 2, 3, 4, 5].slice(i + 1).flatMap((id) => [`+${id}`, `+${id + 100}`]);
          assert.deepEqual(again.sink.touches, expected, `from ${positions[i]}`);
        }
      });
    });
  }
}
