// Dates and times, on a server whose zone is America/New_York: summer time begins 2024-03-10 07:00 UTC (02:00
// becomes 03:00) and ends 2024-11-03 06:00 UTC (the hour from 01:00 comes twice). The sessions that write are
// in UTC.
import { equalExcept, type FidelityCase, fails, insert, mysqlOnly, stricter } from './fidelity-case.ts';

const moments = [
  '1970-01-01 00:00:01',
  '2024-03-10 06:59:59',
  '2024-03-10 07:00:00',
  '2024-11-03 05:30:00',
  '2024-11-03 06:30:00',
  '2038-01-19 03:14:07',
  '0000-00-00 00:00:00',
];
const quoted = (texts: readonly string[]): string[] => texts.map((text) => `'${text}'`);
const filler = Array.from({ length: 12 }, (_, i) => `'2024-01-${10 + i} 12:00:00'`);

/** The cases of this kind. */
export const temporalCases: readonly FidelityCase[] = [
  {
    name: 'TIMESTAMP becomes DATETIME: local time of the server, over both changes of summer time',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP(6) NULL, b TIMESTAMP NULL)',
    data: [
      insert('a, b', [...quoted(moments).map((m) => `${m}, ${m}`), "'2024-07-01 12:00:00.999999', NULL"]),
    ],
    alter: 'MODIFY a DATETIME(6), MODIFY b DATETIME',
  },
  {
    name: 'DATETIME becomes TIMESTAMP: taken as local time of the server',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DATETIME, b DATETIME(3))',
    data: [
      insert(
        'a, b',
        [
          '1970-01-01 00:00:01',
          '2024-03-10 01:59:59',
          '2024-03-10 03:00:00',
          '2024-11-03 01:30:00',
          '2038-01-18 22:14:07',
        ]
          .map((m) => `'${m}', '${m}.125'`)
          .concat('NULL, NULL'),
      ),
    ],
    alter: 'MODIFY a TIMESTAMP NULL, MODIFY b TIMESTAMP(3) NULL',
  },
  {
    name: 'an hour that summer time leaves out cannot become a TIMESTAMP',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DATETIME)',
    data: [insert('a', [...filler, "'2024-03-10 02:30:00'"])],
    alter: 'MODIFY a TIMESTAMP NULL',
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'a DATETIME beyond 2038 cannot become a TIMESTAMP',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DATETIME)',
    data: [insert('a', [...filler, "'2106-02-08 00:00:00'"])],
    alter: 'MODIFY a TIMESTAMP NULL',
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'fractional seconds: rounded or cut as the server does it, added',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a DATETIME(6), b TIMESTAMP(6) NULL, c TIME(6), d DATETIME, ' +
      'e TIME(3))',
    data: [
      insert('a, b, c, d, e', [
        "'2024-12-31 23:59:59.999999', '2024-11-03 03:59:59.999999', '-00:00:00.500000', '2024-01-01', " +
          "'00:00:00.001'",
        "'2024-12-31 23:59:59.499999', '2024-03-10 06:59:59.600000', '838:59:58.999999', " +
          "'9999-12-31 23:59:59', '-838:59:59.000'",
        'NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a DATETIME, MODIFY b TIMESTAMP(1) NULL, MODIFY c TIME, MODIFY d DATETIME(6), MODIFY e TIME(6)',
  },
  {
    name: 'DATE, DATETIME, TIME and YEAR into one another',
    create: `CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATETIME, c DATETIME, d DATE, e YEAR,
      f TIMESTAMP NULL,
      g TIMESTAMP NULL)`,
    data: [
      insert('a, b, c, d, e, f, g', [
        "'2024-02-29', '2024-02-29 00:00:00', '2024-02-29 00:00:00', '2024-01-01', 2024, " +
          "'2024-11-03 04:30:00', '2024-11-03 05:30:00'",
        "'0001-01-01', '9999-12-31 00:00:00', '2024-01-01 00:00:00', '1999-12-31', 1901, " +
          "'2024-07-01 03:59:59', '2024-01-01 00:00:00'",
        'NULL, NULL, NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter:
      'MODIFY a DATETIME, MODIFY b DATE, MODIFY c VARCHAR(30), MODIFY d VARCHAR(30), MODIFY e INT, ' +
      'MODIFY f VARCHAR(30), ' +
      'MODIFY g BIGINT',
  },
  {
    name: 'DATETIME loses its time of day: the server notes it, and does it',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DATETIME, b DATETIME, c TIMESTAMP NULL)',
    data: [insert('a, b, c', ["'2024-02-29 23:59:59', '2024-02-29 23:59:59', '2024-11-03 05:30:00'"])],
    alter: 'MODIFY a DATE, MODIFY b TIME, MODIFY c DATE',
  },
  {
    name: 'a TIMESTAMP is rounded into the hour that comes twice',
    ...mysqlOnly,
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP(6) NULL, v INT)',
    data: [insert('a, v', ["'2024-11-03 05:59:59.999999', 1"])],
    alter: 'MODIFY a TIMESTAMP(1) NULL, MODIFY v BIGINT',
    expect: equalExcept({
      columns: ['a'],
      reason:
        'in its local zone the ALTER rounds up to 07:00 UTC, an hour too late; we convert in UTC, to 06:00',
    }),
  },
  {
    name: 'TIME becomes DATETIME: on the day of the statement, so it is refused',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TIME, b TIME(3), c TIME)',
    data: [
      insert('a, b, c', [
        "'10:00:00', '-01:00:00.5', '12:00:00'",
        "'30:00:00', '23:59:59.999', '00:00:00'",
        'NULL, NULL, NULL',
      ]),
    ],
    alter: 'MODIFY a DATETIME, MODIFY b DATETIME, MODIFY c VARCHAR(20)',
    expect: stricter('rows copied before and after midnight would differ', 'column a', 'the day'),
  },
  {
    name: 'zero, partly zero and invalid dates survive',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATETIME, c TIMESTAMP NULL, d VARCHAR(30), v INT)',
    data: [
      insert('a, b, c, d, v', [
        "'0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', 1",
        "'2024-00-00', '2024-00-01 10:00:00', NULL, '2024-02-00', 2",
        "'2024-02-31', '2024-02-31 01:02:03', NULL, '2024-01-00', 3",
        "'0000-01-01', '0000-12-31', NULL, NULL, 4",
      ]),
    ],
    alter: 'MODIFY a DATETIME, MODIFY b DATETIME(3), MODIFY d DATE, MODIFY v BIGINT',
  },
  {
    name: 'text becomes dates and times',
    create:
      'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30), b VARCHAR(30), c VARCHAR(30), d BIGINT, ' +
      'e VARCHAR(30))',
    data: [
      insert('a, b, c, d, e', [
        "'2024-02-29', '2024-02-29 10:00:00.5', '-10:00:00', 20240229103000, '2024-07-01 12:00:00'",
        "'20240301', '24-1-2 3:4:5', '838:59:59', 20240301000000, '2024-01-01 12:00:00'",
        'NULL, NULL, NULL, NULL, NULL',
      ]),
    ],
    alter: 'MODIFY a DATE, MODIFY b DATETIME, MODIFY c TIME, MODIFY d DATETIME, MODIFY e TIMESTAMP NULL',
  },
  {
    name: 'a text is no date',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30))',
    data: [insert('a', [...filler, "'yesterday'"])],
    alter: 'MODIFY a DATETIME',
    postponed: [],
    expect: fails('id=13', "column 'a'"),
  },
  {
    name: 'a generated column, a CHECK and a default that depend on the zone, beside a TIMESTAMP',
    create: 'CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP NULL)',
    data: [insert('a', quoted(moments.slice(0, 6)))],
    alter: 'ADD COLUMN g DATE AS (CAST(a AS DATE)) STORED',
  },
];
