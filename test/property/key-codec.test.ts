// Keys sort as the values they stand for, come back exactly, and no two values share one (HAZARDS 19, 20).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { padded, unpadded } from '../../src/core/codec/text.ts';
import type { Key } from '../../src/core/key.ts';
import type { OrderedKeyCodec } from '../../src/core/key-codec.ts';
import { makeKeyCodec } from '../../src/core/key-codec.ts';
import { column, columns } from '../unit/key-helpers.ts';

const seed = Number(process.env.POLTERGEIST_SEED ?? Date.now() % 2 ** 31);
const runs = { seed, numRuns: 2000 };
const codecOf = (...types: readonly string[]) =>
  makeKeyCodec(columns(Object.fromEntries(types.map((type, i) => [`c${i}`, type]))), {
    flavor: 'mysql',
    timestampZone: 'utc',
  });

const integers: readonly [type: string, bits: bigint, signed: boolean][] = (
  [
    ['tinyint', 8n],
    ['smallint', 16n],
    ['mediumint', 24n],
    ['int', 32n],
    ['bigint', 64n],
  ] as const
).flatMap(
  ([type, bits]) =>
    [
      [type, bits, true],
      [`${type} unsigned`, bits, false],
    ] as [string, bigint, boolean][],
);

function image(value: bigint, bits: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(Number(bits), value));
  return bytes.subarray(0, Number(bits / 8n));
}

/** Any value of the type, the edges of safe integers among them. */
function anyOf(bits: bigint, signed: boolean): fc.Arbitrary<bigint> {
  const min = signed ? -(1n << (bits - 1n)) : 0n;
  const max = min + (1n << bits) - 1n;
  const edges = [1n << 53n, -(1n << 53n)].flatMap((edge) => [-1n, 0n, 1n].map((d) => edge + d));
  const inside = [min, min + 1n, -1n, 0n, max, ...edges].filter((value) => value >= min && value <= max);
  return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(...inside));
}

const order = (a: bigint | string, b: bigint | string) => (a < b ? -1 : a > b ? 1 : 0);
const sign = (codec: OrderedKeyCodec, a: Key, b: Key) => Math.sign(codec.compare(a, b));

describe(`key codec, seed ${seed}`, () => {
  for (const [type, bits, signed] of integers)
    test(`${type}, alone and in a tuple`, () => {
      const alone = codecOf(type);
      const tuple = codecOf(type, 'int');
      const keyOf = (value: bigint) => {
        const bytes = image(value, bits);
        const key = alone.fromImage(bytes, [0], [bytes.length]);
        assert.equal(key, alone.fromText([value]));
        assert.deepEqual(alone.literals(key as Key), [String(value)]);
        const both = tuple.fromImage(
          Buffer.concat([bytes, Buffer.alloc(4)]),
          [0, bytes.length],
          [bytes.length, bytes.length + 4],
        );
        assert.deepEqual(tuple.literals(both as Key), [String(value), '0']);
        return [key, both] as [Key, Key];
      };
      const values = anyOf(bits, signed);
      fc.assert(
        fc.property(values, values, (a, b) => {
          const [one, other] = [keyOf(a), keyOf(b)];
          assert.equal(sign(alone, one[0], other[0]), order(a, b));
          assert.equal(sign(tuple, one[1], other[1]), order(a, b));
          assert.equal(one[0] === other[0], a === b);
        }),
        runs,
      );
    });

  test('tuples of binaries sort part by part and come back', () => {
    const codec = codecOf('varbinary(9)', 'int', 'varbinary(9)', 'varbinary(9)');
    const bytes = fc
      .array(fc.constantFrom(0, 1, 0x61, 0xfe, 0xff), { maxLength: 4 })
      .map((a) => Buffer.from(a).toString('hex'));
    const tuple = fc.tuple(bytes, fc.integer({ min: -2, max: 2 }), bytes, bytes);
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        const [one, other] = [codec.fromText(a), codec.fromText(b)];
        assert.deepEqual(codec.literals(one), [`x'${a[0]}'`, String(a[1]), `x'${a[2]}'`, `x'${a[3]}'`]);
        const differs = a.findIndex((part, i) => part !== b[i]);
        const expected =
          differs < 0
            ? 0
            : differs === 1
              ? Math.sign(a[1] - b[1])
              : order(a[differs] as string, b[differs] as string);
        assert.equal(sign(codec, one, other), expected);
      }),
      runs,
    );
  });

  for (const [precision, scale] of [
    [65, 30],
    [10, 0],
    [5, 5],
    [18, 9],
    [19, 7],
    [1, 0],
  ] as const)
    test(`decimal(${precision},${scale})`, () => {
      const codec = codecOf(`decimal(${precision},${scale})`);
      const limit = 10n ** BigInt(precision) - 1n;
      const digits = fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -9n, max: 9n }));
      const textOf = (value: bigint) => {
        const text = String(value < 0n ? -value : value).padStart(scale + 1, '0');
        const point = text.length - scale;
        return `${value < 0n ? '-' : ''}${text.slice(0, point)}${scale === 0 ? '' : `.${text.slice(point)}`}`;
      };
      fc.assert(
        fc.property(digits, digits, (a, b) => {
          const [one, other] = [codec.fromText([textOf(a)]), codec.fromText([textOf(b)])];
          assert.deepEqual(codec.literals(one), [textOf(a)]);
          assert.equal(sign(codec, one, other), order(a, b));
        }),
        runs,
      );
    });

  for (const digits of [0, 1, 2, 3, 4, 5, 6])
    test(`time(${digits}) and datetime(${digits})`, () => {
      const [time, datetime] = [codecOf(`time(${digits})`), codecOf(`datetime(${digits})`)];
      const two = (value: number) => String(value).padStart(2, '0');
      const clock = fc.record({
        negative: fc.boolean(),
        hour: fc.constantFrom(0, 1, 23, 838),
        minute: fc.constantFrom(0, 1, 59),
        second: fc.constantFrom(0, 1, 59),
        part: fc.integer({ min: 0, max: 10 ** digits - 1 }),
      });
      type Clock = typeof clock extends fc.Arbitrary<infer T> ? T : never;
      const part = (c: Clock) => (digits === 0 ? '' : `.${String(c.part).padStart(digits, '0')}`);
      const size = (c: Clock) => ((c.hour * 60 + c.minute) * 60 + c.second) * 10 ** digits + c.part;
      const value = (c: Clock) => (c.negative ? -size(c) : size(c));
      const timeText = (c: Clock) =>
        `${c.negative && size(c) > 0 ? '-' : ''}${two(c.hour)}:${two(c.minute)}:${two(c.second)}${part(c)}`;
      const dateText = (c: Clock) =>
        `${String(c.hour).padStart(4, '0')}-${two(c.minute % 13)}-${two(c.second % 32)} ` +
        `${two(c.hour % 24)}:${two(c.minute)}:${two(c.second)}${part(c)}`;
      fc.assert(
        fc.property(clock, clock, (a, b) => {
          const [one, other] = [time.fromText([timeText(a)]), time.fromText([timeText(b)])];
          assert.deepEqual(time.literals(one), [`TIME'${timeText(a)}'`]);
          // Adding 0 makes a 0 of -0, which is what two zeros of different signs differ by.
          assert.equal(sign(time, one, other), Math.sign(value(a) - value(b)) + 0);
          const [early, late] = [datetime.fromText([dateText(a)]), datetime.fromText([dateText(b)])];
          assert.deepEqual(datetime.literals(early), [`TIMESTAMP'${dateText(a)}'`]);
          assert.equal(sign(datetime, early, late), order(dateText(a), dateText(b)));
        }),
        runs,
      );
    });

  test('PAD SPACE: bytes sort as the texts do with endless spaces behind them', () => {
    const text = fc
      .array(fc.constantFrom('\0', '\t', ' ', ' ', '!', 'a', '\xff'), { maxLength: 8 })
      .map((a) => a.join(''));
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(unpadded(padded(a)), a.replace(/ +$/, ''));
        assert.equal(order(padded(a), padded(b)), order(a.padEnd(9, ' '), b.padEnd(9, ' ')));
      }),
      runs,
    );
    const codec = makeKeyCodec([column('k', 'char(9) latin1_bin')], {
      flavor: 'mysql',
      timestampZone: 'utc',
    });
    assert.equal(codec.comparable, true);
  });
});
