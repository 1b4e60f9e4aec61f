import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../src/base/errors.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';
import { type LexOptions, lex } from '../../src/core/alter/lexer.ts';
import { isSignificant } from '../../src/core/alter/token.ts';

const options: fc.Arbitrary<LexOptions> = fc.record({
  ansiQuotes: fc.boolean(),
  noBackslashEscapes: fc.boolean(),
  server: fc.constantFrom(undefined, { mariadb: false, version: 80036 }, { mariadb: true, version: 101106 }),
});

/** Pieces that have broken parsers of ALTER text. */
const nasty = fc.constantFrom(
  ...["'", '"', '`', "''", '\\', "\\'", '--', '-- ', '#', '\n', '/*', '*/', '/*!', '/*!80023', '/*M!100100'],
  ...[
    ',',
    ';',
    '(',
    ')',
    '.',
    '1',
    '1.5',
    '.5',
    '0x1f',
    '1a',
    '_utf8mb4',
    "n'",
    "x'",
    'é',
    '😀',
    '\ud800',
    '\0',
  ],
  ...[
    'ADD',
    'DROP',
    'RENAME',
    'TO',
    'COLUMN',
    'PARTITION',
    'BY',
    'ORDER',
    'ALTER',
    'TABLE',
    ' ',
    '=',
    'LOCK',
  ],
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(nasty, { maxLength: 25 }).map((pieces) => pieces.join('')),
  fc.array(nasty, { maxLength: 25 }).map((pieces) => pieces.join(' ')),
);

/** Runs `use`, where a UsageError is a good answer and everything else is not. */
function tolerate<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return undefined;
  }
}

const words = (source: string, given: LexOptions): readonly string[] =>
  lex(source, given)
    .filter(isSignificant)
    .map((token) => token.text);

describe('ALTER text, any at all', () => {
  it('is never changed by the lexer', () => {
    fc.assert(
      fc.property(text, options, (source, given) => {
        const tokens = tolerate(() => lex(source, given));
        if (!tokens) return;
        assert.equal(tokens.map((token) => token.text).join(''), source);
        for (const token of tokens) assert.equal(source.slice(token.start).startsWith(token.text), true);
        assert.ok(tokens.every((token) => token.text.length > 0));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads the same after it has been rendered, with something appended', () => {
    fc.assert(
      fc.property(text, options, (source, given) => {
        const alter = tolerate(() => parseAlter(source, given));
        if (!alter) return;
        const before = words(alter.directText, given);
        assert.deepEqual(words(`${alter.directText}, FORCE`, given), [...before, ',', 'FORCE']);
      }),
      // Found by chance: the semicolon gone, a comment was left.
      {
        numRuns: 2000,
        examples: [['----;', { ansiQuotes: false, noBackslashEscapes: false, server: undefined }]],
      },
    );
  });
});

const name = fc.constantFrom('a', '`b`', '`select`', '`x,y`', '`a``b`', 'Ünï', "`it's`", '`col(1)`');
const blank = fc.constantFrom(
  ' ',
  '  ',
  '\n',
  '\t',
  ' /* , ; */ ',
  ' -- , RENAME TO x\n',
  " # it's\n",
  '/**/',
);
const literal = fc.constantFrom("'a,b'", "'it''s;'", "'\\','", '"x,y"', "'RENAME TO z'", "'/*'", "'-- '");
const clause = fc.oneof(
  fc.tuple(name, literal).map(([n, l]) => ['ADD', 'COLUMN', n, 'VARCHAR(20)', 'DEFAULT', l]),
  fc.tuple(name).map(([n]) => ['DROP', 'COLUMN', n]),
  fc.tuple(name, name).map(([n, m]) => ['ADD', 'INDEX', n, `(${m},a)`]),
  fc.tuple(literal).map(([l]) => ['COMMENT', '=', l]),
  fc.tuple(name, fc.constantFrom("ENUM('a,b','c')", 'DECIMAL(10,2)')).map(([n, t]) => ['MODIFY', n, t]),
);
const noise = fc.constantFrom(['LOCK', '=', 'NONE'], ['ALGORITHM', '=', 'COPY'], ['algorithm', 'default']);

describe('ALTER text, well formed', () => {
  it('is cut into exactly the clauses it was made of', () => {
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 6 }), blank, (clauses, space) => {
        const texts = clauses.map((parts) => parts.join(space));
        const source = `${space}ALTER${space}TABLE${space}db.t${space}${texts.join(`${space},${space}`)}${space};`;
        const alter = parseAlter(source);
        assert.deepEqual(
          alter.clauses.map((one) => one.text),
          texts,
        );
        assert.deepEqual([alter.schema, alter.table], ['db', 't']);
      }),
      { numRuns: 500 },
    );
  });

  it('loses its ALGORITHM and LOCK and nothing else, wherever they stand', () => {
    const marked = fc.oneof(
      clause.map((parts) => ({ parts, stays: true })),
      noise.map((parts) => ({ parts, stays: false })),
    );
    fc.assert(
      fc.property(
        fc.array(marked, { minLength: 1, maxLength: 7 }),
        blank,
        fc.boolean(),
        (all, space, code) => {
          const list = all.map(({ parts }) => parts.join(space)).join(',');
          const source = code ? `/*!50000 ${list} */` : list;
          const kept = all.filter(({ stays }) => stays).map(({ parts }) => parts.join(' '));
          assert.deepEqual(words(parseAlter(source).text, {}), words(kept.join(','), {}));
        },
      ),
      { numRuns: 500 },
    );
  });
});
