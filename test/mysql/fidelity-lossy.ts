// --allow-lossy: what the ALTER without strict mode would do, for the columns named, and for no other.
import { type FidelityCase, fails, insert } from './fidelity-case.ts';

const plain = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}, 'v${i}'`);
/** Cases of --allow-lossy. */
export const lossyCases: readonly FidelityCase[] = [
  {
    name: '--allow-lossy: what does not fit is cut and changed as the non-strict ALTER does it',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), c VARCHAR(20), d DATETIME, e INT, ' +
      'f VARCHAR(9), g TEXT) CHARACTER SET utf8mb4',
    data: [
      insert('a, b, c, d, e, f, g', [
        "1, 'fits', '5', '2024-01-01', 1, 'x', 'y'",
        "1000, 'much too long', '12 monkeys', '2106-02-08', NULL, 'none', 'smile 😀'",
        "-1000, 'é😀 longer', 'no', '2024-03-10 02:30:00', 2, '', REPEAT('é', 200)",
      ]),
    ],
    alter:
      'MODIFY a TINYINT UNSIGNED, MODIFY b VARCHAR(4), MODIFY c INT, MODIFY d TIMESTAMP NULL, ' +
      'MODIFY e INT NOT NULL DEFAULT 7, ' +
      "MODIFY f ENUM('x','y'), MODIFY g TINYTEXT CHARACTER SET latin1",
    options: ['--allow-lossy', 'a,b,C,d,e,f,g'],
    sqlMode: 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',
  },
  {
    name: '--skip-strict-mode: the same for all columns that the ALTER changes, a renamed one too; the others are verified',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), c VARCHAR(20), e INT, f VARCHAR(9), same TEXT)',
    data: [
      insert('a, b, c, e, f, same', [
        "1, 'fits', '5', 1, 'x', 'y'",
        "1000, 'much too long', '12 monkeys', NULL, 'none', 'z'",
        "-1000, 'a bit longer', 'no', 2, '', NULL",
      ]),
    ],
    alter:
      'MODIFY a TINYINT UNSIGNED, CHANGE b bb VARCHAR(4), MODIFY c INT, MODIFY e INT NOT NULL DEFAULT 7, ' +
      "MODIFY f ENUM('x','y')",
    options: ['--skip-strict-mode', '--approve-renamed-columns'],
    sqlMode: 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',
  },
  {
    name: '--skip-strict-mode does not go for the migration key',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: ['INSERT INTO t VALUES (1, 1), (70000, 5)'],
    alter: 'MODIFY id SMALLINT, MODIFY a BIGINT',
    options: ['--skip-strict-mode'],
    copying: [],
    postponed: [],
    expect: fails('id=70000'),
  },
  {
    name: '--allow-lossy of one column: another one that does not fit is an error as ever',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)',
    data: [
      insert(
        'a, b',
        Array.from({ length: 12 }, (_, i) => `${i * 100}, ${i}`),
      ),
      'UPDATE t SET b = 999 WHERE id = 5',
    ],
    alter: 'MODIFY a TINYINT, MODIFY b TINYINT',
    options: ['--allow-lossy=a'],
    copying: [],
    postponed: [],
    expect: fails('id=5', "column 'b'"),
  },
  {
    name: '--allow-lossy: the other column comes by a change, under the old name of a column that is renamed',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))',
    data: [insert('a, b', plain(12))],
    alter: 'CHANGE a z TINYINT, MODIFY b VARCHAR(5)',
    options: ['--allow-lossy', 'a'],
    copying: ['UPDATE t SET a = 1000 WHERE id = 3'],
    postponed: [
      'UPDATE t SET a = -1000 WHERE id = 4',
      "UPDATE t SET b = 'for column \\'z\\' at row 1' WHERE id = 6",
    ],
    expect: fails('id=6', "column 'b'"),
  },
  {
    name: '--allow-lossy: values that become equal collide under a unique key, and both rows are named',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, UNIQUE KEY ua (a))',
    data: ['INSERT INTO t VALUES (1, 1), (2, 500), (3, 600)'],
    alter: 'MODIFY a TINYINT',
    options: ['--allow-lossy', 'a'],
    sqlMode: '',
    copying: [],
    postponed: [],
    expect: fails('id=2', 'id=3', 'ua'),
  },
  {
    name: '--allow-lossy does not go for the migration key',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: ['INSERT INTO t VALUES (1, 1), (70000, 500)'],
    alter: 'MODIFY id SMALLINT',
    options: ['--allow-lossy', 'id'],
    copying: [],
    postponed: [],
    expect: fails('migration key', "'id'"),
  },
  {
    name: '--allow-lossy names no column',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT)',
    data: ['INSERT INTO t VALUES (1, 1000)'],
    alter: 'MODIFY a TINYINT',
    options: ['--allow-lossy', 'b'],
    copying: [],
    postponed: [],
    expect: fails("'b'", '--allow-lossy'),
  },
  {
    name: '--allow-lossy: more warnings than the server keeps',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)',
    data: [
      'INSERT INTO t VALUES (0, 1000, 1), (1, 1000, 2)',
      ...Array.from({ length: 16 }, (_, i) => `INSERT INTO t SELECT id + ${2 << i}, a + 1, b FROM t`),
    ],
    alter: 'MODIFY a TINYINT, MODIFY b BIGINT',
    options: ['--allow-lossy', 'a', '--chunk-size', '100000'],
    sqlMode: 'NO_AUTO_VALUE_ON_ZERO',
    copying: [],
    postponed: ['UPDATE t SET a = -a WHERE id % 1000 = 7'],
  },
];
