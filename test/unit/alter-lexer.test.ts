import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { type LexOptions, lex } from '../../src/core/alter/lexer.ts';

const kinds = (text: string, options?: LexOptions): string =>
  lex(text, options)
    .filter(({ kind }) => kind !== 'space')
    .map(({ kind, text: piece }) => `${kind}:${piece}`)
    .join(' | ');

describe('the lexer of ALTER text', () => {
  const cases: readonly (readonly [string, string, LexOptions?])[] = [
    ['a `b``c` d', 'word:a | identifier:`b``c` | word:d'],
    [`'it''s' 'a\\'b'`, `string:'it''s' | string:'a\\'b'`],
    [`'a\\' b`, `string:'a\\' | word:b`, { noBackslashEscapes: true }],
    [`"x" y`, `string:"x" | word:y`],
    [`"x""y" y`, `identifier:"x""y" | word:y`, { ansiQuotes: true }],
    [
      `n'a' N'b' x'41' B'01' _utf8mb4'z'`,
      `string:n'a' | string:N'b' | string:x'41' | string:B'01' | string:_utf8mb4'z'`,
    ],
    [`_utf8mb4"z"`, `string:_utf8mb4"z"`],
    [`_utf8mb4"z"`, `word:_utf8mb4 | identifier:"z"`, { ansiQuotes: true }],
    [`COMMENT'x'`, `word:COMMENT | string:'x'`],
    [
      '1 1.5 .5 1e5 1.5e-3 1e+5 0x1F 0b01',
      '1 1.5 .5 1e5 1.5e-3 1e+5 0x1F 0b01'.replace(/(\S+)( ?)/g, 'number:$1$2').replaceAll(' ', ' | '),
    ],
    ['1st 0xyz 1e $a é日', 'word:1st | word:0xyz | word:1e | word:$a | word:é日'],
    ['db.1t `d`.5', 'word:db | punctuation:. | word:1t | identifier:`d` | punctuation:. | word:5'],
    ['a -- b\nc', 'word:a | comment:-- b | word:c'],
    ['a --b', 'word:a | punctuation:- | punctuation:- | word:b'],
    ['a --', 'word:a | comment:--'],
    ['a # b /* c\nd', 'word:a | comment:# b /* c | word:d'],
    ["a/* it's , ; */b", "word:a | comment:/* it's , ; */ | word:b"],
    ['/*!80023 a*/ b', 'code-open:/*!80023 | word:a | code-close:*/ | word:b'],
    ['/*!080023 a*/', 'code-open:/*!080023 | word:a | code-close:*/'],
    ['/*!999 a*/', 'code-open:/*! | number:999 | word:a | code-close:*/'],
    ['/*M!100100 a*/', 'code-open:/*M!100100 | word:a | code-close:*/'],
    ['/*! a /* b */ c */ d', 'code-open:/*! | word:a | comment:/* b */ | word:c | code-close:*/ | word:d'],
    ['/*+ a */ b', 'comment:/*+ a */ | word:b'],
    ['a*/', 'word:a | punctuation:* | punctuation:/'],
    ['\0', 'punctuation:\0'],
    [
      '/*!90000 a /* b */ c */ d',
      'comment:/*!90000 a /* b */ c */ | word:d',
      { server: { mariadb: false, version: 80036 } },
    ],
    [
      '/*!80000 a */',
      'code-open:/*!80000 | word:a | code-close:*/',
      { server: { mariadb: false, version: 80036 } },
    ],
    ['/*M! a */', 'comment:/*M! a */', { server: { mariadb: false, version: 80036 } }],
    ['/*!80000 a */', 'comment:/*!80000 a */', { server: { mariadb: true, version: 101106 } }],
    [
      '/*!50100 a */',
      'code-open:/*!50100 | word:a | code-close:*/',
      { server: { mariadb: true, version: 101106 } },
    ],
    [
      '/*M!100100 a */',
      'code-open:/*M!100100 | word:a | code-close:*/',
      { server: { mariadb: true, version: 101106 } },
    ],
  ];
  for (const [text, expected, options] of cases) {
    it(`reads ${JSON.stringify(text)}${options ? ` with ${JSON.stringify(options)}` : ''}`, () => {
      assert.equal(kinds(text, options), expected);
    });
  }

  it('marks what is inside executable comments', () => {
    const inside = lex('a /*!80000 b /* c */ */ d').filter((token) => token.inCode && token.kind === 'word');
    assert.deepEqual(
      inside.map(({ text }) => text),
      ['b'],
    );
  });

  const open: readonly (readonly [string, RegExp])[] = [
    ["a\n  'b", /quote ' that is opened at line 2, column 3/],
    ["'a\\'", /quote '/],
    ['`a', /quote `.*line 1, column 1/],
    ["_utf8mb4'x", /line 1, column 1/],
    ['a /* b', /comment that is opened at line 1, column 3/],
    ['a /*!80000 b', /comment that is opened at line 1, column 3/],
    ['a /*! b # */', /comment/],
  ];
  for (const [text, message] of open) {
    it(`says where ${JSON.stringify(text)} is left open`, () => {
      assert.throws(
        () => lex(text),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
