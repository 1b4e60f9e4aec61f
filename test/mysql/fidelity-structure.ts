// What is not a type: new columns and what old rows get in them, generated columns, constraints, partitions, options.
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
const more = [
  'BINARY(3)',
  'VARBINARY(9)',
  'BLOB',
  "ENUM('x','y')",
  "SET('x','y')",
  'DATE',
  'DATETIME(3)',
  'TIME(2)',
];
const bare = (types: readonly string[]): string =>
  types.map((type, i) => `ADD COLUMN n${i} ${type} NOT NULL${i % 3 === 0 ? ' FIRST' : ''}`).join(', ');

const columns: readonly FidelityCase[] = [
  {
    name: 'new columns NOT NULL without default, of every type: existing rows get the implicit default',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter: `${bare([...names, ...more, 'YEAR', 'TIMESTAMP'])}`,
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
      "ADD COLUMN c INT NOT NULL DEFAULT 7, ADD COLUMN d VARCHAR(40) DEFAULT (CONCAT('x', 1 + 2)) AFTER a, ADD COLUMN e DATE, " +
      "ADD COLUMN f VARCHAR(9) DEFAULT '(', ADD COLUMN g INT NOT NULL DEFAULT (1 + 1), ADD COLUMN h BLOB DEFAULT (x'00FF')",
  },
  {
    name: 'a new DATETIME DEFAULT CURRENT_TIMESTAMP: local time, as the ALTER would write it',
    create: simple,
    data: [insert('a, b', plain(15))],
    alter:
      "ADD COLUMN c DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, ADD COLUMN d TINYINT AS (c > '2020-01-01' + INTERVAL 0 DAY) VIRTUAL",
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
      'ADD COLUMN v INT AS (a * 2) VIRTUAL, ADD COLUMN s VARCHAR(30) AS (CONCAT(b, a)) STORED FIRST, ADD KEY (v), ADD KEY (s)',
  },
  {
    name: 'generated columns dropped, another one stays',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, s INT AS (a + 2) STORED, w INT AS (a + 3) VIRTUAL, KEY (s))',
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

const constraints: readonly FidelityCase[] = [
  {
    name: 'CHECK constraints kept and added',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a < 1000), b VARCHAR(20))',
    data: [insert('a, b', plain(12))],
    alter: 'ADD CHECK (a >= 0), ADD COLUMN c INT DEFAULT 3 CHECK (c > 2)',
  },
  {
    name: 'a new CHECK constraint is violated',
    create: simple,
    data: [insert('a, b', plain(12)), 'UPDATE t SET a = 100 WHERE id = 8'],
    alter: 'ADD CONSTRAINT small CHECK (a < 50)',
    postponed: [],
    expect: fails('id=8', 'small'),
  },
  {
    name: 'a named CHECK constraint: MySQL has one name for it in a schema, so the new table has another one',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT positive CHECK (a >= 0))',
    data: [insert('a', ['1', '2'])],
    alter: 'MODIFY a BIGINT',
    expect: equalExcept({
      reason:
        'names of CHECK constraints are unique in a schema, and the original has it until it is dropped',
      definition: (sql) => sql.replace(/`(positive|t_chk_1)`/, '`positive`'),
    }),
  },
  {
    name: 'a named CHECK constraint stays in MariaDB, and can be dropped by name',
    ...mariadbOnly,
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT positive CHECK (a >= 0), CONSTRAINT gone CHECK (a < 9))',
    data: [insert('a', ['1', '2'])],
    alter: 'MODIFY a BIGINT, DROP CONSTRAINT gone',
  },
  {
    name: 'functional indexes kept and added',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), KEY f ((a + 1)))',
    data: [insert('a, b', plain(12))],
    alter: 'ADD KEY g ((UPPER(b)), id DESC), ADD KEY h ((CAST(b AS CHAR(5)))), ALTER INDEX f INVISIBLE',
  },
  {
    name: 'FULLTEXT and SPATIAL indexes, prefixes, descending parts, comments; one dropped, one renamed',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT, g POINT NOT NULL, KEY x (a), KEY y (a, id))',
    data: [
      insert('a, b, g', ["1, 'one word', POINT(1, 2)", "2, 'two', POINT(-1.5, 0)", '3, NULL, POINT(0, 0)']),
    ],
    alter:
      'ADD FULLTEXT KEY ft (b), ADD SPATIAL KEY sp (g), ADD KEY pre (b(5)), ADD KEY de (a DESC), DROP KEY x, RENAME KEY y TO z, ' +
      "ADD KEY co (id) COMMENT 'it\\'s'",
  },
  {
    name: 'geometries with SRID',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY, p POINT SRID 4326, m MULTIPOLYGON, v INT)',
    data: [
      "INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POINT(10 20)', 4326), NULL, 1)",
      "INSERT INTO t VALUES (2, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL, ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))', 3857), 2)",
      "INSERT INTO t VALUES (3, ST_GeomFromText('LINESTRING(0 0,1e308 -1e-308)'), ST_GeomFromText('POINT(-90 180)', 4326), NULL, 3)",
    ],
    alter: 'MODIFY v BIGINT, MODIFY p GEOMETRY, ADD COLUMN n POINT SRID 0',
  },
  {
    name: 'a geometry of another SRID, or of another kind',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY)',
    data: [
      "INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 2)', 4326)), (2, ST_GeomFromText('POINT(1 2)', 0))",
    ],
    alter: 'MODIFY g POINT SRID 4326',
    postponed: [],
    expect: fails('id=2', 'SRID'),
  },
  {
    name: 'VECTOR: copied to the bit, made longer',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VECTOR(3), b VECTOR, c INT)',
    data: [
      "INSERT INTO t VALUES (1, STRING_TO_VECTOR('[1,-0,3.4e38]'), STRING_TO_VECTOR('[0.1]'), 1), (2, NULL, NULL, 2)",
      "INSERT INTO t VALUES (3, STRING_TO_VECTOR('[1.17549435e-38,0.1]'), x'0000803F', 3)",
    ],
    alter: 'MODIFY a VECTOR(8), MODIFY c BIGINT',
  },
];

const options: readonly FidelityCase[] = [
  {
    name: 'partitions are added',
    create: simple,
    data: [insert('a, b', plain(25))],
    alter:
      'PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)',
  },
  {
    name: 'a row is in no partition',
    create: simple,
    data: [insert('a, b', plain(12))],
    alter: 'PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (12))',
    postponed: [],
    copying: [],
    expect: fails('id=12', 'partition'),
  },
  {
    name: 'partitions are removed',
    create: `${simple} PARTITION BY HASH (id) PARTITIONS 3`,
    data: [insert('a, b', plain(25))],
    alter: 'REMOVE PARTITIONING',
  },
  {
    name: 'partitions are reorganised',
    create: `${simple} PARTITION BY HASH (id) PARTITIONS 3`,
    data: [insert('a, b', plain(25))],
    alter: 'ADD COLUMN c INT PARTITION BY KEY (id) PARTITIONS 5',
  },
  {
    name: 'ROW_FORMAT, ENGINE, COMMENT, statistics options, order of columns',
    create: `${simple} ROW_FORMAT=REDUNDANT COMMENT='old'`,
    data: [insert('a, b', plain(12))],
    alter:
      "ENGINE=InnoDB, ROW_FORMAT=COMPRESSED, KEY_BLOCK_SIZE=8, COMMENT='it''s new', STATS_PERSISTENT=1, MODIFY b VARCHAR(20) FIRST, " +
      "MODIFY id INT NOT NULL COMMENT 'é' AFTER a",
  },
  {
    name: 'ENGINE=InnoDB alone: a rebuild',
    create: simple,
    data: [insert('a, b', plain(25))],
    alter: 'ENGINE=InnoDB',
  },
  {
    name: 'a table without rows',
    create: simple,
    data: [],
    copying: [],
    postponed: [],
    alter: 'ADD COLUMN c INT NOT NULL',
  },
  {
    name: 'MariaDB: a default from a sequence counts on for each row that is written',
    ...mariadbOnly,
    create: simple,
    data: ['CREATE SEQUENCE s', insert('a, b', plain(5))],
    alter: 'ADD COLUMN c BIGINT DEFAULT (NEXTVAL(s))',
    expect: equalExcept({
      columns: ['c'],
      reason: 'rows are numbered in the order in which they are copied, synced ones again',
    }),
  },
  {
    name: 'MariaDB: application-time periods',
    ...mariadbOnly,
    create: 'CREATE TABLE t (id INT, f DATE, u DATE, PERIOD FOR p (f, u), PRIMARY KEY (id, f, u), v INT)',
    data: ["INSERT INTO t VALUES (1, '2024-01-01', '2024-02-01', 1), (1, '2024-02-01', '2024-03-01', 2)"],
    copying: ["DELETE FROM t FOR PORTION OF p FROM '2024-01-10' TO '2024-01-20'"],
    postponed: ["UPDATE t FOR PORTION OF p FROM '2024-02-10' TO '2024-02-20' SET v = 9"],
    alter: 'MODIFY v BIGINT',
  },
  {
    name: 'MariaDB: WITHOUT OVERLAPS',
    ...mariadbOnly,
    create:
      'CREATE TABLE t (id INT, f DATE, u DATE, PERIOD FOR p (f, u), UNIQUE (id, p WITHOUT OVERLAPS), k INT PRIMARY KEY, v INT)',
    data: [
      "INSERT INTO t VALUES (1, '2024-01-01', '2024-02-01', 1, 1), (1, '2024-02-01', '2024-03-01', 2, 1)",
    ],
    copying: [],
    postponed: ["UPDATE t SET f = '2024-02-05' WHERE k = 2"],
    alter: 'MODIFY v BIGINT',
  },
];

export const structureCases = [...columns, ...constraints, ...options];
