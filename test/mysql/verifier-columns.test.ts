// The comparison must see every wrong value in the ghost, of every type, and must see none where the
// server's own conversion made the ghost: a false alarm would fail a sound migration.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { compareColumns } from '../../src/core/comparison.ts';
import { ComparisonSql } from '../../src/core/comparison-sql.ts';
import { copiedValue } from '../../src/core/copied-value.ts';
import { makeKeyCodec, renamedCodec } from '../../src/core/key-codec.ts';
import type { TableDefinition } from '../../src/core/table.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import type { SessionPool } from '../../src/mysql/pool.ts';
import { SqlVerifyStore } from '../../src/mysql/verify-store.ts';
import { type Flavor, runSql } from '../lab/lab.ts';
import type { ColumnCase } from './verifier-case.ts';
import { columnCases } from './verifier-cases.ts';
import { VerifierLab } from './verifier-lab.ts';

const everything = { after: null, upTo: null };
const signal = new AbortController().signal;

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`comparison of columns: ${flavor}`, () => {
    let lab: VerifierLab;

    before(async () => {
      lab = await VerifierLab.start(flavor);
    });
    after(() => lab?.stop());

    for (const each of columnCases) {
      if (each.only !== undefined && each.only !== flavor) continue;
      it(`${each.from} to ${each.to}`, async () => {
        const { connection, sessions } = lab;
        const store = await prepare(connection, sessions, flavor, each);
        await checkEqual(store, each);
        for (const [row, value] of each.wrong) await checkWrong(connection, store, each, row, value);
        await checkEqual(store, each);
      });
    }
  });
}

async function prepare(
  connection: Connection,
  sessions: SessionPool,
  flavor: Flavor,
  { from, to, values }: ColumnCase,
): Promise<SqlVerifyStore> {
  await runSql(connection, 'DROP TABLE IF EXISTS kept, t, g');
  await runSql(
    connection,
    `CREATE TABLE t (id INT PRIMARY KEY, before_it VARCHAR(9), c ${from}, after_it INT)`,
  );
  await runSql(connection, 'CREATE TABLE g LIKE t');
  await runSql(connection, `ALTER TABLE g CHANGE c d ${to}`);
  for (const [i, value] of values.entries())
    await runSql(connection, `INSERT INTO t VALUES (${i + 1}, 'x', ${value}, ${i})`);
  return await sessions.use(async (session) => {
    const [t, g] = [await definition(session, 't'), await definition(session, 'g')];
    // As the copy does, on a session set up as those of the copy are.
    const value = copiedValue(t.columns[2]!, g.columns[2]!, 'c');
    await session.execute(
      `INSERT INTO verify.g (id, before_it, d, after_it)
         SELECT id, before_it, ${value}, after_it FROM verify.t`,
    );
    const columns = t.columns.map((column, i) => compareColumns(column, g.columns[i]!)!);
    const codec = makeKeyCodec([t.columns[0]!], { flavor, timestampZone: 'utc' });
    const sql = new ComparisonSql({
      ...{ original: t.ref, ghost: g.ref, columns, codec, ghostRanges: true },
      probe: { schema: 'verify', name: '_probe' },
      keyName: 'PRIMARY',
      ghostIndexName: 'PRIMARY',
      ghostCodec: renamedCodec(codec, [g.columns[0]!]),
    });
    return new SqlVerifyStore({ sql, codec, sessions, canProbe: true });
  });
}

async function definition(
  session: Parameters<typeof readTableDefinition>[0],
  name: string,
): Promise<TableDefinition> {
  const found = await readTableDefinition(session, { schema: 'verify', name });
  assert.ok(found);
  return found;
}

async function checkEqual(store: SqlVerifyStore, { values, judged }: ColumnCase): Promise<void> {
  const keys = values.map((_, i) => i + 1);
  const { differing, doubtful } = await store.judge(keys, signal);
  assert.deepEqual([...differing], []);
  if (judged) return assert.deepEqual(doubtful, ['c']);
  assert.deepEqual(doubtful, [], 'the expression is as exact as the conversion');
  assert.deepEqual(await store.compareRange(everything, [], signal), { rows: values.length, equal: true });
  assert.deepEqual(await store.compareKeys(keys, signal), []);
}

async function checkWrong(
  connection: Connection,
  store: SqlVerifyStore,
  { judged }: ColumnCase,
  row: number,
  value: string,
): Promise<void> {
  const where = `WHERE id = ${row}`;
  await runSql(connection, `CREATE TEMPORARY TABLE kept AS SELECT d FROM g ${where}`);
  await runSql(connection, `UPDATE g SET d = ${value} ${where}`);
  assert.equal(
    (await store.compareRange(everything, [], signal)).equal,
    false,
    `${value} is seen in the sum`,
  );
  const others = await store.compareRange(everything, [row], signal);
  if (!judged) assert.ok(others.equal, 'a row that is left out is not seen in the sum');
  if (!judged) assert.deepEqual(await store.differences(everything, signal), [row]);
  assert.ok((await store.compareKeys([row], signal)).includes(row));
  const { differing } = await store.judge([row], signal);
  assert.deepEqual([...differing], [[row, ['c']]]);
  await runSql(connection, `UPDATE g SET d = (SELECT d FROM kept) ${where}`);
  await runSql(connection, 'DROP TEMPORARY TABLE kept');
}
