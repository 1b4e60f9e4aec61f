// Random tables, random rows, random images: what the walker finds is what the encoder wrote. fast-check prints its seed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { GtidSet } from '../../src/mysql/binlog/gtid-set.ts';
import { readPayload } from '../../src/mysql/binlog/payload.ts';
import { sqlTokens } from '../../src/mysql/binlog/sql-tokens.ts';
import { type EncodedColumn, event, format, lenenc, rows, tableMap } from '../unit/binlog-encoder.ts';
import { column, followPlain, makeKit } from '../unit/binlog-reader-kit.ts';

/** A column type with a generator of values as they lie in a row (prefix included) and the bare value. */
interface Kind {
  readonly column: EncodedColumn;
  readonly fixed: number;
  readonly prefix: number;
}

const fixedKind = (type: number, fixed: number, meta: number[] = []): Kind => ({
  column: { type, meta },
  fixed,
  prefix: 0,
});
const textKind = (type: number, prefix: number, meta: number[]): Kind => ({
  column: { type, meta },
  fixed: 0,
  prefix,
});

const KINDS: Kind[] = [
  ...[fixedKind(1, 1), fixedKind(2, 2), fixedKind(9, 3), fixedKind(3, 4), fixedKind(8, 8), fixedKind(13, 1)],
  ...[
    fixedKind(4, 4, [4]),
    fixedKind(5, 8, [8]),
    fixedKind(10, 3),
    fixedKind(18, 8, [6]),
    fixedKind(17, 5, [2]),
  ],
  ...[
    fixedKind(19, 4, [1]),
    fixedKind(246, 30, [65, 30]),
    fixedKind(246, 4, [9, 9]),
    fixedKind(16, 2, [1, 1]),
  ],
  ...[
    fixedKind(254, 2, [247, 2]),
    fixedKind(254, 8, [248, 8]),
    textKind(15, 1, [255, 0]),
    textKind(15, 2, [0, 1]),
  ],
  ...[
    textKind(254, 1, [254, 40]),
    textKind(254, 2, [0xce, 0xfc]),
    textKind(252, 1, [1]),
    textKind(252, 2, [2]),
  ],
  ...[
    textKind(252, 3, [3]),
    textKind(252, 4, [4]),
    textKind(245, 4, [4]),
    textKind(255, 4, [4]),
    textKind(242, 4, [4]),
  ],
  ...[textKind(140, 2, [2]), textKind(141, 2, [44, 1])],
];

function encodeValue(kind: Kind, value: Buffer): Buffer {
  if (kind.prefix === 0) return value;
  const prefix = Buffer.alloc(kind.prefix);
  prefix.writeUIntLE(value.length, 0, kind.prefix);
  return Buffer.concat([prefix, value]);
}

const kindArb = fc.constantFrom(...KINDS);
const bytesArb = (kind: Kind): fc.Arbitrary<Buffer> =>
  (kind.prefix === 0
    ? fc.uint8Array({ minLength: kind.fixed, maxLength: kind.fixed })
    : fc.uint8Array({ maxLength: kind.prefix === 1 ? 40 : 400 })
  ).map((value) => Buffer.from(value));

/** null: NULL. */
const rowArb = (kinds: readonly Kind[]): fc.Arbitrary<(Buffer | null)[]> =>
  fc.tuple(...kinds.map((kind) => fc.option(bytesArb(kind), { nil: null, freq: 4 })));

const tableArb = fc.array(kindArb, { minLength: 1, maxLength: 20 }).chain((kinds) =>
  fc.record({
    kinds: fc.constant(kinds),
    keys: fc.uniqueArray(fc.nat({ max: kinds.length - 1 }), { minLength: 1, maxLength: 3 }),
    type: fc.constantFrom(23, 24, 25, 30, 31, 32),
    first: fc.array(fc.oneof({ arbitrary: fc.constant(true), weight: 5 }, fc.boolean()), {
      minLength: kinds.length,
      maxLength: kinds.length,
    }),
    second: fc.array(fc.boolean(), { minLength: kinds.length, maxLength: kinds.length }),
    minimal: fc.boolean(),
    pairs: fc.array(fc.tuple(rowArb(kinds), rowArb(kinds)), { minLength: 1, maxLength: 8 }),
  }),
);

const WRITES = [23, 30];
const UPDATES = [24, 31];

describe('rows of random tables', () => {
  test('touches are those of the rows', () => {
    fc.assert(
      fc.property(tableArb, ({ kinds, keys, type, first, second, minimal, pairs }) => {
        const kit = makeKit();
        followPlain(
          kit,
          't',
          'a',
          kinds.map((_, i) => column(i, 'x')),
          keys,
        );
        const image = (row: readonly (Buffer | null)[], present: readonly boolean[]) =>
          row.map((value, i) =>
            minimal && !present[i] ? undefined : value && encodeValue(kinds[i]!, value),
          );
        const isUpdate = UPDATES.includes(type);
        const images = pairs.flatMap(([before, after]) =>
          isUpdate ? [image(before, first), image(after, second)] : [image(before, first)],
        );
        kit.feed(
          format(1),
          tableMap(
            9,
            't',
            'a',
            kinds.map((kind) => kind.column),
          ),
          rows(type, 9, kinds.length, images),
        );

        const keyOf = (row: readonly (Buffer | null | undefined)[]): string | null =>
          keys.some((at) => row[at] == null) ? null : keys.map((at) => row[at]!.toString('hex')).join('/');
        const hide = (row: readonly (Buffer | null)[], present: readonly boolean[]) =>
          row.map((value, i) => (minimal && !present[i] ? undefined : value));
        const expected: string[] = [];
        let absent = false;
        for (const [one, two] of pairs) {
          const before = hide(one, first);
          if (!isUpdate) {
            const key = keyOf(before);
            if (key === null) absent = true;
            else expected.push(`${WRITES.includes(type) ? '+' : '-'}${key}`);
            continue;
          }
          const after = hide(two, second).map((value, i) => (value === undefined ? before[i] : value));
          const [old, now] = [keyOf(before), keyOf(after)];
          if (old === null || now === null) absent = true;
          if (old !== null && old !== now) expected.push(`-${old}`);
          if (now !== null) expected.push(`+${now}`);
        }
        assert.deepEqual(
          kit.sink.log.filter((line) => !line.startsWith('!')),
          expected,
        );
        assert.equal(kit.sink.log.includes('!key-absent'), absent);
      }),
      { numRuns: 400 },
    );
  });

  test('the compressed rows of MariaDB are the same rows', () => {
    fc.assert(
      fc.property(rowArb([KINDS[3]!, KINDS[17]!]), (row) => {
        const kinds = [KINDS[3]!, KINDS[17]!];
        const plain = rows(23, 9, 2, [row.map((value, i) => value && encodeValue(kinds[i]!, value))], {
          checksum: false,
        });
        // Header, table id and flags, number of columns, bitmap: then the rows.
        const data = plain.subarray(19 + 8 + 1 + 1);
        const packed = Buffer.concat([
          Buffer.of(0x82, data.length >> 8, data.length & 0xff),
          deflateSync(data),
        ]);
        const kit = makeKit();
        followPlain(kit, 't', 'a', [column(0, 'x'), column(1, 'x')], [0, 1]);
        kit.feed(
          format(1),
          tableMap(
            9,
            't',
            'a',
            kinds.map((kind) => kind.column),
          ),
        );
        kit.feed(event(166, Buffer.concat([plain.subarray(19, 29), packed])));
        const key = row.some((value) => value === null)
          ? null
          : row.map((value) => value!.toString('hex')).join('/');
        assert.deepEqual(kit.sink.log, [key === null ? '!key-absent' : `+${key}`]);
      }),
    );
  });

  test('damaged rows never hang and never give more than they have', () => {
    fc.assert(
      fc.property(
        tableArb,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ kinds, type, pairs }, at, flip) => {
          const kit = makeKit();
          followPlain(
            kit,
            't',
            'a',
            kinds.map((_, i) => column(i, 'x')),
            [0],
          );
          const image = (row: readonly (Buffer | null)[]) =>
            row.map((value, i) => value && encodeValue(kinds[i]!, value));
          const images = pairs.flatMap(([one, two]) =>
            UPDATES.includes(type) ? [image(one), image(two)] : [image(one)],
          );
          const bytes = rows(type, 9, kinds.length, images, { checksum: false });
          bytes[19 + 6 + (at % (bytes.length - 25))]! ^= flip;
          kit.feed(
            format(0),
            tableMap(
              9,
              't',
              'a',
              kinds.map((kind) => kind.column),
              { checksum: false },
            ),
          );
          try {
            kit.feed(bytes);
          } catch (error) {
            assert.match(String((error as Error).name), /Failure|RangeError/);
          }
          assert.ok(kit.sink.log.length <= 2 * bytes.length);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('other shapes', () => {
  test('GTID sets agree with a set of numbers, in whatever order they come', () => {
    const gtid = fc.tuple(fc.constantFrom('a', 'b', 'b:tag'), fc.integer({ min: 1, max: 30 }));
    const uuid = (name: string): string =>
      name.replace(/^(.)/, (c) => `${c.repeat(8)}-1111-1111-1111-111111111111`);
    fc.assert(
      fc.property(fc.array(gtid, { maxLength: 60 }), (list) => {
        let set = GtidSet.parse('');
        const model = new Set<string>();
        for (const [name, number] of list) {
          set = set.add(uuid(name), number);
          model.add(`${uuid(name)}#${number}`);
        }
        const again = GtidSet.parse(set.toString());
        assert.equal(again.toString(), set.toString());
        for (const name of ['a', 'b', 'b:tag']) {
          for (let number = 1; number <= 31; number++) {
            const has = model.has(`${uuid(name)}#${number}`);
            assert.equal(set.has(uuid(name), number), has);
            assert.equal(again.has(uuid(name), number), has);
          }
        }
      }),
    );
  });

  test('uncompressed payloads are cut into their events', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 }), (bodies) => {
        const inner = bodies.map((body) => event(29, Buffer.from(body), { checksum: false }));
        const data = Buffer.concat(inner);
        const fields = [
          Buffer.of(2, 3, 252, 255, 0),
          Buffer.of(1),
          lenenc(lenenc(data.length).length),
          lenenc(data.length),
        ];
        const bytes = event(40, Buffer.concat([...fields, Buffer.of(0), data]), { checksum: false });
        const seen: Buffer[] = [];
        readPayload(bytes, 0, bytes.length, (b, start, end) =>
          seen.push(Buffer.from(b.subarray(start, end))),
        );
        assert.deepEqual(seen, inner);
      }),
    );
  });

  test('the tokenizer ends on any text, and finds a quoted name among any', () => {
    const noise = fc.stringMatching(/^[a-z 0-9.,()=]{0,20}$/);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), noise, fc.string({ minLength: 1 }), (text, head, name) => {
        for (const _ of sqlTokens(text, { ansiQuotes: false, noBackslash: false })) void _;
        const sql = `${head} \`${name.replaceAll('`', '``')}\` ${head}`;
        const tokens = [...sqlTokens(sql, { ansiQuotes: false, noBackslash: false })];
        assert.ok(
          tokens.some((token) => token.kind === 'quoted' && token.text === name),
          sql,
        );
      }),
    );
  });
});
