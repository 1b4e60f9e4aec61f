// Strings: converted from charset to charset as the server does, and an error where a character or a byte
// would be lost.
import { type FidelityCase, fails, insert, mariadbOnly, mysqlOnly } from './fidelity-case.ts';

const filler = Array.from({ length: 12 }, (_, i) => `'row ${i}'`);

/** One column of each charset with characters that only just exist there. */
const charsets: readonly (readonly [name: string, charset: string, literals: readonly string[]])[] = [
  ['l', 'latin1', ["_latin1 x'E9FF80'", "_latin1 x'818D9D'", "'ÿ€ž'"]],
  ['u', 'utf8mb3', ["'grün ﷽'", "'中文 ￿'", "'é'"]],
  ['g', 'gbk', ["'中文'", "_gbk x'8140'", "_gbk x'B5C4' /* x5C */"]],
  ['s', 'sjis', ["'ソ表能'", "_sjis x'835C'", "_sjis x'B1B2'"]],
  ['c', 'ucs2', ["'中é'", "_ucs2 x'0000FFFD'", "''"]],
  ['a', 'ascii', ["'plain'", "'~'", "'\\0'"]],
  ['m', 'utf8mb4', ["'😀'", "'\\0 \\\\ '", "'ｅ́'"]],
];
const names = charsets.map(([name]) => name).join(', ');
const rows = [0, 1, 2].map((i) => charsets.map(([, , literals]) => literals[i]).join(', '));
const definitions = charsets.map(([name, charset]) => `${name} VARCHAR(20) CHARACTER SET ${charset}`);

/** The cases of this kind. */
export const textCases: readonly FidelityCase[] = [
  {
    name: 'every charset becomes utf8mb4, column by column',
    create: `CREATE TABLE t (id INT PRIMARY KEY, ${definitions.join(', ')})`,
    data: [insert(names, [...rows, charsets.map(() => 'NULL').join(', ')])],
    alter: charsets.map(([name]) => `MODIFY ${name} VARCHAR(30) CHARACTER SET utf8mb4`).join(', '),
  },
  {
    name: 'CONVERT TO CHARACTER SET: all columns at once, TEXT grows',
    create: `CREATE TABLE t (id INT PRIMARY KEY, ${definitions.join(', ')}, x TEXT CHARACTER SET latin1,
      y CHAR(4) CHARACTER SET latin1, z TINYTEXT CHARACTER SET utf8mb3, b BLOB) CHARACTER SET latin1`,
    data: [
      insert(
        `${names}, x, y, z, b`,
        rows.map((row) => `${row}, REPEAT('é', 60000), 'é  ', 'é', x'FF00'`),
      ),
    ],
    alter: 'CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
  },
  {
    name: 'utf8mb4 becomes latin1, utf8mb3, gbk, sjis and ucs2 where every character is there',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, l TEXT, u TEXT, g TEXT, s TEXT, c TEXT) CHARACTER SET utf8mb4',
    data: [insert('l, u, g, s, c', ["'é€', '中﷽', '中文', 'ソ表能', '中é'", "'', '', '', '', ''"])],
    alter:
      'MODIFY l VARCHAR(9) CHARACTER SET latin1, MODIFY u VARCHAR(9) CHARACTER SET utf8mb3, ' +
      'MODIFY g VARCHAR(9) CHARACTER SET gbk, MODIFY s TEXT CHARACTER SET sjis, ' +
      'MODIFY c TEXT CHARACTER SET ucs2',
  },
  ...(
    [
      ['utf8mb3', "'smile 😀'"],
      ['latin1', "'中'"],
      ['sjis', "'é'"],
      ['gbk', "'😀'"],
      ['ascii', "'ü'"],
    ] as const
  ).map(
    ([charset, text]): FidelityCase => ({
      name: `a character does not exist in ${charset}`,
      create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) CHARACTER SET utf8mb4)',
      data: [insert('a', [...filler, text])],
      alter: `MODIFY a VARCHAR(20) CHARACTER SET ${charset}`,
      postponed: [],
      expect: fails('id=13', "column 'a'", 'Incorrect string value'),
    }),
  ),
  {
    name: 'strings get shorter, CHAR and VARCHAR and TEXT into one another: only spaces may go',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b CHAR(10), c TEXT, d VARCHAR(10),
      e VARCHAR(300),
      f LONGTEXT) CHARACTER SET utf8mb4`,
    data: [
      insert('a, b, c, d, e, f', [
        "'abcd', 'abc', 'text  ', 'pad  ', 'é    ', 'long'",
        "'é', ' b', '', ' ', REPEAT('é', 20), REPEAT('x', 65000)",
        "'', '', 'é😀', '\\t\\n', 'x', ''",
        'NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a VARCHAR(4), MODIFY b VARCHAR(3), MODIFY c VARCHAR(6), MODIFY d CHAR(3), MODIFY e TINYTEXT, ' +
      'MODIFY f TEXT',
  },
  {
    name: 'trailing spaces would be lost: an error for VARCHAR, as it is in the ALTER',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20))',
    data: [insert('a', [...filler, "'123456789 '"])],
    alter: 'MODIFY a VARCHAR(9)',
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'a BLOB is too long by just what its length byte can hold: MariaDB would store it as empty',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BLOB, b MEDIUMTEXT)',
    data: [
      insert(
        'a, b',
        filler.map((text) => `${text}, ${text}`),
      ),
      "UPDATE t SET a = REPEAT('x', 256) WHERE id = 4",
    ],
    alter: 'MODIFY a TINYBLOB, MODIFY b TEXT',
    postponed: [],
    expect: fails('id=4', "column 'a'"),
  },
  {
    name: 'TEXT and BLOB become shorter where all fits',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b LONGBLOB, c LONGTEXT CHARACTER SET latin1, d JSON)',
    data: [
      insert('a, b, c, d', [
        "REPEAT('é', 127), x'00FF', REPEAT('é', 65535), '[1]'",
        "'', '', '', '{}'",
        'NULL, NULL, NULL, NULL',
      ]),
    ],
    alter: 'MODIFY a TINYTEXT, MODIFY b TINYBLOB, MODIFY c TEXT CHARACTER SET latin1, MODIFY d TEXT',
  },
  {
    name: 'a string is too long',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20))',
    data: [insert('a', [...filler, "'12345678 9'"])],
    alter: 'CHANGE a `b` VARCHAR(9)',
    postponed: [],
    expect: fails('id=13', "column 'b'"),
  },
  {
    name: 'a TEXT is too long for a TINYTEXT, and comes while the cut-over is put off',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT)',
    data: [insert('a', filler)],
    alter: 'MODIFY a TINYTEXT',
    copying: [],
    postponed: ["UPDATE t SET a = REPEAT('é', 128) WHERE id = 5"],
    expect: fails('id=5', "column 'a'"),
  },
  {
    name: 'BINARY and VARBINARY: padding comes and stays, zero bytes are bytes',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a BINARY(5), b BINARY(5), c VARBINARY(9), d VARBINARY(9),
      e BLOB,
      f VARBINARY(9))`,
    data: [
      insert('a, b, c, d, e, f', [
        "x'61', x'6100000000', x'6100', x'20', x'00', x'6100'",
        "x'0000000001', x'FF', x'', x'', x'', x''",
        "x'', x'2020', x'000000', x'00', x'FF00', x'20'",
        'NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a BINARY(9), MODIFY b VARBINARY(5), MODIFY c BINARY(9), MODIFY d BLOB, ' +
      'MODIFY e VARBINARY(2), MODIFY f BINARY(2)',
  },
  {
    name: 'a BINARY is too long',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BINARY(5))',
    data: [insert('a', ["x'FF00000000'"])],
    alter: 'MODIFY a BINARY(4)',
    postponed: [],
    expect: fails('id=1', "column 'a'"),
  },
  {
    name: 'bytes become text where they are text, and text becomes bytes',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a VARBINARY(30), b BLOB, c BINARY(6),
      d VARCHAR(9) CHARACTER SET gbk,
      e TEXT CHARACTER SET utf8mb4, f VARBINARY(9))`,
    data: [
      insert('a, b, c, d, e, f', [
        "'é😀', '中', 'abc', '中文', 'é', x'E9'",
        "'', '', 'abcdef', '', '', x'80'",
        'NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a VARCHAR(30) CHARACTER SET utf8mb4, MODIFY b TEXT CHARACTER SET utf8mb4, ' +
      'MODIFY c CHAR(6) CHARACTER SET latin1, ' +
      'MODIFY d VARBINARY(20), MODIFY e BLOB, MODIFY f VARCHAR(9) CHARACTER SET latin1',
  },
  {
    name: 'bytes are no text',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BLOB)',
    data: [insert('a', [...filler, "x'61FF62'"])],
    alter: 'MODIFY a TEXT CHARACTER SET utf8mb4',
    postponed: [],
    expect: fails('id=13', "column 'a'", 'Incorrect string value'),
  },
  {
    name: 'collations change: bytes stay',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) COLLATE utf8mb4_bin,
      b CHAR(9) COLLATE utf8mb4_unicode_ci,
      KEY (a)) CHARACTER SET utf8mb4`,
    data: [insert('a, b', ["'a', 'a '", "'A', 'A'", "'ä  ', 'ä'", "'', ''"])],
    alter:
      'MODIFY a VARCHAR(9) COLLATE utf8mb4_unicode_ci, MODIFY b CHAR(9) COLLATE utf8mb4_bin, ' +
      'COLLATE utf8mb4_bin',
  },
  {
    name: 'JSON in all its inner types, copied and into text',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a JSON, b JSON, c VARCHAR(9))',
    data: [
      insert(
        'a, b, c',
        [
          'CAST(1.10 AS DECIMAL(5,2))',
          '1.0e0',
          '-0.0e0',
          "TIMESTAMP'2024-11-03 01:30:00.123456'",
          "TIME'-838:59:59'",
          "DATE'2024-02-29'",
          "CAST(x'00FF' AS BINARY)",
          "b'101'",
          '18446744073709551615',
          '-9223372036854775808',
          '1e308',
          "'😀\\\\\" \\0'",
          'TRUE',
          'NULL',
          "JSON_OBJECT('__proto__', 1, 'constructor', JSON_ARRAY(), '', 0.1e0)",
          "ST_GeomFromText('POINT(1 2)')",
        ].map((value) => `JSON_ARRAY(${value}), JSON_OBJECT('k', ${value}), 'x'`),
      ),
      "INSERT INTO t VALUES (90, 'null', '\"null\"', 'x'), (91, NULL, '1.10', 'y'), (92, '[1.0, 1, -0.0, " +
        "1e2]', '{}', '')",
    ],
    alter: 'MODIFY b LONGTEXT CHARACTER SET utf8mb4, MODIFY c VARCHAR(20)',
  },
  {
    name: 'text becomes JSON',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT CHARACTER SET utf8mb4)',
    data: [insert('a', ["'1.10'", '\'{"__proto__": 1, "a": [1.0, -0.0]}\'', "'null'", 'NULL', '\'"😀"\''])],
    alter: 'MODIFY a JSON',
  },
  {
    name: 'a text is no JSON',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TEXT)',
    data: [insert('a', ["'{}'", "'{'"])],
    alter: 'MODIFY a JSON',
    postponed: [],
    expect: fails('id=2', /Invalid JSON|CONSTRAINT `t?.*a` failed/),
  },
  {
    name: 'MariaDB: UUID, INET6 and COMPRESSED columns',
    ...mariadbOnly,
    create: `CREATE TABLE t (id INT PRIMARY KEY, u UUID, v CHAR(36), i INET6, j VARBINARY(16),
      c TEXT COMPRESSED,
      d VARCHAR(500), e BINARY(16))`,
    data: [
      insert('u, v, i, j, c, d, e', [
        "'123e4567-e89b-12d3-a456-426655440000', '123e4567-e89b-12d3-a456-426655440000', '::ffff:1.2.3.4', " +
          "x'00', REPEAT('a', 5000), REPEAT('b', 400), x'123e4567e89b12d3a456426655440000'",
        "'00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '::', x'FF', '', " +
          "'', x'00'",
        'NULL, NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY u CHAR(36), MODIFY v UUID, MODIFY i VARCHAR(40), MODIFY c TEXT, ' +
      'MODIFY d VARCHAR(500) COMPRESSED, ' +
      'MODIFY e UUID',
  },
];
