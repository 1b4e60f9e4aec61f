// Positions as text and back, GTID sets of any shape, tagged GTID events, checksums.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { crc32, tableCrc32 } from '../../src/mysql/binlog/checksum.ts';
import { GtidReader, readMariadbGroup } from '../../src/mysql/binlog/gtid-event.ts';
import { GtidSet } from '../../src/mysql/binlog/gtid-set.ts';
import { parsePosition } from '../../src/mysql/binlog/stream-position.ts';
import { crc32 as plainCrc32 } from './binlog-crc32.ts';
import { event } from './binlog-encoder.ts';

const A = '11111111-2222-3333-4444-555555555555';
const B = 'aaaaaaaa-2222-3333-4444-555555555555';

describe('positions', () => {
  for (const text of [
    ...['b.000001:4', 'a:b:4294967295', 'gtid:', `gtid:${A}:1-5`, `gtid:${A}:1:3-5,${B}:7`, 'mariadb-gtid:'],
    ...[
      `gtid:${A}:1-3:x_y:1-2:5:z:9,${B}:tag:4`,
      'mariadb-gtid:0-1-100',
      'mariadb-gtid:0-1-100,7-4294967295-1',
    ],
  ]) {
    test(`round trip of ${text}`, () => assert.equal(String(parsePosition(text)), text));
  }
  for (const text of [
    '',
    'b.1',
    'b.1:3',
    'b.1:4294967296',
    'gtid:x',
    `gtid:${A}`,
    `gtid:${A}:0`,
    `gtid:${A}:5-4`,
    'mariadb-gtid:1-2',
  ]) {
    test(`refuses ${text}`, () => assert.throws(() => parsePosition(text), UsageError));
  }

  test('a set as the server prints it, with line breaks and capitals', () => {
    const set = GtidSet.parse(`${B.toUpperCase()}:5-7:\n1-3 ,\n ${A}:2`);
    assert.equal(String(set), `${A}:2,${B}:1-3:5-7`);
    assert.equal(String(set.add(B, 4)), `${A}:2,${B}:1-7`);
    assert.equal(String(set), `${A}:2,${B}:1-3:5-7`, 'immutable');
    assert.ok(set.has(B, 6) && !set.has(B, 4) && !set.has(A, 1));
  });

  test('a tagged GTID event', () => {
    const varint = (n: number): Buffer =>
      n < 128 ? Buffer.of(n << 1) : Buffer.of(((n << 2) & 0xff) | 1, n >> 6);
    const uuid = Buffer.from(A.replaceAll('-', ''), 'hex');
    const fields = [
      ...[
        varint(0),
        varint(1),
        varint(1),
        ...[...uuid].map((byte) => varint(byte)),
        varint(2),
        varint(2 * 1000),
      ],
      ...[varint(3), varint(3), Buffer.from('tag'), varint(4), varint(0)],
    ];
    const body = Buffer.concat([varint(1), varint(40), varint(12), ...fields]);
    const bytes = event(42, body, { checksum: false });
    assert.deepEqual(new GtidReader().read(42, bytes, 0, bytes.length), { source: `${A}:tag`, number: 1000 });
  });

  test('a MariaDB GTID event with group commit and XID', () => {
    const body = Buffer.alloc(40);
    body.writeBigUInt64LE(12345678901n);
    body.writeUInt32LE(7, 8);
    body[12] = 0x02 | 0x40;
    body.writeUInt32LE(1, 21);
    body[25] = 2;
    body[26] = 1;
    body.write('abc', 27);
    const group = readMariadbGroup(event(162, body, { serverId: 9 }), 0);
    assert.deepEqual(group, {
      gtid: { domain: 7, server: 9, sequence: 12345678901 },
      standalone: false,
      preparedXid: "X'6162',X'63',1",
    });
  });

  test('both ways to compute a CRC32 agree with the definition', () => {
    for (const length of [0, 1, 4, 95, 96, 97, 1000]) {
      const bytes = Buffer.from(Array.from({ length: length + 8 }, (_, i) => (i * 7919) & 0xff));
      const expected = plainCrc32(bytes.subarray(3, 3 + length));
      assert.equal(tableCrc32(bytes, 3, 3 + length), expected);
      assert.equal(crc32(bytes, 3, 3 + length), expected);
    }
  });
});
