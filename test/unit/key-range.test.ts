import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeKeyCodec } from '../../src/core/key-codec.ts';
import { classifySql, keyAfter, keyEquals, keyInList, rangeCondition } from '../../src/core/key-range.ts';
import { columns } from './key-helpers.ts';

const codecOf = (types: Readonly<Record<string, string>>) =>
  makeKeyCodec(columns(types), { flavor: 'mysql', timestampZone: 'utc' });
const id = codecOf({ id: 'int' });
const three = codecOf({ a: 'int', b: 'int', c: 'varbinary(9)' });
const key = (a: number, b: number, c: string) => three.fromText([a, b, c]);

describe('conditions on keys', () => {
  test('ranges of one column', () => {
    assert.equal(rangeCondition(id, { after: null, upTo: null }), 'TRUE');
    assert.equal(rangeCondition(id, { after: 1, upTo: null }), '(`id` > 1)');
    assert.equal(
      rangeCondition(id, { after: -1, upTo: 5 }, { qualifier: 't.' }),
      '(t.`id` > -1 AND t.`id` <= 5)',
    );
  });

  test('composite ranges are written out: row constructors are not range-optimised (HAZARDS 57)', () => {
    assert.equal(
      rangeCondition(three, { after: key(1, 2, 'aa'), upTo: null }),
      "((`a` > 1 OR (`a` = 1 AND (`b` > 2 OR (`b` = 2 AND `c` > x'aa')))))",
    );
    assert.equal(
      rangeCondition(three, { after: null, upTo: key(1, 2, 'aa') }),
      "((`a` < 1 OR (`a` = 1 AND (`b` < 2 OR (`b` = 2 AND `c` <= x'aa')))))",
    );
  });

  test('names are quoted, and may be those of another table (HAZARDS 58)', () => {
    const target = { columns: columns({ 'or`der': 'int' }), qualifier: 'g.' };
    assert.equal(keyEquals(id, 7, target), '(g.`or``der` = 7)');
    assert.equal(keyInList(id, [7, 8], target), '(g.`or``der` IN (7,8))');
  });

  test('an ENUM is compared by listing its ordinals', () => {
    const codec = codecOf({ e: "enum('x','y','z')" });
    const ordinal = (n: number) => codec.fromText([n]);
    const range = (after: number | null, upTo: number | null) =>
      rangeCondition(codec, {
        after: after === null ? null : ordinal(after),
        upTo: upTo === null ? null : ordinal(upTo),
      });
    assert.equal(range(1, null), '(`e` IN (2,3))');
    assert.equal(range(null, 1), '(`e` IN (0,1))');
    assert.equal(range(3, null), '(FALSE)');
  });

  test('lists: tuples, a single tuple, ENUM apart, huge numbers apart, bounded length', () => {
    assert.equal(keyInList(three, []), 'FALSE');
    assert.equal(keyInList(three, [key(1, 2, 'aa')]), "(`a` = 1 AND `b` = 2 AND `c` = x'aa')");
    assert.equal(
      keyInList(three, [key(1, 2, 'aa'), key(3, 4, '')]),
      "((`a`,`b`,`c`) IN ((1,2,x'aa'),(3,4,x'')))",
    );
    const mixed = codecOf({ e: "enum('x','y')", n: 'int' });
    const rows = [
      [1, 5],
      [2, 6],
      [1, 7],
    ].map((parts) => mixed.fromText(parts));
    assert.equal(keyInList(mixed, rows), '(`e` = 1 AND `n` IN (5,7) OR `e` = 2 AND `n` = 6)');
    const big = codecOf({ k: 'bigint unsigned' });
    const values = [1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n].map((value) => big.fromText([value]));
    assert.equal(
      keyInList(big, values),
      '(`k` IN (1,9223372036854775807) OR `k` IN (9223372036854775808,18446744073709551615))',
    );
    const many = keyInList(
      id,
      Array.from({ length: 2000 }, (_, i) => 3 * i),
    );
    assert.equal(many.match(/IN/g)?.length, 3);
  });

  // A range that covers one key more syncs a key that another batch has reserved, or that a chunk has not copied (I3).
  test('integers in a row are ranges, which cover these keys and no other', () => {
    const row = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
    const keys = [...row(-20, 32), ...row(13, 31), 45, ...row(100, 40).reverse(), 7e15];
    assert.equal(
      keyInList(id, keys),
      `(\`id\` BETWEEN -20 AND 11 OR \`id\` BETWEEN 100 AND 139 OR \`id\` IN (${row(13, 31).join(',')},45,7000000000000000))`,
    );
    assert.equal(keyInList(id, row(1, 50)), '(`id` BETWEEN 1 AND 50)');
    const decimal = { columns: columns({ id: 'decimal(10,2)' }) };
    assert.match(
      keyInList(id, row(1, 50), decimal),
      /^\(`id` IN \(1,2,/,
      'where others may lie between them',
    );
    const many = Array.from({ length: 150 }, (_, i) => row(100 * i, 40)).flat();
    const sql = keyInList(id, many);
    assert.equal(sql.match(/BETWEEN/g)?.length, 100);
    assert.equal(sql.match(/\d+/g)?.length, 200 + 50 * 40, 'each of the others is listed');
  });

  test('the server is asked where collated keys lie', () => {
    const codec = codecOf({ s: 'varchar(9) latin1_german1_ci', n: 'int' });
    const at = (text: string, n: number) => codec.fromText([Buffer.from(text).toString('hex'), n]);
    const sql = classifySql(codec, [at('b', 1)], at('c', 1), [{ after: null, upTo: at('a', 1) }]);
    const text = (hex: string) => `(_latin1 x'${hex}' COLLATE latin1_german1_ci)`;
    assert.equal(
      sql,
      `SELECT 0 AS i, CASE WHEN (${text('62')} > ${text('63')} OR (${text('62')} = ${text('63')} AND x'80000001' > x'80000001')) THEN -1 ` +
        `WHEN TRUE AND (${text('62')} < ${text('61')} OR (${text('62')} = ${text('61')} AND x'80000001' <= x'80000001')) THEN 1 ` +
        'ELSE 0 END AS place',
    );
    assert.equal(
      classifySql(id, [1, 2], null, []),
      'SELECT 0 AS i, 0 AS place UNION ALL SELECT 1 AS i, 0 AS place',
    );
    assert.equal(keyAfter(id, 3), '`id` > 3');
  });
});
