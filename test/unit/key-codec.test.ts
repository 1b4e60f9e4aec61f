import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bug, Refusal } from '../../src/base/errors.ts';
import { makeKeyCodec, renamedCodec } from '../../src/core/key-codec.ts';
import { column, columns } from './key-helpers.ts';

const options = { flavor: 'mysql', timestampZone: 'utc' } as const;

/** The literal of a value in the bytes of a row image. */
function literalOf(type: string, hex: string, more = {}): string {
  const codec = makeKeyCodec([column('k', type, more)], options);
  const bytes = Buffer.from(`ff${hex}ff`, 'hex');
  const key = codec.fromImage(bytes, [1], [bytes.length - 1]);
  assert.ok(key !== null);
  return codec.literals(key)[0] as string;
}

describe('key codec', () => {
  const images: readonly [type: string, image: string, literal: string][] = [
    ['tinyint', 'ff', '-1'],
    ['tinyint unsigned', 'ff', '255'],
    ['smallint', '0080', '-32768'],
    ['mediumint unsigned', 'ffffff', '16777215'],
    ['int unsigned', 'ffffffff', '4294967295'],
    ['bigint', '0000000000000080', '-9223372036854775808'],
    ['bigint unsigned', 'ffffffffffffffff', '18446744073709551615'],
    ['bigint', '010000000000e0ff', '-9007199254740991'],
    ['bigint', '000000000000e0ff', '-9007199254740992'],
    ['year', '00', '0'],
    ['year', 'ff', '2155'],
    ['bit(13)', '1fff', '8191'],
    ["enum('a','b')", '00', '0'],
    ["enum('a','b')", '02', '2'],
    ["set('a','b')", '03', '3'],
    ['decimal(5,2)', '80010a', '1.10'],
    ['decimal(5,2)', '7ffef5', '-1.10'],
    ['decimal(4,4)', '8001', '0.0001'],
    ['date', '000000', "DATE'0000-00-00'"],
    ['date', '5fd00f', "DATE'2024-02-31'"],
    ['datetime(0)', '8000000000', "TIMESTAMP'0000-00-00 00:00:00'"],
    ['datetime(1)', '99b27efefb32', "TIMESTAMP'2024-01-31 15:59:59.5'"],
    ['timestamp(0)', '00000000', "TIMESTAMP'0000-00-00 00:00:00'"],
    ['timestamp(6)', '7fffffff0f423f', "TIMESTAMP'2038-01-19 03:14:07.999999'"],
    ['time(0)', '7fffc0', "TIME'-00:01:00'"],
    ['time(0)', '7ff000', "TIME'-01:00:00'"],
    ['time(2)', '7fefffce', "TIME'-01:00:00.50'"],
    ['time(6)', '7fffffffffff', "TIME'-00:00:00.000001'"],
    ['binary(4)', '61', "x'61000000'"],
    ['varbinary(4)', '6100', "x'6100'"],
    ['char(4) utf8mb4_general_ci', '6120', "_utf8mb4 x'61'"],
    ['varchar(4) sjis_japanese_ci', '5c', "_sjis x'5c'"],
    ['char(4) utf16le_general_ci', '20002000', "_utf16le x''"],
    ['char(4) ucs2_general_ci', '20000020', "_ucs2 x'2000'"],
    ['uuid', '123456789abc1def8123456789abcd', "'12345678-9abc-1def-8123-456789abcd00'"],
    ['inet4', '010203', "'1.2.3.0'"],
    ['inet6', 'ffff', "'ffff:0000:0000:0000:0000:0000:0000:0000'"],
  ];
  for (const [type, image, literal] of images)
    test(`${type} ${image} is ${literal}`, () => assert.equal(literalOf(type, image), literal));

  test('formats from before MySQL 5.6, where the type tells', () => {
    const old = (type: string) => ({ columnType: `${type} /* mariadb-5.3 */` });
    assert.equal(literalOf('datetime', 'f67cac8b68120000'), "TIMESTAMP'2024-02-29 23:59:58'");
    assert.equal(literalOf('timestamp', '01000000', old('timestamp')), "TIMESTAMP'1970-01-01 00:00:01'");
    assert.equal(literalOf('time', '9cffff', old('time')), "TIME'-00:01:00'");
    assert.throws(() => makeKeyCodec([column('k', 'time(3)', old('time(3)'))], options), {
      code: 'key-type',
    });
  });

  test('a key column that is NULL or absent gives no key', () => {
    for (const types of [{ a: 'int' }, { a: 'bigint' }, { a: 'varbinary(9)' }, { a: 'int', b: 'int' }])
      for (const absent of [-1, -2])
        assert.equal(
          makeKeyCodec(columns(types), options).fromImage(Buffer.alloc(9), [absent, 0], [4, 4]),
          null,
        );
  });

  test('parts lie at the places of their columns, in the order of the key (HAZARDS 19)', () => {
    const [a, b, c] = columns({ a: 'int', b: 'varbinary(9)', c: 'varbinary(9)' });
    const codec = makeKeyCodec([c!, b!, a!], options);
    const bytes = Buffer.from('05000000610062ff', 'hex');
    const key = codec.fromImage(bytes, [0, 4, 6], [4, 6, 8]);
    assert.deepEqual(codec.literals(key as string), ["x'62ff'", "x'6100'", '5']);
    assert.equal(key, codec.fromText(['62FF', '6100', 5n]));
  });

  test('values of the wrong width are no keys', () => {
    const short = (type: string) => () =>
      makeKeyCodec([column('k', type)], options).fromImage(Buffer.alloc(9), [0], [1]);
    for (const type of ['int', 'bigint', 'date', 'time', 'decimal(10,2)', 'bit(9)'])
      assert.throws(short(type), Bug);
  });

  test('types that cannot be carried exactly are refused', () => {
    for (const type of ['float', 'double', 'json', 'geometry', 'vector', 'text', 'blob'])
      assert.throws(() => makeKeyCodec([column('k', type)], options), { code: 'key-type' });
    const members = Array.from({ length: 64 }, (_, i) => `'m${i}'`).join(',');
    assert.throws(() => makeKeyCodec([column('k', `set(${members})`)], options), { code: 'key-type' });
    assert.throws(
      () => makeKeyCodec([column('k', 'char(3) utf8mb4_nopad_bin')], { ...options, flavor: 'mariadb' }),
      Refusal,
    );
  });

  test('TIMESTAMP in a session of another zone: only where no hour comes twice', () => {
    const epoch = { flavor: 'mysql', timestampZone: 'epoch' } as const;
    const at = [column('k', 'timestamp(3)')];
    assert.throws(() => makeKeyCodec(at, epoch), { code: 'key-type' });
    const codec = makeKeyCodec(at, { ...epoch, fixedZone: true });
    assert.deepEqual(codec.literals(codec.fromText(['1729992600.500'])), ['FROM_UNIXTIME(1729992600.500)']);
    assert.deepEqual(codec.literals(codec.fromText(['0.000'])), ["TIMESTAMP'0000-00-00 00:00:00.000'"]);
  });

  test('keys that only the server can compare are not compared', () => {
    const codec = makeKeyCodec([column('k', 'varchar(9) utf8mb4_general_ci')], options);
    assert.equal(codec.comparable, false);
    assert.throws(() => codec.compare('a', 'b'), Bug);
  });

  test('the same keys under the names of the ghost', () => {
    const codec = makeKeyCodec(columns({ a: 'int', b: 'varbinary(9)' }), options);
    const ghost = renamedCodec(codec, columns({ 'x`y': 'bigint', c: 'varbinary(20)' }));
    assert.deepEqual(ghost.selectExpressions('g.'), ['CAST(g.`x``y` AS CHAR)', 'HEX(g.`c`)']);
    assert.deepEqual(ghost.literals(codec.fromText(['-5', 'AA'])), ['-5', "x'aa'"]);
    assert.throws(() => ghost.fromImage(Buffer.alloc(9), [0, 4], [4, 5]), Bug);
  });

  test('a text that no such column gives is a bug, not a key', () => {
    const read = (type: string, text: unknown) => () =>
      makeKeyCodec([column('k', type)], options).fromText([text]);
    for (const [type, text] of [
      ['int', 'x'],
      ['int', null],
      ['bigint', ''],
      ['decimal(3,1)', ''],
      ['varbinary(3)', 'xyz'],
      ['date', '2024'],
      ['decimal(3,1)', '1e3'],
      ['decimal(3,1)', '123.45'],
      ['enum', '70000'],
    ] as const)
      assert.throws(read(type, text), Bug, `${type} ${text}`);
  });
});
