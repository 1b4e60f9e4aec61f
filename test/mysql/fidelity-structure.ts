// What is not a column: constraints, indexes, partitions, options of the table.
import { equalExcept, type FidelityCase, fails, insert, mariadbOnly, mysqlOnly } from './fidelity-case.ts';

const plain = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}, 'v${i}'`);
const simple = 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))';
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
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT positive CHECK (a >= 0), ' +
      'CONSTRAINT gone CHECK (a < 9))',
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
    name: 'every kind of key text: invisible, sized, commented, parsed, functional, unique, of generated columns',
    ...mysqlOnly,
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), v INT AS (a + 1) VIRTUAL, s INT AS (a + 2) STORED, ' +
      "KEY kv (v) COMMENT 'x, y', KEY ks (s) KEY_BLOCK_SIZE=4, UNIQUE KEY u (b, id), KEY i (a) INVISIBLE, " +
      'FULLTEXT KEY f1 (b), KEY f ((a + 1), (lower(b)))) ROW_FORMAT=COMPRESSED',
    data: [insert('a, b', plain(12))],
    alter:
      'ADD FULLTEXT KEY f2 (b) WITH PARSER ngram, ADD UNIQUE KEY w (v, id), ADD KEY z USING BTREE (a DESC, id), ' +
      'ALTER INDEX kv INVISIBLE, RENAME KEY ks TO kr',
  },
  {
    name: 'a key that counts stands between others, and there is no primary key',
    create:
      'CREATE TABLE t (id INT NOT NULL, a INT, b INT, c INT NOT NULL AUTO_INCREMENT, UNIQUE KEY u1 (id), ' +
      'UNIQUE KEY u2 (a), KEY k1 (b), KEY k2 (c), KEY k3 (b, c))',
    data: ['INSERT INTO t (id, a, b) VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 3)'],
    copying: ['INSERT INTO t (id, a, b) VALUES (9, 9, 9)'],
    postponed: ['UPDATE t SET b = 5, a = 7 WHERE id = 2'],
    alter: 'ADD KEY k4 (a)',
  },
  {
    name: 'FULLTEXT and SPATIAL indexes, prefixes, descending parts, comments; one dropped, one renamed',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT, g POINT NOT NULL, KEY x (a), KEY y (a, id))',
    data: [
      insert('a, b, g', ["1, 'one word', POINT(1, 2)", "2, 'two', POINT(-1.5, 0)", '3, NULL, POINT(0, 0)']),
    ],
    alter:
      'ADD FULLTEXT KEY ft (b), ADD SPATIAL KEY sp (g), ADD KEY pre (b(5)), ADD KEY de (a DESC), ' +
      'DROP KEY x, RENAME KEY y TO z, ' +
      "ADD KEY co (id) COMMENT 'it\\'s'",
  },
  {
    name: 'geometries with SRID',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY, p POINT SRID 4326, m MULTIPOLYGON, v INT)',
    data: [
      "INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POINT(10 20)', " +
        '4326), NULL, 1)',
      "INSERT INTO t VALUES (2, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL, " +
        "ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))', 3857), 2)",
      "INSERT INTO t VALUES (3, ST_GeomFromText('LINESTRING(0 0,1e308 -1e-308)'), " +
        "ST_GeomFromText('POINT(-90 180)', 4326), NULL, 3)",
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
      "INSERT INTO t VALUES (1, STRING_TO_VECTOR('[1,-0,3.4e38]'), STRING_TO_VECTOR('[0.1]'), 1), (2, " +
        'NULL, NULL, 2)',
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
      "ENGINE=InnoDB, ROW_FORMAT=COMPRESSED, KEY_BLOCK_SIZE=8, COMMENT='it''s new', STATS_PERSISTENT=1, " +
      'MODIFY b VARCHAR(20) FIRST, ' +
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
      definition: (sql) => sql.replace(/_twin(`)/, '$1'),
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
      'CREATE TABLE t (id INT, f DATE, u DATE, PERIOD FOR p (f, u), UNIQUE (id, p WITHOUT OVERLAPS), ' +
      'k INT PRIMARY KEY, v INT)',
    data: [
      "INSERT INTO t VALUES (1, '2024-01-01', '2024-02-01', 1, 1), (1, '2024-02-01', '2024-03-01', 2, 1)",
    ],
    copying: [],
    postponed: ["UPDATE t SET f = '2024-02-05' WHERE k = 2"],
    alter: 'MODIFY v BIGINT',
  },
];

/** Cases about constraints, indexes, partitions and table options. */
export const structureCases = [...constraints, ...options];
