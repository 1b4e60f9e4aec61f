import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseMigrationKey, type MigrationKey } from '../../src/core/migration-key.ts';
import type { Index, TableDefinition } from '../../src/core/table.ts';
import { index, table } from './key-helpers.ts';

const types = { id: 'bigint', day: 'date', code: 'varchar(20) utf8mb4_general_ci', n: 'int' };
const primary = index('PRIMARY', ['id']);
const original = table(types, [primary]);

function choose(from: TableDefinition, to: TableDefinition, allowNullable = false): MigrationKey {
  const pairs = from.columns
    .filter(({ name }) => to.columns.some((column) => column.name === name))
    .map(({ name }) => ({ from: name, to: name }));
  return chooseMigrationKey(from, to, pairs, { flavor: 'mysql', allowNullable });
}

const refuses = (code: string, from: TableDefinition, to = from) =>
  assert.throws(() => choose(from, to), { code });
/** The original with one unique key, and a ghost with a column changed. */
const changed = (name: keyof typeof types, type: string, key: Index = index('PRIMARY', [name])) =>
  [table(types, [key]), table({ ...types, [name]: type }, [key])] as const;

describe('the migration key', () => {
  test('an unchanged primary key: REPLACE is safe', () => {
    const key = choose(original, original);
    assert.equal(key.key.name, 'PRIMARY');
    assert.deepEqual(
      [key.ghostHasSameUnique, key.otherUniqueInGhost, key.addedUniqueness, key.sameComparison],
      [true, [], false, true],
    );
  });

  test('preference: PRIMARY, then integers, then no strings, then few columns', () => {
    const by = (...indexes: Index[]) => choose(table(types, indexes), table(types, indexes)).key.name;
    const [code, day, n, two] = [
      index('code', ['code']),
      index('day', ['day']),
      index('n', ['n']),
      index('two', ['n', 'id']),
    ];
    assert.equal(by(code, index('PRIMARY', ['code', 'day'])), 'PRIMARY');
    assert.equal(by(code, day, two, n), 'n');
    assert.equal(by(code, day), 'day');
    assert.equal(by(two, day), 'two');
    assert.equal(by(index('n', ['n'], { nullable: true }), code), 'code');
  });

  test('no unique key, and none that is shared', () => {
    refuses('no-unique-key', table(types, [index('n', ['n'], { unique: false })]));
    refuses('no-shared-key', original, table({ n: 'int' }, [index('n', ['n'])]));
    refuses('no-shared-key', original, table(types, []));
    refuses('no-shared-key', original, table(types, [index('n', ['n', 'id'])]));
  });

  test('(id) becomes (id, day): identity stays the original key, syncs delete and insert (HAZARDS 101)', () => {
    const key = choose(original, table(types, [index('PRIMARY', ['id', 'day'])]));
    assert.equal(key.ghostHasSameUnique, false);
    assert.equal(key.addedUniqueness, false);
    assert.deepEqual(
      key.otherUniqueInGhost.map(({ name }) => name),
      ['PRIMARY'],
    );
  });

  test('a ghost index that only finds rows will do', () => {
    const key = choose(
      original,
      table(types, [index('PRIMARY', ['n']), index('k', ['id'], { unique: false })]),
    );
    assert.equal(key.ghostIndex.name, 'k');
    assert.equal(key.addedUniqueness, true);
  });

  test('added uniqueness: new, narrower, prefixed, or of a column whose values may collide', () => {
    const both = [primary, index('u', ['code', 'n'])];
    const added = (to: readonly Index[], more = {}) =>
      choose(table(types, both), table({ ...types, ...more }, [primary, ...to])).addedUniqueness;
    assert.equal(added([index('u', ['code', 'n'])]), false);
    assert.equal(added([index('w', ['n', 'code', 'day'])]), false);
    assert.equal(added([index('u', ['code'])]), true);
    assert.equal(added([index('v', ['day'])]), true);
    const prefixed = { column: 'code', expression: null, prefixChars: 3, descending: false };
    assert.equal(added([index('u', [], { parts: [prefixed, ...index('u', ['n']).parts] })]), true);
    const same = [index('u', ['code', 'n'])];
    assert.equal(added(same, { code: 'varchar(40) utf8mb4_general_ci' }), false);
    assert.equal(added(same, { code: 'varchar(10) utf8mb4_general_ci' }), true);
    assert.equal(added(same, { code: 'varchar(20) utf8mb4_unicode_ci' }), true);
    assert.equal(added(same, { code: 'varchar(20) utf8mb4_bin' }), false);
    assert.equal(added(same, { n: 'bigint' }), false);
  });

  test('functional unique keys: kept as they were they add nothing', () => {
    const part = { column: null, expression: 'lower(`code`)', prefixChars: null, descending: false };
    const indexes = [primary, index('f', [], { parts: [part] })];
    assert.equal(choose(table(types, indexes), table(types, indexes)).addedUniqueness, false);
    const other = { ...types, code: 'varchar(20) utf8mb4_unicode_ci' };
    assert.equal(choose(table(types, indexes), table(other, indexes)).addedUniqueness, true);
    refuses('key-type', table(types, indexes.slice(1)));
  });

  test('nullable, prefix and inexact keys are no migration keys', () => {
    const nullable = table(types, [index('n', ['n'], { nullable: true })]);
    refuses('nullable-key', nullable);
    assert.equal(choose(nullable, nullable, true).key.name, 'n');
    const part = { column: 'code', expression: null, prefixChars: 3, descending: false };
    refuses('key-type', table(types, [index('p', [], { parts: [part] })]));
    refuses('key-type', table({ f: 'double' }, [index('PRIMARY', ['f'])]));
    refuses('key-type', table(types, [index('h', ['code'], { kind: 'HASH' })]));
  });

  test('conversions that a key survives', () => {
    for (const [name, type] of [
      ['id', 'int'],
      ['id', 'bigint unsigned'],
      ['id', 'decimal(30,5)'],
      ['day', 'datetime(3)'],
      ['code', 'char(30) utf8mb4_unicode_ci'],
      ['code', 'varchar(30) latin1_swedish_ci'],
    ] as const)
      assert.equal(choose(...changed(name, type)).key.name, 'PRIMARY', `${name} to ${type}`);
    assert.equal(choose(...changed('code', 'varchar(20) utf8mb4_unicode_ci')).sameComparison, false);
  });

  test('conversions after which rows would not be found are refused', () => {
    const pairs: readonly [string, string][] = [
      ['datetime', 'timestamp'],
      ['timestamp', 'datetime'],
      ['datetime(3)', 'datetime'],
      ['datetime', 'date'],
      ['decimal(9,3)', 'decimal(9,2)'],
      ['int', 'varchar(20) utf8mb4_bin'],
      ['varchar(20) utf8mb4_bin', 'int'],
      ['varchar(20) utf8mb4_0900_ai_ci', 'char(20) utf8mb4_0900_ai_ci'],
      ['binary(16)', 'binary(20)'],
      ['varbinary(16)', 'binary(16)'],
      ["enum('a','b')", "enum('b','a')"],
      ["set('a','b')", "set('c','a','b')"],
    ];
    for (const [from, to] of pairs)
      refuses(
        'key-conversion',
        table({ k: from }, [index('PRIMARY', ['k'])]),
        table({ k: to }, [index('PRIMARY', ['k'])]),
      );
    const kept = [index('PRIMARY', ['k']), index('n', ['n'])];
    assert.equal(
      choose(table({ k: 'int', n: 'int' }, kept), table({ k: 'date', n: 'int' }, kept)).key.name,
      'n',
    );
    assert.equal(
      choose(
        table({ k: "enum('a','b')" }, [index('PRIMARY', ['k'])]),
        table({ k: "enum('a','b','c')" }, [index('PRIMARY', ['k'])]),
      ).sameComparison,
      true,
    );
  });

  test('a renamed key column', () => {
    const ghost = table({ number: 'bigint', n: 'int' }, [index('PRIMARY', ['number'])]);
    const key = chooseMigrationKey(original, ghost, [{ from: 'id', to: 'number' }], { flavor: 'mysql' });
    assert.equal(key.ghostColumns[0]?.name, 'number');
    assert.equal(key.addedUniqueness, false);
  });
});
