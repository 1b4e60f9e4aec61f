import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bug, Refusal } from '../../src/base/errors.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';
import { type MappableColumn, type MappingOptions, mapColumns } from '../../src/core/mapping.ts';

/** `a b* c+`: b is virtual, c is stored. */
function columns(list: string): readonly MappableColumn[] {
  return list.split(' ').map((name) => ({
    name: name.replace(/[*+]$/, ''),
    generated: name.endsWith('*') ? 'virtual' : name.endsWith('+') ? 'stored' : 'no',
  }));
}

const map = (original: string, alter: string, ghost: string, options?: MappingOptions) =>
  mapColumns(columns(original), columns(ghost), { ...parseAlter(alter), uncertain: false }, options);
const pairs = (...args: Parameters<typeof map>): string =>
  map(...args)
    .shared.map(({ from, to }) => (from === to ? from : `${from}>${to}`))
    .join(' ');
const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

describe('mapping columns', () => {
  it('shares what has the same name', () => {
    assert.equal(pairs('id a b', 'ENGINE=InnoDB', 'id a b'), 'id a b');
  });

  it('tells new and dropped columns', () => {
    const mapping = map('id a b', 'DROP b, ADD c INT, ADD d INT', 'id a c d');
    assert.deepEqual([mapping.added, mapping.dropped], [['c', 'd'], ['b']]);
  });

  it('does not lose a column whose name changes in case only (ID to id)', () => {
    assert.equal(pairs('ID a', 'CHANGE ID id BIGINT', 'id a'), 'ID>id a');
    assert.equal(pairs('ID a', 'MODIFY id BIGINT', 'ID a'), 'ID a');
    assert.equal(pairs('ID a', 'RENAME COLUMN id TO Id', 'Id a', { skipRenamedColumns: true }), 'ID>Id a');
  });

  it('follows swapped names', () => {
    const alter = 'CHANGE a b INT, CHANGE b a INT';
    assert.equal(pairs('id a b', alter, 'id b a'), 'id a>b b>a');
    assert.equal(pairs('id a b', 'RENAME COLUMN a TO b, RENAME COLUMN b TO a', 'id b a'), 'id a>b b>a');
  });

  it('follows chains as of the original names', () => {
    assert.equal(pairs('id a b', 'CHANGE a b INT, CHANGE b c INT', 'id b c'), 'id a>b b>c');
    assert.equal(
      pairs('id a b c', 'CHANGE c a INT, CHANGE a b INT, CHANGE b c INT', 'id b c a'),
      'id a>b b>c c>a',
    );
  });

  it('takes no data from a column that is dropped for another that gets its name', () => {
    const mapping = map('id a b', 'DROP a, CHANGE b a INT', 'id a');
    assert.deepEqual(mapping.shared, [
      { from: 'id', to: 'id' },
      { from: 'b', to: 'a' },
    ]);
    assert.deepEqual(mapping.dropped, ['a']);
  });

  it('copies nothing into a column that is dropped and added again', () => {
    const mapping = map('id a', 'DROP COLUMN a, ADD COLUMN A INT', 'id A');
    assert.deepEqual([mapping.shared.length, mapping.added, mapping.dropped], [1, ['A'], ['a']]);
  });

  it('copies a renamed column, not the new one under its old name', () => {
    const mapping = map('id a', 'CHANGE a b INT, ADD a INT', 'id b a');
    assert.deepEqual([mapping.shared[1], mapping.added], [{ from: 'a', to: 'b' }, ['a']]);
  });

  it('skips renamed columns when told to', () => {
    const mapping = map('id a b', 'CHANGE a b INT, CHANGE b a INT', 'id b a', { skipRenamedColumns: true });
    assert.deepEqual(mapping.shared, [{ from: 'id', to: 'id' }]);
    assert.deepEqual(mapping.skipped.length, 2);
    assert.deepEqual(mapping.added, ['b', 'a']);
  });

  it('copies nothing into a column that the ghost computes', () => {
    const mapping = map('id a b*', 'MODIFY a INT AS (id) STORED', 'id a+ b*');
    assert.deepEqual(mapping.shared, [{ from: 'id', to: 'id' }]);
    assert.deepEqual(
      mapping.computed.map(({ to }) => to),
      ['a', 'b'],
    );
  });

  it('copies the values of a generated column that becomes an ordinary one', () => {
    assert.equal(pairs('id a+', 'MODIFY a INT', 'id a'), 'id a');
  });

  it('refuses when a column is gone that nobody dropped', () => {
    assert.throws(() => map('id a', 'ADD b INT', 'id b'), refused('column-vanished'));
    assert.throws(() => map('id a', 'CHANGE a b INT', 'id a'), refused('column-vanished'));
    assert.throws(() => map('id a*', 'ADD b INT', 'id b'), refused('column-vanished'));
  });

  it('refuses when a column that the text drops is still there (a comment for another server)', () => {
    assert.throws(
      () => map('id a b', 'ADD c INT /*!99999 , DROP a */', 'id a b c'),
      refused('column-unclear'),
    );
    assert.throws(() => map('id a', 'CHANGE a b INT', 'id a b'), refused('column-unclear'));
  });

  it('refuses when a clause may speak of a new column (MariaDB lets CHANGE change what was just added)', () => {
    // Measured on MariaDB 10.11: the last clause of each applies to the new column, and the old data is gone.
    const dropped = 'DROP COLUMN b, ADD b INT, CHANGE b B BIGINT';
    assert.throws(() => map('id b', dropped, 'id B'), refused('column-unclear'));
    const renamed = 'CHANGE a x INT, ADD A INT, CHANGE A a BIGINT';
    assert.throws(() => map('id a', renamed, 'id x a'), refused('column-unclear'));
  });

  it('refuses when two columns would become one (a rename in a comment for another server)', () => {
    const alter = 'CHANGE c x INT /*!80000 , RENAME COLUMN b TO a, ADD b INT */';
    assert.throws(() => map('id a b c', alter, 'id a b x'), refused('column-unclear'));
  });

  it('wants to know the server where comments are for certain versions', () => {
    const source = 'ADD x INT /*!80000 , DROP a, ADD a INT */';
    const server = { mariadb: true, version: 101106 };
    assert.throws(() => mapColumns(columns('id a'), columns('id a x'), parseAlter(source)), Bug);
    const mapping = mapColumns(columns('id a'), columns('id a x'), parseAlter(source, { server }));
    assert.deepEqual(mapping.shared[1], { from: 'a', to: 'a' });
  });

  it('lets IF EXISTS speak of columns that are not there', () => {
    assert.equal(pairs('id a', 'DROP COLUMN IF EXISTS z, CHANGE IF EXISTS y x INT', 'id a'), 'id a');
    assert.equal(pairs('id a', 'ADD COLUMN IF NOT EXISTS a INT', 'id a'), 'id a');
  });

  it('refuses when nothing is left to copy', () => {
    assert.throws(() => map('a', 'DROP a, ADD b INT', 'b'), refused('no-shared-columns'));
  });
});
