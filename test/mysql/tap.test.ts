// The tap against zongji's own decoding of the same stream: same rows, same values, for the types zongji decodes exactly;
// and the definition of every type against what the binlog says of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import ZongJi from '@vlasky/zongji';
import type { KeyCodec } from '../../src/core/key.ts';
import type { Column } from '../../src/core/table.ts';
import type { FilePosition } from '../../src/mysql/binlog/stream-position.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { definitionOf, type RecordingSink, runStream, stopLeftovers, until } from './stream-lab.ts';

const A = { schema: 't', name: 'a' };

const COMMON = [
  ...['TINYINT', 'TINYINT UNSIGNED', 'SMALLINT', 'SMALLINT UNSIGNED', 'MEDIUMINT', 'MEDIUMINT UNSIGNED'],
  ...[
    'INT',
    'INT UNSIGNED',
    'BIGINT',
    'BIGINT UNSIGNED',
    'INT(7) ZEROFILL',
    'FLOAT',
    'DOUBLE',
    'FLOAT UNSIGNED',
  ],
  ...[
    'DECIMAL(65,30)',
    'DECIMAL(10,0)',
    'DECIMAL(9,9)',
    'DECIMAL(18,9) UNSIGNED',
    'BIT(1)',
    'BIT(13)',
    'BIT(64)',
  ],
  ...[
    'YEAR',
    'DATE',
    'TIME',
    'TIME(1)',
    'TIME(6)',
    'DATETIME',
    'DATETIME(3)',
    'DATETIME(6)',
    'TIMESTAMP NULL',
  ],
  ...['TIMESTAMP(2) NULL', 'TIMESTAMP(6) NULL', 'CHAR(1)', 'CHAR(255)', 'CHAR(255) CHARACTER SET latin1'],
  ...['CHAR(64) CHARACTER SET utf8mb4', 'CHAR(0)', 'VARCHAR(0)', 'VARCHAR(10)', 'VARCHAR(63)', 'VARCHAR(64)'],
  ...['VARCHAR(2000)', 'VARCHAR(255) CHARACTER SET latin1', 'VARCHAR(256) CHARACTER SET latin1', 'BINARY(1)'],
  ...[
    'BINARY(255)',
    'VARBINARY(255)',
    'VARBINARY(256)',
    'TINYBLOB',
    'BLOB',
    'MEDIUMBLOB',
    'LONGBLOB',
    'TINYTEXT',
  ],
  ...[
    'TEXT',
    'MEDIUMTEXT',
    'LONGTEXT',
    'TEXT(100)',
    'TEXT(70000)',
    "ENUM('a','b')",
    "SET('a','b','c')",
    'JSON',
  ],
  ...[
    'GEOMETRY',
    'POINT',
    'LINESTRING',
    'POLYGON',
    'GEOMETRYCOLLECTION',
    'VARCHAR(9) CHARACTER SET ucs2',
    'BOOL',
  ],
  ...['INT GENERATED ALWAYS AS (1+1) VIRTUAL', 'INT GENERATED ALWAYS AS (1+2) STORED'],
];
const OWN: Record<Flavor, string[]> = {
  mysql: ['VECTOR(3)', 'VARCHAR(5) INVISIBLE', 'BIGINT INVISIBLE'],
  mariadb: [
    'UUID',
    'INET6',
    'INET4',
    'VARCHAR(100) COMPRESSED',
    'TEXT COMPRESSED',
    'VARBINARY(300) COMPRESSED',
    'INT INVISIBLE',
  ],
};

/** A codec whose key is the raw bytes of the columns. */
function rawCodec(columns: readonly Column[]): KeyCodec {
  const unused = (): never => assert.fail();
  return {
    ...{
      columns,
      comparable: false,
      selectExpressions: unused,
      fromText: unused,
      literals: unused,
      compare: unused,
    },
    fromImage: (bytes, starts, ends) =>
      columns
        .map(({ ordinal }) =>
          starts[ordinal]! < 0 ? 'null' : bytes.toString('hex', starts[ordinal], ends[ordinal]),
        )
        .join(' '),
  };
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`tap on ${flavor}`, () => {
    let lab: Lab;
    before(async () => {
      const metadata = { binlog_row_metadata: 'FULL' };
      lab = await startLab({ flavor, fast: true, options: metadata });
    });
    after(() => lab.stop());
    afterEach(stopLeftovers);

    for (const metadata of ['FULL', flavor === 'mysql' ? 'MINIMAL' : 'NO_LOG']) {
      test(`a table of every type agrees with its definition (metadata ${metadata})`, async () => {
        const types = [...COMMON, ...OWN[flavor]];
        const { stream, sink, sql, marker, stop } = await runStream(lab.primary, {}, async (one, session) => {
          await runSql(session, `SET GLOBAL binlog_row_metadata=${metadata}`);
          const columns = types.map((type, i) => `c${i} ${type}`);
          await runSql(
            session,
            `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (${columns.join()}, id INT PRIMARY KEY)`,
          );
          const definition = await definitionOf(lab.primary, A);
          const key = definition.columns.find((column) => column.name === 'id')!;
          one.subscribe(A, { role: 'original', definition, codec: rawCodec([key]) });
          return undefined;
        });
        await runSql(sql, 'INSERT INTO t.a (id) VALUES (1)');
        await runSql(
          sql,
          `INSERT INTO t.a (id, c0, c14, c19, c32, c45, c49, c57) VALUES (2, -1, 1.5, 5, 'c', 'x', 'y', 'zz')`,
        );
        await marker.pass();
        assert.deepEqual(sink.notices, []);
        assert.deepEqual(sink.keys, ['01000000', '02000000']);
        // And every single change of a type that the event can tell is told.
        for (const [from, to] of [
          ['INT', 'INT UNSIGNED'],
          ['VARCHAR(10)', 'VARCHAR(11)'],
          ['TEXT', 'LONGTEXT'],
        ] as const) {
          if (metadata === 'NO_LOG' && from === 'INT') continue;
          await runSql(sql, `DROP TABLE t.a; CREATE TABLE t.a (id INT PRIMARY KEY, v ${from})`);
          const definition = await definitionOf(lab.primary, A);
          stream.subscribe(A, {
            role: 'original',
            definition,
            codec: rawCodec(definition.columns.slice(0, 1)),
          });
          const told = countChanged(sink);
          await runSql(sql, `ALTER TABLE t.a MODIFY v ${to}; INSERT INTO t.a VALUES (1, 1)`);
          await marker.pass();
          assert.equal(countChanged(sink), told + 1, `${from} to ${to}`);
        }
        await stop();
      });
    }

    test('old temporal formats are walked', { skip: flavor === 'mysql' }, async () => {
      const running = await runStream(lab.primary, {}, async (one, session) => {
        await runSql(session, 'SET GLOBAL mysql56_temporal_format=OFF');
        const types = ['TIME', 'DATETIME', 'TIMESTAMP'].flatMap((type) =>
          [0, 1, 2, 3, 4, 5, 6].map((digits) => `${type}(${digits})${type === 'TIMESTAMP' ? ' NULL' : ''}`),
        );
        const columns = types.map((type, i) => `c${i} ${type}`);
        await runSql(
          session,
          `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (${columns.join()}, id INT PRIMARY KEY)`,
        );
        await runSql(session, 'SET GLOBAL mysql56_temporal_format=ON');
        const definition = await definitionOf(lab.primary, A);
        one.subscribe(A, { role: 'original', definition, codec: rawCodec(definition.columns.slice(-1)) });
        return undefined;
      });
      const now = Array.from({ length: 21 }, () => 'NOW(6)').join();
      await runSql(running.sql, `INSERT INTO t.a VALUES (${now}, 1),(${now}, 2)`);
      await running.marker.pass();
      assert.deepEqual(running.sink.keys, ['01000000', '02000000']);
      await running.stop();
    });

    test('zongji reads the same rows from the same place', async () => {
      const admin = await lab.primary.connect({ multipleStatements: true });
      await runSql(admin, 'CREATE DATABASE IF NOT EXISTS t; SET GLOBAL binlog_row_metadata=FULL');
      await runSql(
        admin,
        `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (id INT PRIMARY KEY, b BIGINT, s SMALLINT, m MEDIUMINT,
          v VARCHAR(300) CHARACTER SET utf8mb4, c CHAR(20) CHARACTER SET ascii, n VARBINARY(40), x MEDIUMBLOB)`,
      );
      const definition = await definitionOf(lab.primary, A);
      const running = await runStream(lab.primary, { gtid: 'off' }, async (one) => {
        one.subscribe(A, { role: 'original', definition, codec: rawCodec(definition.columns) });
        return undefined;
      });
      const from = (await running.stream.currentPosition()) as FilePosition;
      const expected: string[] = [];
      const zongji = new ZongJi({
        host: lab.primary.host,
        port: lab.primary.port,
        user: lab.primary.user,
        password: lab.primary.password,
      });
      const fail: unknown[] = [];
      zongji.on('error', (error) => fail.push(error));
      zongji.on('binlog', (event) => {
        const rows = (event as unknown as { rows?: Record<string, unknown>[] }).rows;
        const tableId = (event as unknown as { tableId?: number }).tableId;
        if (rows === undefined || tableId === undefined) return;
        if (zongji.tableMap[tableId]?.tableName !== 'a') return;
        for (const row of rows) {
          if (event.getTypeName() !== 'UpdateRows')
            expected.push((event.getTypeName() === 'DeleteRows' ? '-' : '+') + encode(row));
          else expected.push(`-${encode(row.before as never)}`, `+${encode(row.after as never)}`);
        }
      });
      zongji.start({
        serverId: 4242,
        filename: from.file,
        position: from.offset,
        includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows', 'rotate'],
      });
      await once(zongji, 'ready');
      await scribble(admin, 300);
      await running.marker.pass();
      await until(
        () => expected.length >= running.sink.keys.length && expected.length > 500,
        'zongji',
        10_000,
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.deepEqual(fail, []);
      const ours = running.sink.keys.map(
        (key, i) => `${running.sink.touches[i]!.startsWith('-') ? '-' : '+'}${key}`,
      );
      assert.deepEqual(ours, expected);
      zongji.stop();
      await once(zongji, 'stopped');
      await admin.end();
      await running.stop();
    });
  });
}

function countChanged(sink: RecordingSink): number {
  return sink.notices.filter((notice) => notice.kind === 'definition-changed').length;
}

/** What zongji decoded, as the bytes of a row image. */
function encode(row: Record<string, unknown>): string {
  const int = (value: unknown, bytes: number): string => {
    if (value === null) return 'null';
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(value as number | string));
    return buffer.toString('hex', 0, bytes);
  };
  const text = (value: unknown): string =>
    value === null ? 'null' : Buffer.from(value as string & Buffer).toString('hex');
  const { id, b, s, m, v, c, n, x } = row;
  return [int(id, 4), int(b, 8), int(s, 2), int(m, 3), text(v), text(c), text(n), text(x)].join(' ');
}

/** Random changes, many rows an event as well as one. */
async function scribble(sql: Parameters<typeof runSql>[0], statements: number): Promise<void> {
  const pick = (list: readonly string[]): string => list[Math.floor(Math.random() * list.length)]!;
  const integers = (max: bigint): string[] => ['NULL', '0', '-1', String(max), String(-max - 1n), '42'];
  const value = (): string =>
    [
      pick(integers(2n ** 63n - 1n)),
      pick(integers(2n ** 15n - 1n)),
      pick(integers(2n ** 23n - 1n)),
      pick(['NULL', "''", "'é😀'", "REPEAT('ü',300)", "'a'"]),
      pick(['NULL', "''", "'x'", "REPEAT('c',20)"]),
      pick(['NULL', "''", "x'00ff'", 'RANDOM_BYTES(40)', "x'20'"]),
      pick(['NULL', "''", "REPEAT('b',70000)", "x'0000'"]),
    ].join();
  for (let i = 0; i < statements; i++) {
    const id = Math.floor(Math.random() * 40);
    const rows = Array.from({ length: 1 + (i % 5) }, (_, k) => `(${1000 + i * 5 + k},${value()})`);
    const sets = `b=${pick(integers(7n))}, v=${pick(['NULL', "'neu'", "REPEAT('w',200)"])}, s=s`;
    await runSql(
      sql,
      pick([
        `INSERT INTO t.a VALUES ${rows.join()}`,
        `INSERT IGNORE INTO t.a VALUES (${id},${value()})`,
        `UPDATE t.a SET ${sets} WHERE id % 40 = ${id}`,
        `DELETE FROM t.a WHERE id % 40 = ${id}`,
      ]),
    );
  }
}
