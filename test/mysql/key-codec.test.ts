// Each type that a server allows in a key, on the real server: the key that a row image gives is the key that a SELECT
// gives, its literals find just that row by the index, and keys sort as the server sorts (I4, HAZARDS 19-22, 57, 60, 110).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { Key } from '../../src/core/key.ts';
import { makeKeyCodec, type OrderedKeyCodec, renamedCodec } from '../../src/core/key-codec.ts';
import { classifySql, keyEquals, keyInList, rangeCondition } from '../../src/core/key-range.ts';
import { type Flavor, type Lab, type Row, runSql, startLab } from '../lab/lab.ts';
import { type KeyCase, keyCases } from './key-cases.ts';
import { accessOf, connectAsOurs, definitionOf, keysInBinlog } from './key-table.ts';

/** The key's columns around the column `k` that is being tested. */
const forms = {
  single: 'PRIMARY KEY (k)',
  leading: 'PRIMARY KEY (k, n)',
  trailing: 'PRIMARY KEY (n, k)',
  descending: 'PRIMARY KEY (k DESC, n DESC)',
};
type Form = keyof typeof forms;

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`key codec on ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await connectAsOurs(lab.primary);
    });
    after(async () => {
      await db?.end();
      await lab?.stop();
    });

    for (const one of keyCases.filter((each) => (each.only ?? flavor) === flavor)) {
      for (const form of Object.keys(forms) as Form[]) {
        test(`${one.type.slice(0, 80)}, ${form}`, async () => {
          const rows = await fill(db, one, form);
          const codec = await codecOf(db, one, flavor);
          assert.equal(codec.comparable, one.comparable ?? true);
          const ordered = await readKeys(db, codec);
          assert.equal(ordered.length, rows);
          assert.equal(new Set(ordered.map(({ key }) => key)).size, rows, 'keys are unique');
          const byN = [...ordered].sort((a, b) => a.n - b.n).map(({ key }) => key);
          const images = await keysInBinlog(db, await definitionOf(db, 'c'), codec);
          assert.deepEqual(images, byN, 'row images give the keys that a SELECT gives');
          if (codec.comparable) checkOrder(ordered, codec);
          await checkLookups(db, codec, ordered);
          await checkRanges(db, codec, ordered, one, form);
          await checkAccess(one, form, codec, ordered);
        });
      }
    }

    test('keys of several columns: lists of any length and ranges use the whole index', async () => {
      await runSql(db, 'DROP TABLE IF EXISTS c');
      await runSql(
        db,
        `CREATE TABLE c (v VARCHAR(20) CHARACTER SET gbk NOT NULL, e ENUM('x','y','z') NOT NULL,
           b BIGINT UNSIGNED NOT NULL, n INT NOT NULL, j INT, PRIMARY KEY (b, e, v, n))`,
      );
      const rows = Array.from({ length: 3000 }, (_, i) => {
        const b = (i % 2 === 0 ? 0n : 1n << 63n) + BigInt(i % 7);
        return `(_gbk x'b0a1', ${1 + (i % 3)}, ${b}, ${i}, 0)`;
      });
      await runSql(db, `INSERT INTO c VALUES ${rows.join(', ')}`);
      await runSql(db, 'ANALYZE TABLE c');
      const codec = await codecOf(db, { type: '', values: [] }, flavor);
      const keys = await readKeys(db, codec);
      const some = keys.filter((_, i) => i % 5 === 0).map(({ key }) => key);
      for (const verb of [
        'SELECT * FROM c FORCE INDEX (PRIMARY)',
        'DELETE FROM c',
        'REPLACE INTO d SELECT * FROM c',
      ]) {
        await runSql(db, 'CREATE TABLE IF NOT EXISTS d LIKE c');
        // Of more keys the optimizer may rightly read the whole of so small a table, where it is not forced.
        for (const count of verb.startsWith('SELECT') ? [1, 200, 600] : [1, 200]) {
          const where = keyInList(codec, some.slice(0, count));
          const plan = await accessOf(db, lab.primary, `${verb} WHERE ${where}`);
          // MySQL shows the written table of REPLACE first.
          if (plan.table !== 'c') continue;
          assert.match(String(plan.type), /^(range|const)$/, `${verb}, ${count} keys`);
          assert.equal(
            String(plan.key_len),
            count === 1 && plan.type === 'const' ? String(plan.key_len) : '55',
          );
        }
      }
      assert.equal((await numbers(db, keyInList(codec, some))).length, some.length);
      for (const [from, to] of [
        [10, 20],
        [400, 440],
        [1000, 2900],
      ] as const) {
        const where = rangeCondition(codec, { after: keys[from]!.key, upTo: keys[to]!.key });
        assert.equal((await numbers(db, where)).length, to - from);
        const plan = await accessOf(db, lab.primary, `SELECT j FROM c WHERE ${where}`);
        assert.equal(plan.type, 'range');
        assert.ok(Number(plan.rows) <= (to - from) * 1.5 + 10, `${plan.rows} rows read for ${to - from}`);
      }
      await runSql(db, 'DROP TABLE d');
    });

    test('a lookup by the literals of another character set finds the row of the ghost by its index', async () => {
      await runSql(db, 'DROP TABLE IF EXISTS c, g');
      await runSql(db, 'CREATE TABLE c (v VARCHAR(20) CHARACTER SET gbk PRIMARY KEY, n INT)');
      await runSql(db, 'CREATE TABLE g (w CHAR(40) CHARACTER SET utf8mb4 PRIMARY KEY, n INT)');
      await runSql(db, "INSERT INTO c VALUES (_gbk x'b0a1', 1), (_gbk x'b0a2', 2), (_gbk x'61', 3)");
      await runSql(db, 'INSERT INTO g SELECT * FROM c');
      const codec = await codecOf(db, { type: '', values: [] }, flavor);
      const { columns } = await definitionOf(db, 'g');
      const ghost = renamedCodec(codec, columns.slice(0, 1));
      for (const { n, key } of await readKeys(db, codec)) {
        const where = keyInList(ghost, [key]);
        assert.deepEqual(
          (await runSql(db, `SELECT n FROM g WHERE ${where}`)).map((row) => row.n),
          [n],
        );
        assert.equal((await accessOf(db, lab.primary, `SELECT n FROM g WHERE ${where}`)).type, 'const');
      }
    });

    test('temporals of the format before MySQL 5.6', { skip: flavor === 'mysql' }, async () => {
      await runSql(db, 'SET @@global.mysql56_temporal_format = OFF');
      try {
        for (const type of ['datetime', 'timestamp', 'time']) {
          const found = keyCases.find((each) => each.type === `${type}(0)`);
          assert.ok(found);
          await fill(db, { ...found, type }, 'single');
          const definition = await definitionOf(db, 'c');
          const codec = await codecOf(db, found, flavor);
          const ordered = await readKeys(db, codec);
          const byN = [...ordered].sort((a, b) => a.n - b.n).map(({ key }) => key);
          assert.deepEqual(await keysInBinlog(db, definition, codec), byN);
          checkOrder(ordered, codec);
          await checkLookups(db, codec, ordered);
          await fill(db, { ...found, type: `${type}(3)` }, 'single');
          await assert.rejects(codecOf(db, found, flavor), { code: 'key-type' });
        }
      } finally {
        await runSql(db, 'SET @@global.mysql56_temporal_format = ON');
      }
    });

    async function checkAccess(one: KeyCase, form: Form, codec: OrderedKeyCodec, ordered: Entry[]) {
      const type = async (where: string) =>
        (await accessOf(db, lab.primary, `SELECT j FROM c FORCE INDEX (PRIMARY) WHERE ${where}`)).type;
      const keys = ordered.map(({ key }) => key);
      assert.equal(await type(keyEquals(codec, keys[0] as Key)), 'const');
      assert.match(String(await type(keyInList(codec, keys))), /^(range|const)$/);
      const deletion = await accessOf(
        db,
        lab.primary,
        `DELETE FROM c WHERE ${keyInList(codec, keys.slice(0, 1))}`,
      );
      assert.equal(deletion.type, 'range', 'a DELETE of one key');
      if (keys.length < 3) return;
      if (one.rangesScan && form !== 'trailing') return;
      // Of a range that holds all rows the optimizer is right to read the whole table.
      const range = { after: keys[0] as Key, upTo: keys.at(-2) as Key };
      assert.match(String(await type(rangeCondition(codec, range))), /^(range|const)$/);
    }
  });
}

interface Entry {
  readonly n: number;
  readonly key: Key;
}

async function fill(db: Connection, one: KeyCase, form: Form): Promise<number> {
  await runSql(db, 'DROP TABLE IF EXISTS c');
  await runSql(db, `CREATE TABLE c (j INT, k ${one.type} NOT NULL, n INT NOT NULL, ${forms[form]})`);
  await runSql(db, 'FLUSH BINARY LOGS');
  // The error value of an ENUM comes into a table only in a session without strict mode.
  await runSql(db, "SET @kept = @@sql_mode, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
  // Rows of one n only would make (n, k) order trivial; two of each k would break PRIMARY KEY (k).
  const values = one.values.map((value, i) => `(1, ${value}, ${i})`);
  await runSql(db, `INSERT INTO c VALUES ${values.join(', ')}`);
  await runSql(db, 'SET sql_mode = @kept');
  return one.values.length;
}

async function codecOf(db: Connection, one: KeyCase, flavor: Flavor): Promise<OrderedKeyCodec> {
  const definition = await definitionOf(db, 'c');
  const key = definition.indexes.find((index) => index.primary);
  assert.ok(key);
  const columns = key.parts.map((part) => definition.columns.find(({ name }) => name === part.column)!);
  return makeKeyCodec(columns, {
    flavor,
    timestampZone: 'utc',
    ...(one.sameComparison ? { sameComparison: true } : {}),
  });
}

/** All keys in the server's order of ascending column values. */
async function readKeys(db: Connection, codec: OrderedKeyCodec): Promise<Entry[]> {
  const names = codec.columns.map(({ name }) => `x.${name}`);
  const parts = codec.selectExpressions('x.').map((expression, i) => `${expression} AS k${i}`);
  const rows = await runSql(
    db,
    `SELECT x.n AS n, ${parts.join(', ')} FROM c AS x ORDER BY ${names.join(', ')}`,
  );
  return rows.map((row) => ({ n: Number(row.n), key: codec.fromText(parts.map((_, i) => row[`k${i}`])) }));
}

function checkOrder(ordered: readonly Entry[], codec: OrderedKeyCodec): void {
  ordered.forEach(({ key }, i) => {
    ordered.forEach((other, j) => {
      assert.equal(Math.sign(codec.compare(key, other.key)), Math.sign(i - j), `${i} against ${j}`);
    });
  });
}

async function numbers(db: Connection, where: string): Promise<number[]> {
  const rows = await runSql(db, `SELECT n FROM c WHERE ${where}`);
  return rows.map(({ n }) => Number(n)).sort((a, b) => a - b);
}

async function checkLookups(
  db: Connection,
  codec: OrderedKeyCodec,
  ordered: readonly Entry[],
): Promise<void> {
  for (const { n, key } of ordered) {
    assert.deepEqual(await numbers(db, keyEquals(codec, key)), [n]);
    assert.deepEqual(await numbers(db, keyInList(codec, [key])), [n]);
  }
  const some = ordered.filter((_, i) => i % 2 === 0);
  const list = keyInList(
    codec,
    some.map(({ key }) => key),
  );
  assert.deepEqual(
    await numbers(db, list),
    some.map(({ n }) => n).sort((a, b) => a - b),
    list,
  );
}

async function checkRanges(
  db: Connection,
  codec: OrderedKeyCodec,
  ordered: readonly Entry[],
  one: KeyCase,
  form: Form,
): Promise<void> {
  const last = ordered.length - 1;
  const pairs = [0, 1, Math.floor(last / 2), last].flatMap((from) =>
    [-1, 0, Math.ceil(last / 2), last].map((to) => [from, to] as const),
  );
  for (const [from, to] of pairs) {
    const range = { after: ordered[from]?.key ?? null, upTo: ordered[to]?.key ?? null };
    const inside = ordered.slice(from + 1, to < 0 ? undefined : to + 1).map(({ n }) => n);
    const where = rangeCondition(codec, range);
    assert.deepEqual(
      await numbers(db, where),
      inside.sort((a, b) => a - b),
      `${one.type}, ${form}: ${where}`,
    );
  }
  // The server's own word on where keys lie: above the last but one, in (first, middle], or neither.
  const middle = Math.ceil(last / 2);
  const high = ordered[Math.max(last - 1, 0)]!.key;
  const flight = { after: ordered[0]!.key, upTo: ordered[middle]!.key };
  const keys = ordered.map(({ key }) => key);
  const places = await runSql(db, classifySql(codec, keys, high, [flight]));
  const expected = keys.map((_, i) => (i > Math.max(last - 1, 0) ? -1 : i > 0 && i <= middle ? 1 : 0));
  assert.deepEqual(
    places.map((row: Row) => Number(row.place)),
    expected,
  );
  assert.deepEqual(
    places.map((row: Row) => Number(row.i)),
    keys.map((_, i) => i),
  );
}
