import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../src/base/errors.ts';
import { artifactNames, plannedNames } from '../../src/core/names.ts';
import { quoteName, quoteTable, quoteText } from '../../src/core/quote.ts';

const atMs = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const tableName = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'é', '日', '_', '0', '`', '-'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    {
      minLength: 1,
      maxLength: 64,
    },
  )
  .map((characters) => Array.from(characters.join('')).slice(0, 64).join(''));

describe('artifact names', () => {
  it("are gh-ost's", () => {
    assert.deepEqual(artifactNames('t'), {
      ghost: '_t_gho',
      changelog: '_t_ghc',
      old: '_t_del',
      sentry: 't_ghs',
      checkpoint: '_t_ghk',
    });
    assert.equal(artifactNames('t', { oldTableAtMs: atMs }).old, '_t_20260203040506_del');
    assert.equal(artifactNames('t', { baseName: 'x' }).ghost, '_x_gho');
    const { ghost, old } = artifactNames('t', { revertOf: '_t_del' });
    assert.deepEqual([ghost, old], ['_t_del', '_t_rev_del']);
  });

  it('can be shown before they are checked', () => {
    const long = 'ä'.repeat(64);
    assert.deepEqual(plannedNames(long, {}), artifactNames(long));
    assert.doesNotThrow(() => plannedNames('_t_gho', { baseName: 't' }));
    assert.doesNotThrow(() => quoteTable({ schema: 's', name: plannedNames(long, {}).ghost }));
  });

  it('do not collide when two long tables differ at their end only', () => {
    const long = 'a'.repeat(63);
    assert.notEqual(artifactNames(`${long}1`).ghost, artifactNames(`${long}2`).ghost);
    assert.match(artifactNames(`${long}1`).ghost, /^_a+_[0-9a-f]{12}_gho$/);
  });

  it('do not collide when a table is called what a longer one is cut to', () => {
    const cut = artifactNames('a'.repeat(64)).ghost;
    assert.notEqual(artifactNames(cut.slice(1, -4)).ghost, cut);
  });

  it('count characters, not bytes or UTF-16 units', () => {
    assert.equal(artifactNames('日'.repeat(59)).ghost, `_${'日'.repeat(59)}_gho`);
    assert.equal(Array.from(artifactNames('日'.repeat(60)).ghost).length, 64);
  });

  it('let the sentry sort behind its table, by bytes (HAZARDS 108)', () => {
    const behind = (table: string): boolean => {
      const { sentry } = artifactNames(table, { baseName: 'zzz' });
      return Buffer.compare(Buffer.from(table), Buffer.from(sentry)) < 0;
    };
    const short = tableName.filter((name) => Array.from(name).length < 60);
    fc.assert(fc.property(short, behind));
    for (const table of ['z'.repeat(60), '_'.repeat(64), 'Z'.repeat(61)]) assert.ok(behind(table), table);
  });

  it('never are the table itself (a forced base name could make it so)', () => {
    assert.throws(() => artifactNames('_t_GHO', { baseName: 't' }), UsageError);
    assert.throws(() => artifactNames('t', { baseName: '' }), UsageError);
  });

  it('fit, and differ from each other and from those of every other table', () => {
    const stamp = fc.option(fc.constant(atMs), { nil: undefined });
    fc.assert(
      fc.property(tableName, tableName, stamp, (one, other, oldTableAtMs) => {
        const names = Object.values(artifactNames(one, { oldTableAtMs })) as string[];
        assert.equal(new Set([...names, one]).size, 6);
        for (const name of names) assert.ok(Array.from(name).length <= 64, name);
        if (one === other) return;
        const others = Object.values(artifactNames(other, { oldTableAtMs })) as string[];
        assert.equal(new Set([...names, ...others]).size, 10);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('quoting', () => {
  it('doubles backticks and nothing else', () => {
    assert.equal(quoteName('a`b%s"\\'), '`a``b%s"\\`');
    assert.equal(quoteTable({ schema: 'd', name: 't`' }), '`d`.`t```');
  });

  it('refuses what cannot be a name', () => {
    for (const name of ['', 'a\0b', 'x'.repeat(65)]) assert.throws(() => quoteName(name), UsageError);
    assert.equal(quoteName('日'.repeat(64)).length, 66);
  });

  it('writes text that no sql_mode can misread', () => {
    assert.equal(quoteText(''), "''");
    assert.equal(quoteText('it\'s 100% "so"'), `'it''s 100% "so"'`);
    assert.equal(quoteText('a\\b'), "_utf8mb4 x'615c62'");
    assert.equal(quoteText('why?'), "_utf8mb4 x'7768793f'");
    assert.equal(quoteText('é'), "_utf8mb4 x'c3a9'");
    assert.equal(quoteText('a\nb'), "_utf8mb4 x'610a62'");
    assert.throws(() => quoteText('\ud800'), UsageError);
  });
});
