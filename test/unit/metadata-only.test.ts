// What an in-place ALTER may be let do: only what leaves every row as it is. A slip here is a rebuild of the table on the
// primary, and again on each replica, which stands still meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAlter } from '../../src/core/alter/clauses.ts';
import { directObstacle, metadataOnly } from '../../src/core/alter/metadata-only.ts';
import { rewrittenColumn, type ShownColumn } from '../../src/core/metadata-only-column.ts';

const dictionaryOnly = [
  'RENAME COLUMN a TO b',
  "CHANGE a b VARCHAR(20) DEFAULT 'x', DROP INDEX i",
  'ALTER COLUMN a SET DEFAULT 3, ALTER a DROP DEFAULT',
  'RENAME INDEX a TO b, ALTER INDEX b INVISIBLE',
  'DROP FOREIGN KEY f, DROP CHECK c, ALGORITHM=INPLACE, LOCK=NONE',
  "COMMENT 'with '' quotes, ROW_FORMAT=DYNAMIC'",
  'COMMENT="x"',
  'STATS_PERSISTENT=1, STATS_SAMPLE_PAGES = 20',
];
const more = [
  'ADD INDEX i (a)',
  'ADD UNIQUE (a)',
  'ADD COLUMN a INT',
  'DROP COLUMN a',
  'DROP PRIMARY KEY',
  'ENGINE=InnoDB',
  'FORCE',
  'ROW_FORMAT=DYNAMIC',
  "COMMENT 'x' ROW_FORMAT=DYNAMIC",
  'ADD CHECK (a > 0)',
  'CONVERT TO CHARACTER SET utf8mb4',
  'MODIFY a INT UNIQUE',
  'ORDER BY a',
  'PARTITION BY HASH (a)',
];

test('the text of an ALTER: what changes the dictionary only', () => {
  for (const text of dictionaryOnly) assert.equal(metadataOnly(parseAlter(text)).obstacle, null, text);
  for (const text of more) assert.notEqual(metadataOnly(parseAlter(text)).obstacle, null, text);
  const { columnClauses } = metadataOnly(
    parseAlter("DROP INDEX i, MODIFY a INT, COMMENT 'x', CHANGE b c INT"),
  );
  assert.equal(columnClauses, 'MODIFY a INT, CHANGE b c INT');
});

test('what the server must not be let do to the original by itself', () => {
  const never = [
    'RENAME TO x',
    'ADD FOREIGN KEY (a) REFERENCES p (a)',
    'DROP PARTITION p0',
    'DISCARD TABLESPACE',
  ];
  for (const text of never) assert.notEqual(directObstacle(parseAlter(text), {}), null, text);
  const rename = parseAlter('RENAME COLUMN a TO b');
  assert.notEqual(directObstacle(rename, {}), null);
  assert.notEqual(directObstacle(rename, { approveRenamedColumns: true, skipRenamedColumns: true }), null);
  assert.equal(directObstacle(rename, { approveRenamedColumns: true }), null);
  assert.notEqual(directObstacle(parseAlter('ALTER IGNORE TABLE t ADD COLUMN a INT'), {}), null);
});

const column = (type: string, changes: Partial<ShownColumn> = {}): ShownColumn => ({
  ...{ name: 'a', type, collation: 'utf8mb4_bin', nullable: false, extra: '' },
  ...changes,
});
const many = (count: number): string => Array.from({ length: count }, (_, i) => `'m${i}'`).join(',');

test('a column that stays in the rows what it is', () => {
  const judge = (
    from: string,
    to: string,
    changes: Partial<ShownColumn> = {},
    bytesPerChar = 4,
  ): string | null =>
    rewrittenColumn([column(from)], [column(to, changes)], new Map(), new Map([['a', bytesPerChar]]));
  const stays: readonly (readonly [string, string])[] = [
    ['int', 'int'],
    ['varchar(10)', 'varchar(63)'],
    ['varchar(64)', 'varchar(1000)'],
    ["enum('a','b')", "enum('a','b','c,d')"],
    [`enum(${many(300)})`, `enum(${many(301)})`],
    ["set('a')", `set('a',${many(7)})`],
    [`set(${many(33)})`, `set(${many(64)})`],
  ];
  for (const [from, to] of stays) assert.equal(judge(from, to), null, `${from} to ${to}`);
  const changes: readonly (readonly [string, string])[] = [
    ['int', 'bigint'],
    ['varchar(10)', 'varchar(9)'],
    ['varchar(63)', 'varchar(64)'],
    ['varchar(10)', 'varbinary(10)'],
    ['char(10)', 'char(11)'],
    ["enum('a','b')", "enum('a','c','b')"],
    ["enum('a','b')", "enum('a')"],
    ["enum('a','b')", "set('a','b','c')"],
    [`enum(${many(255)})`, `enum(${many(256)})`],
    [`set(${many(8)})`, `set(${many(9)})`],
  ];
  for (const [from, to] of changes) assert.notEqual(judge(from, to), null, `${from} to ${to}`);
  assert.equal(judge('varchar(100)', 'varchar(255)', {}, 1), null);
  assert.notEqual(judge('varchar(100)', 'varchar(256)', {}, 1), null);
  assert.equal(judge('int', 'int', { extra: 'DEFAULT_GENERATED' }), null, 'a default that is an expression');
  for (const other of [
    { nullable: true },
    { collation: 'latin1_bin' },
    { extra: 'auto_increment' },
    { name: 'b' },
  ])
    assert.notEqual(judge('int', 'int', other), null, JSON.stringify(other));
  const renames = new Map([['A', 'b']]);
  assert.equal(rewrittenColumn([column('int')], [column('int', { name: 'B' })], renames, new Map()), null);
});
