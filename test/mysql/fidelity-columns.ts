// Columns that come, go, or are computed: what old rows get in them.
import {
  equalExcept,
  type FidelityCase,
  fails,
  insert,
  mariadbOnly,
  mysqlOnly,
  stricter,
} from './fidelity-case.ts';

const plain = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}, 'v${i}'`);
const simple = 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))';
const names = [
  'TINYINT',
  'INT UNSIGNED',
  'DECIMAL(9,3)',
  'FLOAT',
  'DOUBLE',
  'BIT(3)',
  'CHAR(3)',
  'VARCHAR(9)',
  'TEXT',
];
const more = ['BINARY(3)', 'VARBINARY(9)', 'BLOB', "ENUM('x','y')", "SET('x','y')", 'TIME(2)'];
const bare = (types: readonly string[]): string =>
  types.map((type, i) => `ADD COLUMN n${i} ${type} NOT NULL${i % 3 === 0 ? ' FIRST' : ''}`).join(', ');

/** Cases about columns as such. */
export const columnCases: readonly FidelityCase[] = [
  {
    name: 'new columns NOT NULL without default, of every type: existing rows get the implicit default',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: `${bare([...names, ...more, 'YEAR'])}`,
  },
  {
    name: 'new dates NOT NULL without default: zero dates, where the server allows them',
    ...mariadbOnly,
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: bare(['DATE', 'DATETIME(3)', 'TIMESTAMP']),
  },
  {
    name: 'new dates NOT NULL without default: zero dates, which the server forbids',
    ...mysqlOnly,
    create: simple,
    data: [insert('a, b', plain(3))],
    alter: bare(['DATE']),
    sqlMode: 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_AUTO_VALUE_ON_ZERO',
    expect: fails('n0', 'NO_ZERO_DATE'),
  },
  {
    name: 'new columns NOT NULL without default: JSON',
    ...mysqlOnly,
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: bare(['JSON']),
  },
  {
    name: 'new columns NOT NULL without default: UUID, INET4, INET6',
    ...mariadbOnly,
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: bare(['UUID', 'INET6', 'INET4']),
  },
  {
    name: 'a new POINT NOT NULL: there is no implicit default',
    ...mysqlOnly,
    create: simple,
    data: [insert('a, b', plain(3))],
    alter: 'ADD COLUMN g POINT NOT NULL',
    postponed: [],
    expect: fails('id=1', 'g'),
  },
  {
    name: 'new columns with defaults: literals, expressions, from other columns; NULL',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter:
      "ADD COLUMN c INT NOT NULL DEFAULT 7, ADD COLUMN d VARCHAR(40) DEFAULT (CONCAT('x', 1 + 2)) AFTER a, " +
      'ADD COLUMN e DATE, ' +
      "ADD COLUMN f VARCHAR(9) DEFAULT '(', ADD COLUMN g INT NOT NULL DEFAULT (1 + 1), " +
      "ADD COLUMN h BLOB DEFAULT (x'00FF')",
  },
  {
    name: 'a new DATETIME DEFAULT CURRENT_TIMESTAMP: local time, as the ALTER would write it',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter:
      'ADD COLUMN c DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, ' +
      "ADD COLUMN d TINYINT AS (c > '2020-01-01' + INTERVAL 0 DAY) VIRTUAL",
    expect: equalExcept({
      columns: ['c'],
      reason: 'each row gets the time at which it was copied or synced; the ALTER has one moment for all',
    }),
  },
  {
    name: 'new invisible columns, old ones invisible and visible again',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20) INVISIBLE, c INT)',
    data: [insert('a, b', plain(15))],
    alter: 'ADD COLUMN d INT INVISIBLE DEFAULT 3, MODIFY a INT INVISIBLE, MODIFY b VARCHAR(30)',
  },
  {
    name: 'generated columns added, virtual and stored, with an index',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter:
      'ADD COLUMN v INT AS (a * 2) VIRTUAL, ADD COLUMN s VARCHAR(30) AS (CONCAT(b, a)) STORED FIRST, ' +
      'ADD KEY (v), ADD KEY (s)',
  },
  {
    name: 'generated columns dropped, another one stays',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, s INT AS (a + 2) STORED, ' +
      'w INT AS (a + 3) VIRTUAL, KEY (s))',
    data: [insert('a', ['1', '2', 'NULL', '4'])],
    alter: 'DROP COLUMN v, DROP COLUMN s, MODIFY a BIGINT',
  },
  {
    name: 'a stored generated column becomes an ordinary one, and an ordinary one stored generated',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, s INT AS (a + 2) STORED, o INT)',
    data: [insert('a, o', ['1, 9', '2, 9', 'NULL, 9'])],
    alter: 'MODIFY s BIGINT, MODIFY o INT AS (a * 10) STORED',
  },
  {
    name: 'a virtual column becomes a stored one, by way of drop and add',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, s INT AS (a + 2) STORED)',
    data: [insert('a', ['1', '2', 'NULL'])],
    alter:
      'DROP COLUMN v, ADD COLUMN v INT AS (a + 1) STORED, DROP COLUMN s, ADD COLUMN s INT AS (a + 2) VIRTUAL',
  },
  {
    name: 'a generated value does not fit',
    create: simple,
    data: [insert('a, b', plain(12)), 'UPDATE t SET a = 100 WHERE id = 8'],
    alter: 'ADD COLUMN s TINYINT AS (a * 2) STORED',
    postponed: [],
    expect: fails('id=8', "column 's'"),
  },
  {
    name: 'a table with nothing but a key and a generated column',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, g INT AS (id * 2) STORED)',
    data: ['INSERT INTO t (id) VALUES (1), (2), (30), (-4)'],
    alter: 'MODIFY g BIGINT AS (id * 2) STORED, ADD COLUMN x INT DEFAULT 1',
  },
  {
    name: 'NULL becomes NOT NULL where there is none, and gets a default',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: "MODIFY a INT NOT NULL, MODIFY b VARCHAR(20) NOT NULL DEFAULT 'x'",
  },
  {
    name: 'NULL becomes NOT NULL where there is one',
    create: simple,
    data: [insert('a, b', [...plain(12), 'NULL, 1'])],
    alter: 'MODIFY a INT NOT NULL',
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'NULL becomes NOT NULL in a TIMESTAMP: MariaDB would put in the time of the ALTER',
    ...mariadbOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP NULL)',
    data: [insert('a', ["'2024-01-01'", 'NULL'])],
    alter: 'MODIFY a TIMESTAMP NOT NULL',
    postponed: [],
    expect: stricter(
      'a time that nobody wrote is not put in place of NULL without a word',
      'id=2',
      '`a` is null',
    ),
  },
];
