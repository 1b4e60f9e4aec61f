// The event reader on hand-made bytes: transactions, positions, damage, what it must not swallow.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import { event, format, gtid, INT, int, query, rotate, rows, tableMap, xid } from './binlog-encoder.ts';
import { column, followPlain, type Kit, makeKit } from './binlog-reader-kit.ts';

const UUID = '11111111-2222-3333-4444-555555555555';
const UUID2 = '99999999-2222-3333-4444-555555555555';
const COLUMNS = [column(0, 'int'), column(1, 'int')];

function kitAt(from: string, checksums: 0 | 1 = 1): Kit {
  const kit = makeKit(from);
  followPlain(kit, 't', 'a', COLUMNS, [0]);
  kit.feed(format(checksums));
  return kit;
}

const map = (id = 5, table = 'a', options = {}): Buffer => tableMap(id, 't', table, [INT, INT], options);
const write = (key: number, id = 5, options = {}): Buffer => rows(30, id, 2, [[int(key), int(0)]], options);

describe('binlog reader', () => {
  test('touches come at once, positions with the end of the transaction', () => {
    const { feed, sink } = kitAt('b.1:4');
    feed(query('BEGIN'), map(), write(1));
    assert.deepEqual(sink.log, ['+1']);
    feed(
      rows(31, 5, 2, [
        [int(1), int(0)],
        [int(1), int(9)],
        [int(1), int(0)],
        [int(2), int(0)],
      ]),
    );
    feed(rows(32, 5, 2, [[int(2), null]]), xid({ endOffset: 700 }));
    assert.deepEqual(sink.log, ['+1', '+1', '-1', '+2', '-2', '@b.1:700']);
  });

  test('events of version 1 and of other tables', () => {
    const { feed, sink, figures } = kitAt('b.1:4');
    feed(
      query('BEGIN'),
      map(6, 'b'),
      write(9, 6),
      map(5),
      rows(23, 5, 2, [[int(3), int(0)]]),
      xid({ endOffset: 50 }),
    );
    assert.deepEqual(sink.log, ['+3', '@b.1:50']);
    assert.equal(figures.rows, 1);
  });

  test('a table id that is given to another table is not ours any more', () => {
    const { feed, sink } = kitAt('b.1:4');
    feed(map(5), write(1), map(5, 'b'), write(2), map(5), write(3));
    assert.deepEqual(sink.log, ['+1', '+3']);
  });

  test('GTID sets grow by whole transactions, skipped ones too', () => {
    const { feed, sink } = kitAt(`gtid:${UUID}:1-5`);
    feed(gtid(UUID, 6), query('BEGIN'), map(6, 'b'), write(1, 6), xid());
    feed(gtid(UUID, 8), query('CREATE TABLE x (a INT)'), gtid(UUID2, 1), query('BEGIN'), xid());
    feed(gtid(UUID, 7), query('BEGIN'), map(), write(4));
    assert.deepEqual(sink.log, [
      `@gtid:${UUID}:1-6`,
      `@gtid:${UUID}:1-6:8`,
      `@gtid:${UUID}:1-6:8,${UUID2}:1`,
      '+4',
    ]);
  });

  test('a cut transaction is dropped when a file begins: its GTID is not claimed', () => {
    const { feed, sink } = kitAt(`gtid:${UUID}:1-5`);
    feed(gtid(UUID, 6), query('BEGIN'), map(), write(1), format(1), gtid(UUID, 7), query('BEGIN'), xid());
    assert.deepEqual(sink.log, ['+1', `@gtid:${UUID}:1-5:7`]);
  });

  test('rotation moves the position, the made-up one of a new connection does not', () => {
    const { feed, sink } = kitAt('b.1:500');
    feed(rotate('b.1', 500, { flags: 0x20 }));
    assert.deepEqual(sink.log, []);
    feed(rotate('b.2', 4, { endOffset: 900 }), rotate('b.2', 4, { flags: 0x20 }), xid({ endOffset: 77 }));
    assert.deepEqual(sink.log, ['@b.2:4', '@b.2:77']);
  });

  test('a file of more than 4 GiB keeps the last position that can be asked for', () => {
    const { feed, sink } = kitAt('b.1:4');
    feed(
      xid({ endOffset: 0xffff_ff00 }),
      xid({ endOffset: 100 }),
      xid({ endOffset: 5000 }),
      rotate('b.2', 4),
    );
    assert.deepEqual(sink.log, ['@b.1:4294967040', '@b.1:4294967040', '@b.1:4294967040', '@b.2:4']);
  });

  test('files with and without checksums; damage is Transient', () => {
    const { feed, sink } = kitAt('b.1:4', 0);
    feed(map(5, 'a', { checksum: false }), write(1, 5, { checksum: false }), format(1), map(), write(2));
    assert.deepEqual(sink.log, ['+1', '+2']);
    const bad = write(3);
    bad[25]! ^= 4;
    assert.throws(() => feed(bad), Transient);
    assert.throws(() => feed(write(4).subarray(0, 30)), Transient);
  });

  test('MINIMAL images: parts of the key that did not change come from the before image', () => {
    const kit = makeKit();
    const columns = [column(0, 'int'), column(1, 'int'), column(2, 'int')];
    followPlain(kit, 't', 'a', columns, [0, 2]);
    kit.feed(format(1), tableMap(5, 't', 'a', [INT, INT, INT]));
    kit.feed(
      rows(31, 5, 3, [
        [int(1), undefined, int(2)],
        [undefined, int(7), undefined],
      ]),
    );
    kit.feed(
      rows(31, 5, 3, [
        [int(1), undefined, int(2)],
        [undefined, undefined, int(3)],
      ]),
    );
    kit.feed(
      rows(31, 5, 3, [
        [undefined, int(1), undefined],
        [undefined, int(2), undefined],
      ]),
    );
    const key = (a: number, b: number): string => `0${a}000000/0${b}000000`;
    assert.deepEqual(kit.sink.log, [`+${key(1, 2)}`, `-${key(1, 2)}`, `+${key(1, 3)}`, '!key-absent']);
  });

  test('an image without any column is not passed over', () => {
    const { feed, sink } = kitAt('b.1:4');
    feed(map(), rows(30, 5, 2, [[undefined, undefined]]));
    assert.deepEqual(sink.log, ['!key-absent']);
  });

  test('rows that do not fit the table map are a Failure, never a guess', () => {
    const { feed } = kitAt('b.1:4');
    feed(map());
    assert.throws(() => feed(rows(30, 5, 2, [[int(1), Buffer.of(1, 2)]])), Failure);
    assert.throws(() => feed(rows(30, 5, 3, [[int(1), int(1), int(1)]])), Failure);
  });

  test('lost events and unknown events are a Failure, ignorable ones are not', () => {
    const { feed } = kitAt('b.1:4');
    assert.throws(() => feed(event(26, Buffer.alloc(3))), /lost/);
    assert.throws(() => feed(event(99, Buffer.alloc(3))), /unknown type 99/);
    feed(event(99, Buffer.alloc(3), { flags: 0x80 }), event(29, Buffer.alloc(3)), event(27, Buffer.alloc(3)));
  });

  test('a subscription that changes within a transaction loses nothing of the other tables', () => {
    const kit = kitAt('b.1:4');
    kit.feed(query('BEGIN'), map());
    followPlain(kit, 't', 'z', COLUMNS, [0]);
    kit.feed(write(1));
    // The same table by another key, between its map and its rows.
    followPlain(kit, 't', 'a', COLUMNS, [1]);
    kit.feed(write(2));
    kit.tables.subscribe({ schema: 't', name: 'a' }, null);
    kit.feed(write(3), map(), write(3));
    assert.deepEqual(kit.sink.log, ['+1', '+0']);
  });

  test('an old table map that disagrees with a new definition is told when rows come, not before', () => {
    const kit = kitAt('b.1:4');
    kit.feed(map(), write(1));
    followPlain(kit, 't', 'a', [column(0, 'bigint')], [0]);
    assert.deepEqual(kit.sink.log, ['+1']);
    kit.feed(write(2), write(3));
    assert.deepEqual(kit.sink.log, ['+1', '!definition-changed']);
  });

  test('names compare by bytes, and without case where the server does so', () => {
    const kit = kitAt('b.1:4');
    kit.feed(tableMap(7, 'T', 'A', [INT, INT]), write(1, 7));
    kit.tables.foldCase = true;
    kit.feed(tableMap(7, 'T', 'A', [INT, INT]), write(2, 7));
    assert.deepEqual(kit.sink.log, ['+2']);
  });

  test('XA: held from PREPARE to COMMIT; the position stays before the oldest', () => {
    const { feed, sink } = kitAt('b.1:4');
    const prepare = (name: string): Buffer => {
      const body = Buffer.alloc(13 + name.length);
      body.writeUInt32LE(1, 1);
      body.writeUInt32LE(name.length, 5);
      body.write(name, 13);
      return body;
    };
    const hex = (name: string): string => `X'${Buffer.from(name).toString('hex')}',X'',1`;
    const group = (name: string, key: number, endOffset: number): Buffer[] => [
      ...[query(`XA START ${hex(name)}`), map(), write(key), write(key), query(`XA END ${hex(name)}`)],
      event(38, prepare(name), { endOffset }),
    ];
    feed(xid({ endOffset: 50 }), ...group('p', 1, 100), ...group('q', 2, 200));
    feed(
      query(`XA ROLLBACK ${hex('p')}`, { endOffset: 300 }),
      query(`XA COMMIT ${hex('q')}`, { endOffset: 400 }),
    );
    feed(query(`XA COMMIT ${hex('never seen')}`, { endOffset: 500 }));
    assert.deepEqual(sink.log, [
      ...['@b.1:50', '@b.1:50', '@b.1:50', '@b.1:100', '+2', '@b.1:400', '!statement', '@b.1:500'],
    ]);
  });

  test('XA transactions with too many keys are a Failure', () => {
    const { feed } = kitAt('b.1:4');
    feed(query("XA START X'01',X'',1"), map());
    assert.throws(() => {
      for (let key = 0; key < 2000; key++) feed(write(key));
    }, /prepared XA/);
  });
});
