// The hash by which all rows are compared: what the server would reckon is reckoned here, by the same expression.
// fast-check prints its seed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { type HashField, rowHash } from '../../src/core/row-hash.ts';

type Value = bigint | null;
const limit = 1n << 64n;

/** The words' sum, which CRC32 makes the hash of. */
function sumOf(fields: readonly HashField[], row: readonly Value[]): bigint {
  let sum = -1n;
  const body = rowHash(fields)
    .replace(/\(f(\d+) << (\d+)\)/g, 'shifted(row[$1], $2n)')
    .replace(/\b\d{4,}\b/g, '$&n');
  const shifted = (value: Value, by: bigint): Value =>
    value === null ? null : BigInt.asUintN(64, value << by);
  const ifNull = (value: Value, other: bigint): bigint => value ?? other;
  const keep = (value: bigint): number => {
    sum = value;
    return 0;
  };
  new Function('row', 'shifted', 'IFNULL', 'CRC32', `return ${body}`)(row, shifted, ifNull, keep);
  return sum;
}

function hashOf(fields: readonly HashField[], row: readonly Value[]): number {
  return crc32(String(sumOf(fields, row)));
}

const bits = fc.constantFrom(8, 16, 24, 32, 36, 64);
const shapes = fc.array(fc.record({ bits, nullable: fc.boolean() }), { minLength: 1, maxLength: 40 });
const toFields = (shape: readonly { bits: number; nullable: boolean }[]): HashField[] =>
  shape.map((each, i) => ({ sql: `f${i}`, ...each }));

/** Small numbers, ends of the range, and negative ones, as tables have them. */
const valuesOf = ({ bits, nullable }: HashField): fc.Arbitrary<Value> => {
  const ends = [0n, 1n, -1n, 2n, 255n & ((1n << BigInt(bits - 1)) - 1n), (1n << BigInt(bits - 1)) - 1n];
  const any: fc.Arbitrary<Value>[] = [fc.constantFrom(...ends), fc.bigInt({ min: -128n, max: 127n })];
  return fc.oneof(...any, ...(nullable ? [fc.constant(null)] : []));
};
const rowOf = (fields: readonly HashField[]): fc.Arbitrary<Value[]> => fc.tuple(...fields.map(valuesOf));

describe('hash of a row', () => {
  it('never overflows, whatever the fields hold', () => {
    fc.assert(
      fc.property(
        shapes.map(toFields).chain((fields) => fc.tuple(fc.constant(fields), rowOf(fields))),
        ([fields, row]) => {
          const sum = sumOf(fields, row);
          assert.ok(sum >= 0n && sum < limit);
          const words = rowHash(fields).matchAll(/% (\d+) \* (\d+)/g);
          for (const [, modulus, factor] of words)
            assert.ok((BigInt(modulus!) - 1n) * BigInt(factor!) < limit);
        },
      ),
    );
  });

  it('differs for rows that differ, in one field or in several, also by NULL alone', () => {
    fc.assert(
      fc.property(
        shapes.map(toFields).chain((fields) => fc.tuple(fc.constant(fields), rowOf(fields), rowOf(fields))),
        ([fields, one, two]) => {
          const same = one.every((value, i) => value === two[i]);
          assert.equal(sumOf(fields, one) === sumOf(fields, two), same);
          for (const [i, value] of two.entries()) {
            if (value === one[i]) continue;
            assert.notEqual(sumOf(fields, one.with(i, value)), sumOf(fields, one), `field ${i}`);
          }
        },
      ),
    );
  });

  it('differs where two columns of a row have swapped their values', () => {
    fc.assert(
      fc.property(
        shapes.map(toFields).chain((fields) => fc.tuple(fc.constant(fields), rowOf(fields))),
        ([fields, row]) => {
          for (let i = 1; i < fields.length; i++) {
            const [one, two] = [fields[i - 1]!, fields[i]!];
            const alike = one.bits === two.bits && one.nullable === two.nullable;
            if (!alike || row[i] === row[i - 1]) continue;
            const swapped = row.with(i, row[i - 1]!).with(i - 1, row[i]!);
            assert.notEqual(sumOf(fields, swapped), sumOf(fields, row));
          }
        },
      ),
    );
  });

  it('does not cancel out under BIT_XOR when two rows have swapped a value', () => {
    fc.assert(
      fc.property(
        shapes
          .filter(({ length }) => length > 1)
          .map(toFields)
          .chain((fields) => fc.tuple(fc.constant(fields), rowOf(fields), rowOf(fields))),
        ([fields, one, two]) => {
          for (const i of fields.keys()) {
            const others = one.some((value, j) => j !== i && value !== two[j]);
            if (one[i] === two[i] || !others) continue;
            const before = hashOf(fields, one) ^ hashOf(fields, two);
            const after = hashOf(fields, one.with(i, two[i]!)) ^ hashOf(fields, two.with(i, one[i]!));
            assert.notEqual(after, before, `field ${i}`);
          }
        },
      ),
    );
  });

  it('a text and the CRC32 of it that stands in a column of its own do not cancel out', () => {
    const fields = toFields([
      { bits: 32, nullable: false },
      { bits: 32, nullable: false },
    ]);
    const [old, changed] = [BigInt(crc32('http://old')), BigInt(crc32('http://new'))];
    assert.notEqual(sumOf(fields, [old, old]), sumOf(fields, [changed, changed]));
  });

  it('is nested a few levels deep for a table with as many columns as there can be', () => {
    const sql = rowHash(toFields(Array.from({ length: 1017 }, () => ({ bits: 64, nullable: true }))));
    let [depth, deepest] = [0, 0];
    for (const character of sql) {
      if (character === '(') deepest = Math.max(deepest, ++depth);
      else if (character === ')') depth--;
    }
    assert.ok(deepest <= 10, `${deepest}`);
  });
});
