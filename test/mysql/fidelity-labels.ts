// ENUM and SET: values go by label, whatever their ordinals become.
import { type FidelityCase, fails, insert } from './fidelity-case.ts';

const members = Array.from({ length: 64 }, (_, i) => `'m${i}'`);
const filler = Array.from({ length: 12 }, () => "'b'");

/** The cases of this kind. */
export const labelCases: readonly FidelityCase[] = [
  {
    name: 'ENUM extended at its end and in the middle, reordered, unused labels removed',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a ENUM('x','y'), b ENUM('x','y'), c ENUM('x','y','z'),
      d ENUM('x','gone','y'), e ENUM('é','ß') CHARACTER SET latin1, f ENUM('x','y') NOT NULL)`,
    data: [
      insert('a, b, c, d, e, f', [
        "'x', 'x', 'x', 'x', 'é', 'x'",
        "'y', 'y', 'y', 'y', 'ß', 'y'",
        "NULL, NULL, 'z', NULL, NULL, 'y'",
      ]),
    ],
    alter:
      "MODIFY a ENUM('x','y','z'), MODIFY b ENUM('x','new','y'), MODIFY c ENUM('z','y','x'), " +
      "MODIFY d ENUM('y','x'), " +
      "MODIFY e ENUM('ß','é') CHARACTER SET utf8mb4, MODIFY f ENUM('y','x') NOT NULL",
  },
  {
    name: "ENUM holds its error value '' (ordinal 0): kept where the column stays as it is or is extended",
    create: "CREATE TABLE t (id INT PRIMARY KEY, a ENUM('x','y'), b INT, c ENUM('x','y'))",
    data: [insert('a, b, c', ["0, 1, 'x'", "'x', 2, 0", "'none', 3, 'none'"])],
    alter: "MODIFY b BIGINT, MODIFY c ENUM('x','y','z')",
  },
  {
    name: 'a label in use is removed from an ENUM',
    create: "CREATE TABLE t (id INT PRIMARY KEY, a ENUM('a','b','c'))",
    data: [insert('a', [...filler, "'c'"])],
    alter: "MODIFY a ENUM('a','b')",
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'a label in use is removed from a SET, and comes by a change',
    create: "CREATE TABLE t (id INT PRIMARY KEY, a SET('a','b','c'))",
    data: [insert('a', filler)],
    alter: "MODIFY a SET('a','b')",
    copying: [],
    postponed: ["UPDATE t SET a = 'a,c' WHERE id = 7"],
    expect: fails('id=7', "column 'a'"),
  },
  {
    name: 'SET extended, reordered, with 64 members, bit 63 in use',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a SET('x','y'), b SET('x','y','z'),
      c SET(${members.join(',')}),
      d SET(${members.join(',')}))`,
    data: [
      insert('a, b, c, d', [
        "'x', 'x', 'm0,m63', 'm63'",
        "'x,y', 'x,z', 'm63', ''",
        "'', 'z,y,x', 18446744073709551615, 18446744073709551615",
        'NULL, NULL, NULL, NULL',
      ]),
    ],
    alter: `MODIFY a SET('y','x','z'), MODIFY b SET('z','y','x'),
      MODIFY c SET(${[...members].reverse().join(',')}),
      MODIFY d VARCHAR(400)`,
  },
  {
    name: 'ENUM and SET to and from VARCHAR and integers',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a ENUM('x','y'), b SET('x','y'), c VARCHAR(9), d VARCHAR(9),
      e ENUM('10','20'), f TINYINT, g ENUM('x','y'))`,
    data: [
      insert('a, b, c, d, e, f, g', [
        "'x', 'x,y', 'x', 'y,x', '10', 1, 'x'",
        "'y', '', 'Y', '', '20', 2, 'y'",
        'NULL, NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      "MODIFY a VARCHAR(9), MODIFY b VARCHAR(9), MODIFY c ENUM('y','x'), MODIFY d SET('x','y'), " +
      'MODIFY e INT, ' +
      "MODIFY f ENUM('one','two'), MODIFY g SET('y','x')",
  },
  {
    name: 'a text is no label',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9))',
    data: [insert('a', [...filler, "'bb'"])],
    alter: "MODIFY a ENUM('a','b')",
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
];
