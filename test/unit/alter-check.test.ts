import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '../../src/base/errors.ts';
import { type CheckOptions, checkAlter } from '../../src/core/alter/check.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';

const check = (source: string, options?: CheckOptions) => checkAlter(parseAlter(source), options);

describe('an ALTER that is refused by its text', () => {
  const cases: readonly (readonly [source: string, code: string, message: RegExp])[] = [
    ['RENAME TO x', 'table-rename', /ALTER statement seems to RENAME the table \(to 'x'\).*not supported/],
    ['ADD a INT, rename as d.x', 'table-rename', /ALTER statement seems to RENAME the table \(to 'd\.x'\)/],
    ['ADD a INT /*!50000 , RENAME x */', 'table-rename', /RENAME/],
    ['ALTER IGNORE TABLE t ADD UNIQUE (a)', 'alter-ignore', /IGNORE/],
    ['ADD a INT, ALGORITHM=INSTANT', 'algorithm', /ALGORITHM=INSTANT/],
    ['algorithm inplace, ADD a INT, ALGORITHM=COPY', 'algorithm', /ALGORITHM=INPLACE/],
    ['ADD a INT, ALGORITHM=NOCOPY', 'algorithm', /ALGORITHM=NOCOPY/],
    ['DROP PARTITION p0, p1', 'partition-operation', /DROP PARTITION/],
    ['TRUNCATE PARTITION p0', 'partition-operation', /TRUNCATE/],
    ['EXCHANGE PARTITION p0 WITH TABLE x', 'partition-operation', /EXCHANGE/],
    ['DISCARD PARTITION p0 TABLESPACE', 'partition-operation', /DISCARD/],
    ['CONVERT PARTITION p0 TO TABLE x', 'partition-operation', /CONVERT/],
    ['ANALYZE PARTITION p0', 'partition-operation', /ANALYZE/],
    ['IMPORT TABLESPACE', 'tablespace', /IMPORT/],
    ['ADD SYSTEM VERSIONING', 'system-versioning', /history/],
    ['ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id)', 'foreign-key-added', /'f'/],
    ['ADD a INT REFERENCES p (id)', 'foreign-key-added', /\(a\)/],
    ['CHANGE a b INT', 'renamed-columns', /'a' to 'b'\. Please see flags/],
    ['RENAME COLUMN a TO b, CHANGE b a INT', 'renamed-columns', /'a' to 'b', 'b' to 'a'/],
    ['DROP FOREIGN KEY f', 'nothing-to-copy', /DROP FOREIGN KEY f/],
    ['LOCK=NONE', 'nothing-to-copy', /LOCK=NONE/],
  ];
  for (const [source, code, message] of cases) {
    it(`${JSON.stringify(source)} as ${code}`, () => {
      assert.throws(
        () => check(source),
        (error: unknown) =>
          error instanceof Refusal &&
          error.code === code &&
          message.test(error.message) &&
          error.hint !== undefined,
      );
    });
  }

  it('names both flags when columns are renamed', () => {
    assert.throws(
      () => check('CHANGE a b INT'),
      (error: unknown) =>
        error instanceof Refusal &&
        /--approve-renamed-columns.*--skip-renamed-columns/.test(error.hint ?? ''),
    );
  });
});

describe('an ALTER that is let through', () => {
  const cases: readonly (readonly [source: string, options?: CheckOptions])[] = [
    ["ADD a VARCHAR(9) DEFAULT 'RENAME TO x'"],
    ['CHANGE ID id INT'],
    ['CHANGE a a BIGINT'],
    ['RENAME INDEX a TO b'],
    ['CHANGE a b INT', { approveRenamedColumns: true }],
    ['PARTITION BY HASH (id)'],
    ['REMOVE PARTITIONING'],
    ['REORGANIZE PARTITION p0 INTO (PARTITION a VALUES LESS THAN (5))'],
    ['ADD PARTITION PARTITIONS 2'],
    ['COALESCE PARTITION 2'],
    ['ADD a INT PARTITION BY KEY ALGORITHM=2 (id)'],
    ['DROP SYSTEM VERSIONING'],
    ['DROP PRIMARY KEY, ADD PRIMARY KEY (a)'],
  ];
  for (const [source, options] of cases) {
    it(`${JSON.stringify(source)} without a warning`, () => assert.deepEqual(check(source, options), []));
  }

  const warned: readonly (readonly [source: string, warning: RegExp, options?: CheckOptions])[] = [
    ['ADD a INT, ALGORITHM=COPY', /ALGORITHM=COPY is ignored/],
    ['ADD a INT, LOCK=EXCLUSIVE', /LOCK=EXCLUSIVE is ignored/],
    ['ALTER TABLE t NOWAIT ADD a INT', /NOWAIT/],
    ['ADD a INT, DROP FOREIGN KEY f', /DROP FOREIGN KEY f/],
    ['DROP a, ADD A INT', /'a' is dropped and added again/],
    ['ADD id INT AUTO_INCREMENT UNIQUE', /'id' is numbered/],
    ['ORDER BY a, b', /ORDER BY/],
    [
      'CHANGE a b INT',
      /'a' is not copied into 'b'/,
      { skipRenamedColumns: true, approveRenamedColumns: true },
    ],
  ];
  for (const [source, warning, options] of warned) {
    it(`${JSON.stringify(source)} with a warning`, () => {
      const warnings = check(source, options);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, warning);
    });
  }
});
