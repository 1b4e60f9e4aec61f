// Which indexes of the ghost may be built after the copy, and in which order (DESIGN 4).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyTexts, withoutKeys } from '../../src/core/create-table.ts';
import { type DeferCircumstances, deferrable, draftSteps, whyNotDeferred } from '../../src/core/deferral.ts';
import type { Index, TableDefinition } from '../../src/core/table.ts';
import { buildSettings } from '../../src/mysql/index-builder.ts';

const createSql = `CREATE TABLE \`t\` (
  \`id\` int NOT NULL COMMENT 'KEY (, \\'',
  \`KEY\` varchar(9) DEFAULT 'a,b)',
  PRIMARY KEY (\`id\`),
  UNIQUE KEY \`u,(\` (\`KEY\`),
  KEY \`a\`\`b\` (\`KEY\`(3) DESC) USING BTREE COMMENT 'x, KEY ''y',
  SPATIAL KEY \`sp\` (\`g\`),
  KEY \`f\` ((lower(\`KEY\`))) /*!80000 INVISIBLE */,
  FULLTEXT KEY \`ft\` (\`KEY\`) /*!50100 WITH PARSER \`ngram\` */ ,
  UNIQUE KEY \`h\` (\`KEY\`) USING HASH,
  CONSTRAINT \`c\` CHECK ((\`id\` > 0))
) ENGINE=InnoDB COMMENT='KEY \`k\` (a)'`;

describe('the keys of SHOW CREATE TABLE', () => {
  test('are cut out as they stand, whatever is in names and comments', () => {
    assert.deepEqual(
      keyTexts(createSql).map(({ name, unique, kind }) => [name, unique, kind]),
      [
        [null, true, 'BTREE'],
        ['u,(', true, 'BTREE'],
        ['a`b', false, 'BTREE'],
        ['sp', false, 'SPATIAL'],
        ['f', false, 'BTREE'],
        ['ft', false, 'FULLTEXT'],
        ['h', true, 'OTHER'],
      ],
    );
    assert.equal(keyTexts(createSql)[2]?.text, "KEY `a``b` (`KEY`(3) DESC) USING BTREE COMMENT 'x, KEY ''y'");
  });

  test('can be left out for a comparison; columns of that name stay', () => {
    const without = withoutKeys(createSql, new Set(['KEY', 'u,(', 'ft']));
    assert.ok(!without.includes('FULLTEXT') && !without.includes('u,('));
    assert.ok(without.includes('`KEY` varchar') && without.includes("COMMENT='KEY `k` (a)'"));
  });
});

function index(name: string, columns: readonly string[], more: Partial<Index> = {}): Index {
  const parts = columns.map((column) => ({
    ...{ column, expression: null, prefixChars: null, descending: false },
  }));
  return {
    name,
    primary: name === 'PRIMARY',
    unique: name === 'PRIMARY',
    kind: 'BTREE',
    parts,
    nullable: false,
    ...more,
  };
}

function table(indexes: readonly Index[], counted?: string): TableDefinition {
  const keys = indexes.map(({ name, unique, parts }) => {
    const columns = parts.map(({ column }) => `\`${column}\``).join(',');
    return name === 'PRIMARY'
      ? `PRIMARY KEY (${columns})`
      : `${unique ? 'UNIQUE ' : ''}KEY \`${name}\` (${columns})`;
  });
  return {
    ...{ engine: 'InnoDB', indexes, createSql: `CREATE TABLE \`t\` (\n\`id\` int,\n${keys.join(',\n')}\n)` },
    columns: [{ name: counted ?? '-', autoIncrement: counted !== undefined }],
  } as unknown as TableDefinition;
}

describe('what may be deferred', () => {
  const names = (ghost: TableDefinition, lookup = 'PRIMARY'): unknown[] =>
    deferrable(ghost, lookup).map(({ name }) => name);
  const u = index('u', ['a'], { unique: true });
  const k = index('k', ['b']);

  test('all but the primary key and the index by which rows are found', () => {
    assert.deepEqual(names(table([index('PRIMARY', ['id']), u, k])), ['u', 'k']);
    assert.deepEqual(names(table([index('PRIMARY', ['id']), u, k]), 'u'), ['k']);
  });
  test('not the key that counts', () => {
    assert.deepEqual(names(table([index('PRIMARY', ['id']), u, k], 'b')), ['u']);
    assert.deepEqual(names(table([index('PRIMARY', ['b']), u, k], 'b')), ['u', 'k']);
  });
  test('without a primary key no unique key by which rows may be clustered', () => {
    const nullable = index('n', ['c'], { unique: true, nullable: true });
    assert.deepEqual(names(table([u, nullable, k]), 'u'), ['n', 'k']);
  });
  test('nothing of another engine', () => {
    assert.deepEqual(names({ ...table([index('PRIMARY', ['id']), k]), engine: 'MyISAM' }), []);
  });

  test('plain keys are built together, FULLTEXT after them, unique keys last', () => {
    const steps = draftSteps(
      keyTexts(createSql).filter(({ kind, name }) => kind !== 'OTHER' && name !== null),
    );
    assert.deepEqual(
      steps.map(({ names: together, unique }) => [together, unique]),
      [
        [['a`b'], false],
        [['sp'], false],
        [['f'], false],
        [['ft'], false],
        [['u,('], true],
      ],
    );
  });
});

test('auto defers where the table is large and nobody lags behind it', () => {
  const facts: DeferCircumstances = { mode: 'auto', rowsEstimate: 1e6, controlled: 0, attached: 0 };
  assert.equal(whyNotDeferred(facts), null);
  assert.equal(whyNotDeferred({ ...facts, attached: null }), null);
  assert.match(whyNotDeferred({ ...facts, rowsEstimate: 50 }) ?? '', /small/);
  assert.match(
    whyNotDeferred({ ...facts, controlled: 2 }) ?? '',
    /2 replicas that we throttle for would lag/,
  );
  assert.match(whyNotDeferred({ ...facts, attached: 1 }) ?? '', /1 replica of this server would lag/);
  assert.equal(whyNotDeferred({ ...facts, mode: 'always', attached: 1, rowsEstimate: 5 }), null);
  assert.match(whyNotDeferred({ ...facts, mode: 'never' }) ?? '', /never/);
});

test('the session that builds gets a part of the buffer pool to sort, within bounds', () => {
  const sort = (pool: number, now = 1_048_576): string | undefined =>
    buildSettings(
      new Map([
        ['innodb_ddl_buffer_size', String(now)],
        ['innodb_buffer_pool_size', String(pool)],
      ]),
    ).find((setting) => setting.startsWith('innodb'));
  assert.equal(sort(2 ** 30), `innodb_ddl_buffer_size=${2 ** 28}`);
  assert.equal(sort(2 ** 36), `innodb_ddl_buffer_size=${2 ** 28}`);
  assert.equal(sort(2 ** 20), `innodb_ddl_buffer_size=${2 ** 24}`);
  assert.equal(sort(2 ** 30, 2 ** 29), undefined);
  assert.deepEqual(buildSettings(new Map()), ['lock_wait_timeout=600']);
});
