// Keys, counters, names, and tables that are large in some way.
import { equalExcept, type FidelityCase, fails, insert } from './fidelity-case.ts';

const plain = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}, 'v${i}'`);
const counted = 'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20))';
const long = 'é'.repeat(64);
const wideColumns = Array.from({ length: 1016 }, (_, i) => `c${i} TINYINT DEFAULT ${i % 100}`);

const keys: readonly FidelityCase[] = [
  {
    name: 'an AUTO_INCREMENT column is added as the key, beside the old one',
    create: 'CREATE TABLE t (k VARBINARY(9) PRIMARY KEY, a INT)',
    data: ["INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)"],
    copying: ["INSERT INTO t VALUES ('d', 4)"],
    postponed: ["UPDATE t SET a = 9 WHERE k = 'b'"],
    alter: 'DROP PRIMARY KEY, ADD UNIQUE KEY (k), ADD COLUMN id INT AUTO_INCREMENT PRIMARY KEY FIRST',
    expect: equalExcept({
      columns: ['id'],
      counter: true,
      reason: 'rows are numbered in the order in which they are copied; one that is synced gets a new number',
    }),
  },
  {
    name: 'AUTO_INCREMENT is taken on by an existing column, dropped by another table option',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: [insert('a', ['1', '2', '3'])],
    alter: 'MODIFY id INT AUTO_INCREMENT',
    expect: equalExcept({
      counter: true,
      reason: 'ids that came and went during the migration are not given out again',
    }),
  },
  {
    name: 'the counter is set by the ALTER',
    create: counted,
    data: [insert('a, b', plain(5))],
    alter: 'AUTO_INCREMENT=10000, ADD COLUMN c INT',
  },
  {
    name: 'the counter goes on where it was, though its last rows are gone; a row of id 0 stays 0',
    create: counted,
    data: [
      insert('a, b', plain(5)),
      "INSERT INTO t VALUES (0, 0, 'zero'), (500, 1, 'x')",
      'DELETE FROM t WHERE id = 500',
    ],
    copying: [],
    postponed: ["INSERT INTO t (a, b) VALUES (1, 'y'), (2, 'z')", 'DELETE FROM t WHERE id = 502'],
    alter: 'MODIFY a BIGINT',
  },
  {
    name: 'the counter is at its limit',
    create: 'CREATE TABLE t (id TINYINT AUTO_INCREMENT PRIMARY KEY, a INT)',
    data: ['INSERT INTO t VALUES (127, 1), (-128, 2), (0, 3), (126, 4)'],
    copying: [],
    postponed: ['UPDATE t SET a = 5'],
    alter: 'MODIFY a BIGINT',
  },
  {
    name: 'the key of a full counter becomes wider',
    create: 'CREATE TABLE t (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a INT)',
    data: ['INSERT INTO t VALUES (255, 1), (0, 3), (254, 4)'],
    copying: ['DELETE FROM t WHERE id = 254'],
    postponed: ['UPDATE t SET a = 5'],
    alter: 'MODIFY id BIGINT UNSIGNED AUTO_INCREMENT',
  },
  {
    name: 'a key column becomes narrower, and a key does not fit',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: [insert('a', ['1', '2']), 'INSERT INTO t VALUES (70000, 3)'],
    copying: [],
    postponed: [],
    alter: 'MODIFY id SMALLINT',
    expect: fails('id=70000', "column 'id'"),
  },
  {
    name: 'PRIMARY KEY (id) becomes (id, day)',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, day DATE NOT NULL, a INT)',
    data: [insert('day, a', ["'2024-01-01', 1", "'2024-01-02', 2", "'2024-01-03', 3"])],
    alter: 'DROP PRIMARY KEY, ADD PRIMARY KEY (id, day)',
  },
  {
    name: 'PRIMARY KEY and UNIQUE swap their parts',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, u VARCHAR(9) NOT NULL, a INT, UNIQUE KEY uk (u))',
    data: [insert('u, a', ["'a', 1", "'b', 2", "'c', 3"])],
    copying: ["INSERT INTO t VALUES (9, 'z', 9)"],
    postponed: [
      "UPDATE t SET u = 'tmp' WHERE id = 1",
      "UPDATE t SET u = 'a' WHERE id = 2",
      "UPDATE t SET u = 'b' WHERE id = 1",
    ],
    alter: 'DROP PRIMARY KEY, DROP KEY uk, ADD PRIMARY KEY (u), ADD UNIQUE KEY idk (id)',
  },
  {
    name: 'ADD UNIQUE over two equal values',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))',
    data: [insert('a, b', plain(25)), "UPDATE t SET b = 'V3 ' WHERE id = 17"],
    copying: [],
    postponed: [],
    alter: 'MODIFY b VARCHAR(20) COLLATE utf8mb4_general_ci, ADD UNIQUE KEY ub (b)',
    expect: fails('id=4', 'id=17', 'ub'),
  },
  {
    name: 'a key gets longer and changes its charset',
    create: 'CREATE TABLE t (k VARCHAR(9) CHARACTER SET latin1 COLLATE latin1_bin PRIMARY KEY, a INT)',
    data: ["INSERT INTO t VALUES ('é', 1), ('E', 2), ('', 3), ('€', 4)"],
    copying: ["INSERT INTO t VALUES ('ÿ', 5)"],
    postponed: [
      "UPDATE t SET a = 9 WHERE k = 'é'",
      "DELETE FROM t WHERE k = '€'",
      "UPDATE t SET k = 'ž' WHERE k = 'E'",
    ],
    alter: 'MODIFY k VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  },
];

const renames: readonly FidelityCase[] = [
  {
    name: 'renames by both syntaxes, with a new type, in another case, swapped',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), Cc INT, d INT, e INT)',
    data: [insert('a, b, Cc, d, e', ["1, 'x', 3, 4, 5", "10, 'y', 30, 40, 50"])],
    alter:
      'CHANGE a aa BIGINT, RENAME COLUMN b TO `b b`, CHANGE Cc cC INT, RENAME COLUMN d TO e, ' +
      'RENAME COLUMN e TO d',
  },
  {
    name: 'a column takes the name of one that goes',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)',
    data: [insert('a, b', ['1, 10', '2, 20'])],
    alter: 'DROP COLUMN a, CHANGE b a BIGINT',
  },
  {
    name: 'names that are reserved words, have backticks, spaces, quotes, dots, or look like SQL',
    table: 'select',
    create:
      'CREATE TABLE `select` (id INT PRIMARY KEY, `from` INT, `a``b` INT, `c d` INT, `e\'f"` INT, ' +
      '`g.h` INT, `%s?` INT, `--` INT, `x\\` INT)',
    data: ['INSERT INTO `select` VALUES (1,2,3,4,5,6,7,8,9), (2,1,1,1,1,1,1,1,1)'],
    alter:
      'MODIFY `from` BIGINT, MODIFY `a``b` BIGINT, CHANGE `e\'f"` `key` BIGINT, ADD KEY `group` (`g.h`, ' +
      '`--`), ADD COLUMN `?` INT',
  },
  {
    name: 'names of 64 characters that are not ASCII',
    table: long,
    create: `CREATE TABLE \`${long}\` (id INT PRIMARY KEY, \`${'ж'.repeat(64)}\` INT, \`ß\` VARCHAR(5))`,
    data: [`INSERT INTO \`${long}\` VALUES (1, 2, 'x'), (2, 3, 'y')`],
    alter: `MODIFY \`${'ж'.repeat(64)}\` BIGINT, RENAME COLUMN \`ß\` TO \`日本\``,
  },
  {
    name: 'a value of a column with a strange name does not fit',
    table: "t`'",
    create: "CREATE TABLE `t``'` (id INT PRIMARY KEY, `a' for column 'b` INT, b INT)",
    data: ["INSERT INTO `t``'` VALUES (1, 2, 3), (2, 300, 4)"],
    copying: [],
    postponed: [],
    alter: "MODIFY `a' for column 'b` TINYINT",
    expect: fails('id=2', "a' for column 'b"),
  },
];

const large: readonly FidelityCase[] = [
  {
    name: '1,017 columns',
    create: `CREATE TABLE t (id INT PRIMARY KEY, ${wideColumns.join(', ')})`,
    data: [
      'INSERT INTO t (id) VALUES (1), (2), (3)',
      'UPDATE t SET c0 = 1, c500 = NULL, c1015 = -1 WHERE id = 2',
    ],
    alter: 'MODIFY c500 INT, MODIFY c1015 SMALLINT',
  },
  {
    name: 'rows of 60 kB',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(60000) CHARACTER SET latin1, v INT)',
    data: [
      insert(
        'a, v',
        Array.from({ length: 8 }, (_, i) => `REPEAT('${i}', 60000), ${i}`),
      ),
    ],
    alter: 'MODIFY v BIGINT, MODIFY a VARCHAR(60001) CHARACTER SET latin1',
  },
  {
    name: 'rows of 16 MB and more',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a LONGBLOB, v INT)',
    data: ["INSERT INTO t VALUES (1, REPEAT('x', 16777216), 1), (2, '', 2), (3, REPEAT('yz', 8388600), 3)"],
    copying: ["INSERT INTO t VALUES (4, REPEAT('w', 17000000), 4)"],
    postponed: ['UPDATE t SET v = v + 1 WHERE id IN (1, 2)', 'DELETE FROM t WHERE id = 3'],
    alter: 'MODIFY v BIGINT',
  },
];

/** Cases about keys, counters, names and sizes. */
export const keyCases = [...keys, ...renames, ...large];
