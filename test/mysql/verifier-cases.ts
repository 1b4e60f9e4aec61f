// The columns that the verifier is tried on: what they were, what they become, what they hold, and wrong values for the ghost.

/** One column of the original and what the ALTER makes of it. Values are SQL. */
export interface ColumnCase {
  readonly from: string;
  readonly to: string;
  readonly values: readonly string[];
  /** For the row with that number (from 1), something that the ghost must not hold. */
  readonly wrong: readonly (readonly [row: number, value: string])[];
  readonly only?: 'mysql' | 'mariadb';
  /** The chunk comparison is known to be too strict here: the server's own conversion must judge. */
  readonly judged?: boolean;
}

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

const labels: readonly ColumnCase[] = [
  {
    from: "ENUM('a','b','c')",
    to: "ENUM('c','b','a','d')",
    values: ["'a'", "'c'", 'NULL'],
    wrong: [
      [1, "'c'"],
      [3, "'a'"],
    ],
  },
  { from: "ENUM('a','b')", to: "ENUM('a','b','c')", values: ["'a'", "'b'"], wrong: [[1, "'c'"]] },
  { from: "ENUM('a','b')", to: "ENUM('a','b')", values: ["'a'", "'b'"], wrong: [[1, "'b'"]] },
  { from: "ENUM('a','b')", to: 'VARCHAR(9)', values: ["'a'"], wrong: [[1, "'b'"]] },
  { from: 'VARCHAR(9)', to: "ENUM('a','b')", values: ["'a'", "'B'"], wrong: [[1, "'b'"]] },
  {
    from: "SET('x','y')",
    to: "SET('y','z','x')",
    values: ["'x,y'", "''", 'NULL'],
    wrong: [
      [1, "'x'"],
      [2, "'z'"],
      [3, "''"],
    ],
  },
  { from: "SET('x','y')", to: 'VARCHAR(9)', values: ["'x,y'"], wrong: [[1, "'y,x'"]] },
];

const temporals: readonly ColumnCase[] = [
  {
    from: 'DATE',
    to: 'DATETIME(3)',
    values: ["'2020-02-29'", "'0000-00-00'"],
    wrong: [
      [1, "'2020-02-29 00:00:00.001'"],
      [2, 'NULL'],
    ],
  },
  {
    from: 'DATETIME(6)',
    to: 'DATETIME',
    values: ["'2020-01-01 23:59:59.999999'", 'NULL'],
    wrong: [
      [1, "'2020-01-01 00:00:00'"],
      [2, "'0000-00-00'"],
    ],
  },
  {
    from: 'TIMESTAMP(3) NULL',
    to: 'DATETIME',
    values: ["'2020-01-01 00:00:00.600'"],
    wrong: [[1, "'2020-01-01 00:00:02'"]],
  },
  {
    from: 'TIMESTAMP NULL',
    to: 'DATETIME',
    values: ["'2020-06-01 12:00:00'"],
    wrong: [[1, "'2020-06-01 14:00:00'"]],
  },
  {
    from: 'DATETIME NULL',
    to: 'TIMESTAMP NULL',
    values: ["'2020-06-01 12:00:00'"],
    wrong: [[1, "'2020-06-01 14:00:00'"]],
  },
  {
    from: 'TIMESTAMP(3) NULL',
    to: 'TIMESTAMP(3) NULL',
    values: ["'2020-01-01 00:00:00.600'", 'NULL'],
    wrong: [
      [1, "'2020-01-01 00:00:00.601'"],
      [2, "'0000-00-00'"],
    ],
  },
  {
    from: 'TIMESTAMP(6) NULL',
    to: 'TIMESTAMP(3) NULL',
    values: ["'2020-01-01 00:00:00.6006'"],
    wrong: [[1, "'2020-01-01 00:00:00.605'"]],
  },
  {
    from: 'TIME(6)',
    to: 'TIME(2)',
    values: ["'-838:59:58.995'", "'00:00:00'"],
    wrong: [
      [1, "'-838:59:58.50'"],
      [2, 'NULL'],
    ],
  },
  { from: 'DATETIME', to: 'DATE', values: ["'2020-01-01 00:00:00'"], wrong: [[1, "'2020-01-02'"]] },
];

const others: readonly ColumnCase[] = [
  {
    from: 'JSON',
    to: 'JSON',
    values: ['\'{"a": [1, 2.0, null]}\'', "'null'", 'NULL'],
    wrong: [
      [1, '\'{"a": [1, 2, null]}\''],
      [2, 'NULL'],
      [3, "'null'"],
    ],
  },
  { from: 'JSON', to: 'LONGTEXT', values: ['\'{"a": 1}\''], wrong: [[1, '\'{"a":1}\'']] },
  { from: 'LONGTEXT', to: 'JSON', values: ['\'{"a":   1}\''], wrong: [[1, '\'{"a": 2}\'']] },
  {
    from: 'POINT',
    to: 'GEOMETRY',
    values: ["ST_GeomFromText('POINT(1 2)')"],
    wrong: [
      [1, "ST_GeomFromText('POINT(2 1)')"],
      [1, "ST_GeomFromText('POINT(1 2)', 4326)"],
      [1, 'NULL'],
    ],
  },
  {
    from: 'VECTOR(3)',
    to: 'VECTOR(3)',
    only: 'mysql',
    values: ["TO_VECTOR('[1,2,3]')", 'NULL'],
    wrong: [
      [1, "TO_VECTOR('[1,2,4]')"],
      [1, 'NULL'],
    ],
  },
  {
    from: 'UUID',
    to: 'UUID',
    only: 'mariadb',
    values: ["'45d92cac-e600-11f1-8414-02fc00000001'", 'NULL'],
    wrong: [
      [1, "'45d92cac-e600-11f1-8414-02fc00000002'"],
      [2, "'00000000-0000-0000-0000-000000000000'"],
    ],
  },
  {
    from: 'CHAR(36)',
    to: 'UUID',
    only: 'mariadb',
    values: ["'45D92CAC-e600-11f1-8414-02fc00000001'"],
    wrong: [[1, "'45d92cac-e600-11f1-8414-02fc00000002'"]],
  },
  { from: 'INET6', to: 'INET6', only: 'mariadb', values: ["'::1'"], wrong: [[1, "'::2'"]] },
];

/** Every case. */
export const columnCases: readonly ColumnCase[] = [...numbers, ...texts, ...labels, ...temporals, ...others];
