// Whole rows under the comparison of a range: what one column holds must hide nothing that is in another, and rows
// that are wrong in a way that belongs together must not cancel out.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { compareColumns } from '../../src/core/comparison.ts';
import { ComparisonSql } from '../../src/core/comparison-sql.ts';
import { makeKeyCodec, renamedCodec } from '../../src/core/key-codec.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import { SqlVerifyStore } from '../../src/mysql/verify-store.ts';
import { runSql } from '../lab/lab.ts';
import { VerifierLab } from './verifier-lab.ts';

const signal = new AbortController().signal;

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`comparison of rows: ${flavor}`, () => {
    let lab: VerifierLab;

    before(async () => {
      lab = await VerifierLab.start(flavor);
    });
    after(() => lab?.stop());

    /** Two tables of these columns with the same rows. */
    async function twoOf(columns: string, rows: readonly string[]): Promise<SqlVerifyStore> {
      await runSql(lab.connection, 'DROP TABLE IF EXISTS t, g');
      await runSql(lab.connection, `CREATE TABLE t (id INT PRIMARY KEY, ${columns})`);
      await runSql(lab.connection, 'CREATE TABLE g LIKE t');
      for (const [i, row] of rows.entries())
        await runSql(lab.connection, `INSERT INTO t VALUES (${i + 1}, ${row})`);
      await runSql(lab.connection, 'INSERT INTO g SELECT * FROM t');
      return await lab.sessions.use(async (session) => {
        const t = await readTableDefinition(session, { schema: 'verify', name: 't' });
        assert.ok(t);
        const codec = makeKeyCodec([t.columns[0]!], { flavor, timestampZone: 'utc' });
        const sql = new ComparisonSql({
          ...{ original: t.ref, ghost: { schema: 'verify', name: 'g' }, probe: t.ref },
          columns: t.columns.map((column) => compareColumns(column, column)!),
          ...{ keyName: 'PRIMARY', ghostIndexName: 'PRIMARY', ghostRanges: true, codec },
          ghostCodec: renamedCodec(codec, [t.columns[0]!]),
        });
        return new SqlVerifyStore({ sql, codec, sessions: lab.sessions, canProbe: false });
      });
    }

    const isEqual = async (store: SqlVerifyStore): Promise<boolean> =>
      (await store.compareRange({ after: null, upTo: null }, [], signal)).equal;

    it('NULL in one column, whatever its type, hides no change of another', async () => {
      const types =
        'TINYINT,BIGINT UNSIGNED,DECIMAL(9,2),DOUBLE,VARCHAR(9),LONGTEXT,BLOB,DATETIME(6),TIMESTAMP NULL,JSON,BIT(9),YEAR,' +
        "POINT,ENUM('a')";
      const columns = [...types.split(/,(?!\d)/), "SET('a','b')"].map((type, i) => `c${i} ${type}`);
      const store = await twoOf(`other INT, ${columns.join()}`, [`7${', NULL'.repeat(columns.length)}`]);
      assert.ok(await isEqual(store));
      await runSql(lab.connection, 'UPDATE g SET other = 8');
      assert.equal(await isEqual(store), false);
    });

    it('rows that have swapped a value, in a number, a text or NULL', async () => {
      const rows = ["1, 'aa', NULL, 5", "2, 'bb', 3, NULL"];
      const store = await twoOf('a INT, b VARCHAR(9), c INT, d BIGINT', rows);
      assert.ok(await isEqual(store));
      for (const column of ['a', 'b', 'c', 'd']) {
        const swap = `UPDATE g SET ${column} = (SELECT ${column} FROM t WHERE t.id = 3 - g.id)`;
        await runSql(lab.connection, swap);
        assert.equal(await isEqual(store), false, column);
        await runSql(lab.connection, `UPDATE g SET ${column} = (SELECT ${column} FROM t WHERE t.id = g.id)`);
      }
      // Within the row: what moved from one column to its neighbour.
      await runSql(lab.connection, 'UPDATE g SET c = 5, d = NULL WHERE id = 1');
      assert.equal(await isEqual(store), false);
    });

    it('a text and a column that holds its CRC32, stale together', async () => {
      const store = await twoOf('url VARCHAR(99), crc INT UNSIGNED', ["'http://a', CRC32('http://a')"]);
      await runSql(lab.connection, "UPDATE g SET url = 'http://b', crc = CRC32('http://b')");
      assert.equal(await isEqual(store), false);
    });

    it('a table of 1,017 columns, by its last one too', async () => {
      const columns = Array.from({ length: 1016 }, (_, i) => `c${i} ${i % 2 ? 'BIGINT' : 'TINYINT'}`);
      const values = Array.from({ length: 1016 }, (_, i) => (i % 3 === 0 ? 'NULL' : String(-i)));
      await runSql(lab.connection, "SET SESSION sql_mode = ''");
      const store = await twoOf(columns.join(), [values.join()]);
      assert.ok(await isEqual(store));
      for (const [column, value] of [
        ['c1015', 'NULL'],
        ['c0', '0'],
        ['c500', '1'],
      ]) {
        await runSql(lab.connection, `UPDATE g SET ${column} = ${value}`);
        assert.equal(await isEqual(store), false, column);
        await runSql(lab.connection, `UPDATE g, t SET g.${column} = t.${column}`);
      }
    });
  });
}
