// The columns that the verifier is tried on: what they were, what they become, what they hold, and wrong
// values for the ghost.

import type { ColumnCase } from './verifier-case.ts';
import { otherCases } from './verifier-cases-other.ts';

const numbers: readonly ColumnCase[] = [
  {
    from: 'INT',
    to: 'BIGINT',
    values: ['0', '-5', 'NULL'],
    wrong: [
      [1, 'NULL'],
      [3, '0'],
      [2, '5'],
    ],
  },
  {
    from: 'INT(6) ZEROFILL',
    to: 'INT UNSIGNED',
    values: ['7', '0'],
    wrong: [
      [1, '70'],
      [2, '1'],
    ],
  },
  { from: 'INT', to: 'INT(9) ZEROFILL', values: ['7'], wrong: [[1, '8']] },
  {
    from: 'BIGINT UNSIGNED',
    to: 'DECIMAL(20,0)',
    values: ['18446744073709551615', '0'],
    wrong: [
      [1, '18446744073709551614'],
      [2, 'NULL'],
    ],
  },
  {
    from: 'DECIMAL(10,4)',
    to: 'DECIMAL(10,2)',
    values: ['1.2350', '-1.0050', 'NULL', '0'],
    wrong: [
      [1, '1.23'],
      [3, '0'],
    ],
  },
  {
    from: 'DECIMAL(10,2)',
    to: 'INT',
    values: ['2.50', '-2.50', '3.49'],
    wrong: [
      [1, '2'],
      [3, '4'],
    ],
  },
  {
    from: 'DOUBLE',
    to: 'INT',
    values: ['2.5', '3.5', '-0.5', '1e8'],
    wrong: [
      [1, '1'],
      [4, '100000001'],
    ],
  },
  {
    from: 'FLOAT',
    to: 'FLOAT',
    values: ['0.1', '16777217', 'NULL'],
    wrong: [
      [1, '0.10000001'],
      [2, '16777218'],
    ],
  },
  { from: 'FLOAT', to: 'DOUBLE', values: ['0.1', '1e30'], wrong: [[1, '0.1']] },
  {
    from: 'DOUBLE',
    to: 'FLOAT',
    values: ['0.1', '1234567.891'],
    wrong: [
      [1, '0.11'],
      [2, '1234568'],
    ],
  },
  { from: 'DOUBLE', to: 'DOUBLE', values: ['0.1', '-0.0', '1e300'], wrong: [[1, '0.10000000000000002']] },
  {
    from: 'BIT(5)',
    to: 'BIT(12)',
    values: ["b'101'", "b'0'", 'NULL'],
    wrong: [
      [1, "b'111'"],
      [3, "b'0'"],
    ],
  },
  {
    from: 'BIT(64)',
    to: 'BIT(64)',
    values: ["b'1111111111111111111111111111111111111111111111111111111111111111'", 'NULL'],
    wrong: [
      [1, "b'1111111111111111111111111111111111111111111111111111111111111110'"],
      [2, "b'0'"],
    ],
  },
  {
    from: 'BIGINT UNSIGNED',
    to: 'BIGINT UNSIGNED',
    values: ['18446744073709551615', '9223372036854775808', 'NULL', '0'],
    wrong: [
      [1, '18446744073709551614'],
      [2, '9223372036854775807'],
      [2, 'NULL'],
      [3, '0'],
      [3, '11400714819323198485'],
      [4, 'NULL'],
    ],
  },
  {
    from: 'BIGINT',
    to: 'BIGINT NOT NULL',
    values: ['-1', '-9223372036854775808'],
    wrong: [
      [1, '9223372036854775807'],
      [1, '0'],
      [2, '-9223372036854775807'],
    ],
  },
  {
    from: 'TINYINT',
    to: 'TINYINT',
    values: ['-1', '0', 'NULL', '127'],
    wrong: [
      [1, '1'],
      [1, '0'],
      [2, 'NULL'],
      [3, '0'],
      [3, '-1'],
      [4, '-128'],
    ],
  },
  { from: 'BIT(8)', to: 'INT', values: ["b'101'"], wrong: [[1, '6']] },
  { from: 'YEAR', to: 'INT', values: ['1999', '0'], wrong: [[1, '1998']] },
  {
    from: 'INT',
    to: 'YEAR',
    values: ['1999', '5', '85'],
    wrong: [
      [2, '2006'],
      [3, '1986'],
    ],
  },
  {
    from: 'VARCHAR(20)',
    to: 'BIGINT',
    values: ["'12'", "'9007199254740993'"],
    wrong: [
      [1, '13'],
      [2, '9007199254740991'],
    ],
    judged: true,
  },
];

const texts: readonly ColumnCase[] = [
  {
    from: 'VARCHAR(20) CHARACTER SET latin1',
    to: 'VARCHAR(20) CHARACTER SET utf8mb4',
    values: ["'caf\u00e9'", "''", 'NULL'],
    wrong: [
      [1, "'cafe'"],
      [2, 'NULL'],
      [3, "''"],
      [2, "'0'"],
    ],
  },
  {
    from: 'VARCHAR(20) CHARACTER SET utf8mb4',
    to: 'VARCHAR(20) CHARACTER SET utf16',
    values: ["'\u00e9\u4e2d'", "''"],
    wrong: [
      [1, "'\u00e8\u4e2d'"],
      [2, "' '"],
    ],
  },
  {
    from: 'VARCHAR(20) CHARACTER SET utf8mb4',
    to: 'VARCHAR(20) CHARACTER SET gbk',
    values: ["'\u4e2d\u6587'"],
    wrong: [[1, "'\u4e2d'"]],
  },
  {
    from: 'CHAR(10)',
    to: 'VARCHAR(10)',
    values: ["'ab'", "'ab  '"],
    wrong: [
      [1, "'ab '"],
      [2, "'aB'"],
    ],
  },
  {
    from: 'VARCHAR(10)',
    to: 'CHAR(10)',
    values: ["'ab  '", "''"],
    wrong: [
      [1, "'ab c'"],
      [2, "'x'"],
    ],
  },
  {
    from: 'VARCHAR(10)',
    to: 'VARCHAR(4)',
    values: ["'abcd'", "'ab  '"],
    wrong: [
      [1, "'abc'"],
      [2, "'ab '"],
    ],
  },
  {
    from: 'TEXT',
    to: 'MEDIUMTEXT',
    values: ["'long'", "''", 'NULL'],
    wrong: [
      [1, "'lonG'"],
      [2, 'NULL'],
      [3, "''"],
    ],
  },
  {
    from: 'INT',
    to: 'VARCHAR(20)',
    values: ['5', 'NULL'],
    wrong: [
      [1, "'05'"],
      [2, "'0'"],
    ],
  },
  { from: 'INT(5) ZEROFILL', to: 'VARCHAR(20)', values: ['7'], wrong: [[1, "'7'"]] },
  { from: 'FLOAT', to: 'VARCHAR(30)', values: ['0.1'], wrong: [[1, "'0.10000000149011612'"]] },
  {
    from: 'DATETIME(3)',
    to: 'VARCHAR(30)',
    values: ["'2020-01-02 03:04:05.678'"],
    wrong: [[1, "'2020-01-02 03:04:05'"]],
  },
  { from: 'VARCHAR(10)', to: 'VARBINARY(10)', values: ["'ab '"], wrong: [[1, "'ab'"]] },
  {
    from: 'BINARY(4)',
    to: 'BINARY(6)',
    values: ["x'01ff'", "x''"],
    wrong: [
      [1, "x'01ff000001'"],
      [2, 'NULL'],
    ],
  },
  { from: 'BINARY(4)', to: 'VARBINARY(8)', values: ["x'01ff'"], wrong: [[1, "x'01ff'"]] },
  { from: 'VARBINARY(6)', to: 'BINARY(6)', values: ["x'01'", "x'010000'"], wrong: [[1, "x'02'"]] },
  {
    from: 'BLOB',
    to: 'LONGBLOB',
    values: ["x'00ff'", "x''"],
    wrong: [
      [1, "x'00'"],
      [2, "x'00'"],
    ],
  },
];

/** Every case. */
export const columnCases: readonly ColumnCase[] = [...numbers, ...texts, ...otherCases];
