// Columns whose values are neither numbers nor plain texts: see verifier-cases.ts.
import type { ColumnCase } from './verifier-case.ts';

/** As many labels as a SET can have. */
const most = `SET(${Array.from({ length: 64 }, (_, i) => `'l${i}'`).join()})`;

const labels: readonly ColumnCase[] = [
  {
    from: most,
    to: most,
    values: ["'l0,l63'", "'l1,l62'", "''", 'NULL'],
    wrong: [
      [1, "'l1,l63'"],
      [1, "'l0'"],
      [2, "'l0,l62'"],
      [3, 'NULL'],
      [4, "''"],
    ],
  },
  {
    from: most,
    to: most.replace("'l0','l1'", "'l1','l0'"),
    values: ["'l0,l63'", "'l1,l63'"],
    wrong: [
      [1, "'l1,l63'"],
      [2, "'l0,l63'"],
    ],
  },
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
  { from: "ENUM('a','b')", to: "ENUM('a','b') NOT NULL", values: ["'a'", "''"], wrong: [[2, "'a'"]] },
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
    from: 'TIMESTAMP NULL',
    to: 'TIMESTAMP NULL',
    values: ["'2038-01-19 03:14:07'", "'0000-00-00'", 'NULL'],
    wrong: [
      [1, "'2038-01-19 03:14:06'"],
      [2, 'NULL'],
      [3, "'0000-00-00'"],
    ],
  },
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
      [1, '\'{"a": [1, 2.5, null]}\''],
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

/** Of each type that the cases above do not have: the ghost holds something near, nothing, or NULL. */
const unchanged = (from: string, value: string, near: string, nothing: string): ColumnCase => ({
  ...{ from, to: from, values: [value, nothing, 'NULL'] },
  wrong: [
    [1, near],
    [2, 'NULL'],
    [3, nothing],
  ],
});
const remaining: readonly ColumnCase[] = [
  unchanged('SMALLINT', '-32768', '-32767', '0'),
  unchanged('SMALLINT UNSIGNED', '65535', '65534', '0'),
  unchanged('MEDIUMINT', '-8388608', '-8388607', '0'),
  unchanged('MEDIUMINT UNSIGNED', '16777215', '16777214', '0'),
  unchanged('INT UNSIGNED', '4294967295', '4294967294', '0'),
  unchanged('TIME', "'-838:59:59'", "'838:59:59'", "'00:00:00'"),
  unchanged('DATE', "'9999-12-31'", "'9999-12-30'", "'0000-00-00'"),
  unchanged('TINYTEXT', "REPEAT('x', 255)", "REPEAT('x', 254)", "''"),
  unchanged('MEDIUMTEXT', "CONCAT(REPEAT('é', 70000), 'a')", "CONCAT(REPEAT('é', 70000), 'b')", "''"),
  unchanged('TINYBLOB', "x'00ff00'", "x'00ff'", "''"),
  unchanged('MEDIUMBLOB', "CONCAT(REPEAT(x'00', 70000), 'a')", "CONCAT(REPEAT(x'00', 70000), 'b')", "''"),
  unchanged('LONGBLOB', "REPEAT(x'ff00', 100000)", "REPEAT(x'00ff', 100000)", "''"),
  {
    from: 'LINESTRING',
    to: 'LINESTRING',
    values: ["ST_GeomFromText('LINESTRING(0 0, 1 1)')", 'NULL'],
    wrong: [
      [1, "ST_GeomFromText('LINESTRING(1 1, 0 0)')"],
      [2, "ST_GeomFromText('LINESTRING(0 0, 1 1)')"],
    ],
  },
  {
    from: 'POLYGON',
    to: 'GEOMETRY',
    values: ["ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))')"],
    wrong: [[1, "ST_GeomFromText('POLYGON((0 0, 1 0, 1 2, 0 0))')"]],
  },
  {
    from: 'GEOMETRYCOLLECTION',
    to: 'GEOMETRYCOLLECTION',
    values: ["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))')"],
    wrong: [[1, "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')"]],
  },
  { from: 'INET4', to: 'INET4', only: 'mariadb', values: ["'1.2.3.4'"], wrong: [[1, "'1.2.3.5'"]] },
];

/** Every case of this file. */
export const otherCases: readonly ColumnCase[] = [...labels, ...temporals, ...others, ...remaining];
