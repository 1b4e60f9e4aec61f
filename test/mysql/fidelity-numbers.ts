// Numbers: what fits is converted as the server converts it, what does not fit is an error that names it.
import { type FidelityCase, fails, insert } from './fidelity-case.ts';

const integers = ['TINYINT', 'SMALLINT', 'MEDIUMINT', 'INT', 'BIGINT'];
const limits = [127n, 32767n, 8388607n, 2147483647n, 9223372036854775807n];
const wide = integers.slice(0, -1);

/** Columns s0.. signed, u0.. unsigned, each filled to its limits. */
function widening(): FidelityCase {
  const columns = wide.flatMap((type, i) => [`s${i} ${type}`, `u${i} ${type} UNSIGNED`]);
  const names = wide.flatMap((_, i) => [`s${i}`, `u${i}`]).join(', ');
  const row = (pick: (limit: bigint) => [bigint, bigint]): string =>
    wide.flatMap((_, i) => pick(limits[i]!)).join(', ');
  const to = wide.flatMap((_, i) => [
    `MODIFY s${i} ${integers[i + 1]}`,
    `MODIFY u${i} ${integers[i + 1]} UNSIGNED NOT NULL`,
  ]);
  return {
    name: 'integers become wider',
    create: `CREATE TABLE t (id INT PRIMARY KEY, ${columns.join(', ')})`,
    data: [
      insert(names, [
        row((limit) => [limit, limit * 2n + 1n]),
        row((limit) => [-limit - 1n, 0n]),
        row(() => [0n, 1n]),
      ]),
    ],
    alter: to.join(', '),
  };
}

const filler = Array.from({ length: 25 }, (_, i) => String(i));

/** The cases of this kind. */
export const numberCases: readonly FidelityCase[] = [
  widening(),
  {
    name: 'integers become narrower, and all fits',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BIGINT, b BIGINT UNSIGNED, c INT, d INT UNSIGNED)',
    data: [insert('a, b, c, d', ['127, 255, -32768, 16777215', '-128, 0, 32767, 0', 'NULL, NULL, 0, 1'])],
    alter: 'MODIFY a TINYINT, MODIFY b TINYINT UNSIGNED, MODIFY c SMALLINT, MODIFY d MEDIUMINT UNSIGNED',
  },
  {
    name: 'an integer does not fit: row and column are named',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: [insert('a', filler), 'UPDATE t SET a = 128 WHERE id = 17'],
    alter: 'MODIFY a TINYINT',
    postponed: [],
    expect: fails('id=17', "column 'a'", 'Out of range'),
  },
  {
    name: 'an integer that does not fit comes while the cut-over is put off',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: [insert('a', filler)],
    alter: 'MODIFY a TINYINT',
    postponed: ['UPDATE t SET a = a + 1', 'UPDATE t SET a = 1000 WHERE id = 9'],
    expect: fails('id=9', "column 'a'"),
  },
  {
    name: 'signed and unsigned, both ways, where it fits',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b BIGINT UNSIGNED, c BIGINT)',
    data: [insert('a, b, c', ['0, 0, 0', '2147483647, 9223372036854775807, 9223372036854775807'])],
    alter: 'MODIFY a INT UNSIGNED, MODIFY b BIGINT, MODIFY c BIGINT UNSIGNED',
  },
  {
    name: 'a negative number becomes unsigned',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BIGINT)',
    data: [insert('a', [...filler, '-1'])],
    alter: 'CHANGE a b BIGINT UNSIGNED',
    postponed: [],
    expect: fails('id=26', "column 'b'"),
  },
  {
    name: 'the greatest unsigned number becomes signed',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BIGINT UNSIGNED)',
    data: [insert('a', ['18446744073709551615'])],
    alter: 'MODIFY a BIGINT',
    postponed: [],
    expect: fails('id=1', "column 'a'"),
  },
  {
    name: 'DECIMAL gets other scales: rounded half away from zero, with a note, in strict mode too',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(20,6), b DECIMAL(65,30), c DECIMAL(10,2), ' +
      'd DECIMAL(5,2))',
    data: [
      insert('a, b, c, d', [
        '1.005000, 1.005, 1.25, 999.99',
        '-1.005000, -1.005, -1.25, -999.99',
        '2.675001, 99999999999999999999999999999999999.999999999999999999999999999999, 0.05, 0.01',
        'NULL, -0.000000000000000000000000000001, 99999999.99, 0',
      ]),
    ],
    alter: 'MODIFY a DECIMAL(20,2), MODIFY b DECIMAL(65,2), MODIFY c DECIMAL(10,1), MODIFY d DECIMAL(30,20)',
  },
  {
    name: 'DECIMAL has too many digits before the point',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(10,2))',
    data: [insert('a', [...filler, '999999.99'])],
    alter: 'MODIFY a DECIMAL(8,3)',
    postponed: [],
    expect: fails('id=26', "column 'a'"),
  },
  {
    name: 'FLOAT, DOUBLE, DECIMAL and integers into one another',
    create: `CREATE TABLE t (id INT PRIMARY KEY, f FLOAT, g FLOAT, d DOUBLE, e DOUBLE, h DOUBLE, i INT,
      j BIGINT,
      k DECIMAL(30,10), l DECIMAL(30,10))`,
    data: [
      insert('f, g, d, e, h, i, j, k, l', [
        '0.1, 3.4028234e38, 0.1, 2.5, 1e15, 16777217, 9007199254740993, 0.1, 1.5',
        '-0.0, 1.17549435e-38, -0.0, -2.5, 123456.789, -1, -9223372036854775808, -0.1, -2.5',
        '16777216, 1e-45, 1e-10, 3.5, -1e-5, 0, 1, 12345678901234567890.0123456789, 2147483647',
        'NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY f DOUBLE, MODIFY g DOUBLE, MODIFY d FLOAT, MODIFY e INT, MODIFY h DECIMAL(20,3), ' +
      'MODIFY i FLOAT, ' +
      'MODIFY j DOUBLE, MODIFY k DOUBLE, MODIFY l INT',
  },
  {
    name: 'a DOUBLE is too great for a FLOAT',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DOUBLE)',
    data: [insert('a', [...filler, '1e300'])],
    alter: 'MODIFY a FLOAT',
    postponed: [],
    expect: fails('id=26', "column 'a'"),
  },
  {
    name: 'numbers become text and text becomes numbers',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a BIGINT, b DECIMAL(20,5), c DOUBLE, d FLOAT, e VARCHAR(30),
      f VARCHAR(30), g TEXT, h INT(5) ZEROFILL)`,
    data: [
      insert('a, b, c, d, e, f, g, h', [
        "-9223372036854775808, 1.10000, 0.1, 0.1, '42', '1.10', '1e3', 7",
        "9223372036854775807, -0.00001, 1e300, 3.4e38, '-7', '-0.5', '-2.5', 12345",
        'NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a VARCHAR(30), MODIFY b VARCHAR(30), MODIFY c VARCHAR(30), MODIFY d VARCHAR(30), ' +
      'MODIFY e INT, ' +
      'MODIFY f DECIMAL(10,2), MODIFY g DOUBLE, MODIFY h VARCHAR(10)',
  },
  {
    name: 'a text is no number',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20))',
    data: [insert('a', [...filler, "'12 monkeys'"])],
    alter: 'MODIFY a INT',
    postponed: [],
    expect: fails('id=26', "column 'a'"),
  },
  {
    name: 'BIT wider, narrower, to and from integers',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a BIT(1), b BIT(64), c BIT(8), d TINYINT UNSIGNED, e BIT(16))',
    data: [
      insert('a, b, c, d, e', [
        "b'1', 0xFFFFFFFFFFFFFFFF, b'11111111', 255, 0x00FF",
        "b'0', 0x8000000000000000, b'0', 0, 0x0000",
        'NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter: 'MODIFY a BIT(7), MODIFY b BIGINT UNSIGNED, MODIFY c INT, MODIFY d BIT(9), MODIFY e BIT(8)',
  },
  {
    name: 'BIT does not fit',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a BIT(9))',
    data: [insert('a', [...filler.map(() => "b'1'"), "b'100000000'"])],
    alter: 'MODIFY a BIT(8)',
    postponed: [],
    expect: fails('id=26', "column 'a'"),
  },
  {
    name: 'YEAR from and to integers',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a YEAR, b INT, c YEAR)',
    data: [insert('a, b, c', ['0, 1901, 2155', '1901, 2155, 1970', '2155, 0, 0', 'NULL, NULL, NULL'])],
    alter: 'MODIFY a SMALLINT, MODIFY b YEAR, MODIFY c CHAR(4)',
  },
];
