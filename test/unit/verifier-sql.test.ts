// What the comparison asks the server: nothing may look alike that is not, and nothing may be read without
// an index.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareColumns } from '../../src/core/comparison.ts';
import { ComparisonSql } from '../../src/core/comparison-sql.ts';
import { makeKeyCodec, renamedCodec } from '../../src/core/key-codec.ts';
import type { HashField } from '../../src/core/row-hash.ts';
import type { Column } from '../../src/core/table.ts';
import { verifyPercent } from '../../src/ops/verify-option.ts';

function column(name: string, columnType: string, over: Partial<Column> = {}): Column {
  const text = /char|text|enum|set/.test(columnType);
  return {
    ...{ name, ordinal: 0, columnType, dataType: columnType.replace(/[( ].*/, '') },
    ...{ unsigned: / unsigned/.test(columnType), nullable: false },
    ...{ charset: text ? 'utf8mb4' : null, collation: text ? 'utf8mb4_bin' : null },
    ...{ lengthChars: Number(/\((\d+)\)/.exec(columnType)?.[1] ?? 0) || null, lengthBytes: null },
    ...{ precision: null, scale: null, fractionDigits: null, generated: 'no', invisible: false },
    ...{ autoIncrement: false, defaultText: null },
    ...over,
  };
}

function texts(from: Column, to: Column): { source: string; ghost: string } {
  const compared = compareColumns(from, to);
  assert.ok(compared);
  return { source: compared.source.text('o').join(), ghost: compared.ghost.text('g').join() };
}

function fields(from: Column, to: Column): { source: HashField; ghost: HashField } {
  const compared = compareColumns(from, to);
  assert.ok(compared);
  return { source: compared.source.field('o'), ghost: compared.ghost.field('g') };
}

describe('comparison expressions', () => {
  const nullable = { nullable: true };

  it('tell NULL from nothing, and say how long a text is', () => {
    assert.deepEqual(texts(column('a', 'int', nullable), column('a', 'bigint', nullable)), {
      source: 'o,ISNULL(o)',
      ghost: 'g,ISNULL(g)',
    });
    assert.equal(texts(column('a', 'int'), column('a', 'int')).source, 'o');
    const text = texts(column('a', 'varchar(9)', nullable), column('a', 'varchar(9)', nullable));
    assert.deepEqual(text, { source: 'o,IFNULL(LENGTH(o), -1)', ghost: 'g,IFNULL(LENGTH(g), -1)' });
  });

  it('are numbers of as many bits on both sides, as wide as any where a type changes', () => {
    assert.deepEqual(fields(column('a', 'int', nullable), column('a', 'int')), {
      source: { sql: 'o', bits: 32, nullable: true },
      ghost: { sql: 'g', bits: 32, nullable: false },
    });
    assert.equal(fields(column('a', 'int'), column('a', 'smallint')).ghost.bits, 64);
    const text = { sql: 'CRC32(g)', bits: 32, nullable: false };
    assert.deepEqual(fields(column('a', 'varchar(9)'), column('a', 'varchar(9)')).ghost, text);
    const old = column('a', 'varchar(9)', { charset: 'latin1', collation: 'latin1_bin' });
    const converted = { sql: 'CRC32(CONVERT(o USING utf8mb4))', bits: 32, nullable: true };
    assert.deepEqual(
      fields(old, column('a', 'varchar(9)')).source,
      converted,
      'a conversion may come to NULL',
    );
  });

  it('take a SET for bits: as a double (+ 0 on MySQL) 64 labels would lose the last', () => {
    assert.deepEqual(fields(column('a', "set('x')"), column('a', "set('x')")).ghost.sql, '(g | 0)');
  });

  it('cast the original to what the ghost has, and leave the ghost alone', () => {
    const money = column('a', 'decimal(9,2)', { precision: 9, scale: 2 });
    assert.equal(texts(column('a', 'double'), money).source, 'CAST(o AS DECIMAL(9,2))');
    const old = column('a', 'varchar(9)', { charset: 'latin1', collation: 'latin1_bin' });
    assert.equal(
      texts(old, column('a', 'varchar(9)')).source,
      'CONVERT(o USING utf8mb4),LENGTH(CONVERT(o USING utf8mb4))',
    );
    const stamp = column('a', 'timestamp', { fractionDigits: 0 });
    assert.equal(texts(stamp, stamp).source, 'UNIX_TIMESTAMP(o)');
    assert.equal(
      texts(stamp, column('a', 'datetime', { fractionDigits: 0 })).source,
      'CAST(o AS DATETIME(0))',
    );
  });

  it('put what may be longer than a packet into a checksum of its own', () => {
    const text = column('a', 'longtext');
    assert.equal(texts(text, text).source, 'CRC32(o),LENGTH(o)');
    const json = column('a', 'json', { charset: null, collation: null });
    assert.equal(texts(json, json).source, 'CRC32(o),LENGTH(o)');
  });

  it('are not made where nobody can tell what the value becomes', () => {
    const time = column('a', 'time', { fractionDigits: 0 });
    assert.equal(compareColumns(time, column('a', 'datetime', { fractionDigits: 0 })), null);
    assert.equal(compareColumns(column('a', 'xmltype'), column('a', 'int')), null);
    assert.ok(compareColumns(column('a', 'xmltype'), column('a', 'xmltype')));
  });
});

describe('comparison statements', () => {
  const [id, name] = [column('id', 'int'), column('na`me', 'varchar(9)')];
  const codec = makeKeyCodec([id], { flavor: 'mysql', timestampZone: 'utc' });
  const sql = new ComparisonSql({
    original: { schema: 's', name: 't' },
    ghost: { schema: 's', name: '_t_gho' },
    probe: { schema: 's', name: 'probe' },
    columns: [compareColumns(id, id)!, compareColumns(name, column('label', 'varchar(9)'))!],
    ...{ keyName: 'PRIMARY', ghostIndexName: 'PRIMARY', ghostRanges: true, codec },
    ghostCodec: renamedCodec(codec, [column('nr', 'bigint')]),
  });

  it('compare a range on both sides in one statement, by the columns of each', () => {
    const text = sql.aggregate({ after: 5, upTo: 9 });
    assert.match(text, /FROM `s`\.`t` AS o FORCE INDEX \(`PRIMARY`\) WHERE \(o\.`id` > 5 AND o\.`id` <= 9\)/);
    assert.match(
      text,
      /FROM `s`\.`_t_gho` AS g FORCE INDEX \(`PRIMARY`\) WHERE \(g\.`nr` > 5 AND g\.`nr` <= 9\)/,
    );
    assert.match(text, /BIT_XOR\(CRC32\(\(\(\(\(o\.`id` << 0\) \^ \(CRC32\(o\.`na``me`\) << 32\)\) % /);
    assert.match(text, /CRC32\(g\.`label`\)/);
    assert.equal(
      text.split('COUNT(*) AS n').length - 1,
      2,
      'rows that cancel out under BIT_XOR are counted on both sides',
    );
  });

  it('leave rows that wait for their sync out on both sides, by the columns of each', () => {
    const text = sql.aggregate({ after: 5, upTo: 9 }, [6, 8]);
    assert.match(text, /o\.`id` <= 9\) AND NOT \(o\.`id` IN \(6,8\)\) UNION ALL/);
    assert.match(text, /g\.`nr` <= 9\) AND NOT \(g\.`nr` IN \(6,8\)\)$/);
  });

  it('can go on without a column', () => {
    const without = sql.without('na`me');
    assert.doesNotMatch(without.aggregate({ after: null, upTo: null }), /label|na``me/);
    assert.equal(sql.columns.length, 2);
  });
});

describe('--verify', () => {
  it('is full, off, or a sample', () => {
    assert.deepEqual(['full', 'off', 'sample:2.5', 'sample:100'].map(verifyPercent), [100, 0, 2.5, 100]);
    for (const wrong of ['', 'yes', 'sample', 'sample:0', 'sample:101', 'sample:x', 'sample:-1'])
      assert.throws(() => verifyPercent(wrong), /--verify=/);
  });
});
