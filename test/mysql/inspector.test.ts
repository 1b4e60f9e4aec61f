// The definition of a table must be read exactly, whatever it is called and whatever is in it: the mapping, the
// codec of keys and the decoder of the binlog all believe it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { quoteTable } from '../../src/core/quote.ts';
import type { Column, Index, TableDefinition } from '../../src/core/table.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import type { Session } from '../../src/mysql/session.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { openSession } from './session-lab.ts';

const SCHEMA = 'insp%_é';
const NASTY_NAMES = [
  't'.repeat(64),
  'a`b',
  'quote\'d "name"',
  'select',
  'é%_\\?',
  'ünï.cödé',
  '%s %d %%',
  '表表',
  ' leading',
];

function column(definition: TableDefinition, name: string): Column {
  const found = definition.columns.find((candidate) => candidate.name === name);
  assert.ok(found, `column ${name}`);
  return found;
}

function index(definition: TableDefinition, name: string): Index {
  const found = definition.indexes.find((candidate) => candidate.name === name);
  assert.ok(found, `index ${name}`);
  return found;
}

async function read(session: Session, name: string): Promise<TableDefinition> {
  const definition = await readTableDefinition(session, { schema: SCHEMA, name });
  assert.ok(definition, name);
  return definition;
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`inspector on ${flavor}`, () => {
    let lab: Lab;
    let session: Session;

    before(async () => {
      lab = await startLab({ flavor, fast: true });
      session = await openSession(lab.primary);
      await session.execute(`CREATE DATABASE \`${SCHEMA}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
    });

    after(async () => {
      await session.close();
      await lab.stop();
    });

    async function create(name: string, body: string): Promise<void> {
      await session.execute(`CREATE TABLE ${quoteTable({ schema: SCHEMA, name })} ${body}`);
    }

    test('any legal name finds its own table and no other', async () => {
      for (const name of NASTY_NAMES) await create(name, '(`order``` INT PRIMARY KEY, `%s?` INT)');
      for (const name of NASTY_NAMES) {
        const definition = await read(session, name);
        assert.deepEqual(definition.ref, { schema: SCHEMA, name });
        assert.deepEqual(
          definition.columns.map((c) => c.name),
          ['order`', '%s?'],
        );
        assert.equal(definition.indexes[0]?.parts[0]?.column, 'order`');
        assert.match(definition.createSql, /^CREATE TABLE/);
      }
    });

    test('names are compared exactly: `_` is no wildcard, and e is not é', async () => {
      await create('axb', '(id INT PRIMARY KEY)');
      await create('cafe', '(id INT PRIMARY KEY)');
      for (const name of ['a_b', 'a%', 'café', 'CAFE', 'cafe ', 'nothing']) {
        assert.equal(await readTableDefinition(session, { schema: SCHEMA, name }), null, name);
      }
    });

    test('columns of every kind', async () => {
      await create(
        'kinds',
        `(id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
          small TINYINT, big_text VARCHAR(20) CHARACTER SET latin1 NOT NULL DEFAULT 'it''s',
          choice ENUM('unsigned', 'b''c', 'é', '(x) unsigned') DEFAULT 'unsigned', many SET('x', 'y'),
          money DECIMAL(12,3) UNSIGNED DEFAULT 1.500, flag BIT(5) DEFAULT b'101', ratio DOUBLE, bin BINARY(16),
          moment DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), day DATE, span TIME(6),
          doc JSON, pic MEDIUMBLOB, year_of YEAR, expr VARCHAR(40) DEFAULT (CONCAT('a', 1)),
          word VARCHAR(10) DEFAULT 'NULL', hidden INT INVISIBLE,
          doubled INT GENERATED ALWAYS AS (small * 2) VIRTUAL,
          upper_text VARCHAR(20) GENERATED ALWAYS AS (UPPER(big_text)) STORED)`,
      );
      const definition = await read(session, 'kinds');
      assert.deepEqual(
        definition.columns.map((c) => c.ordinal),
        definition.columns.map((_, i) => i),
      );
      const id = column(definition, 'id');
      assert.deepEqual(
        [id.dataType, id.unsigned, id.nullable, id.autoIncrement, id.charset],
        ['bigint', true, false, true, null],
      );
      const text = column(definition, 'big_text');
      assert.deepEqual([text.charset, text.lengthChars, text.lengthBytes], ['latin1', 20, 20]);
      assert.match(text.defaultText ?? '', /it'{1,2}s/);
      const choice = column(definition, 'choice');
      assert.equal(choice.columnType, "enum('unsigned','b''c','é','(x) unsigned')");
      assert.equal(choice.unsigned, false);
      const money = column(definition, 'money');
      assert.deepEqual([money.precision, money.scale, money.unsigned], [12, 3, true]);
      assert.equal(column(definition, 'flag').precision, 5);
      assert.equal(column(definition, 'ratio').precision, null);
      assert.deepEqual(
        [column(definition, 'bin').lengthBytes, column(definition, 'bin').charset],
        [16, null],
      );
      assert.equal(column(definition, 'moment').fractionDigits, 3);
      assert.equal(column(definition, 'span').fractionDigits, 6);
      assert.equal(column(definition, 'day').fractionDigits, null);
      assert.match(column(definition, 'expr').defaultText ?? '', /concat/i);
      assert.notEqual(column(definition, 'word').defaultText, null);
      assert.equal(column(definition, 'small').defaultText, null);
      assert.deepEqual(
        definition.columns.filter((c) => c.invisible).map((c) => c.name),
        ['hidden'],
      );
      assert.equal(column(definition, 'doubled').generated, 'virtual');
      assert.equal(column(definition, 'upper_text').generated, 'stored');
      assert.equal(definition.columns.filter((c) => c.generated !== 'no').length, 2);
    });

    test('indexes: prefixes, order, nullable parts, FULLTEXT', async () => {
      await create(
        'indexed',
        `(id INT NOT NULL, a VARCHAR(50), b INT NOT NULL, c TEXT,
          PRIMARY KEY (b, id), UNIQUE KEY \`u\`\`k\` (a(7), b), KEY d (id DESC), FULLTEXT KEY f (c))`,
      );
      const definition = await read(session, 'indexed');
      const primary = index(definition, 'PRIMARY');
      assert.equal(primary.primary && primary.unique && !primary.nullable, true);
      assert.deepEqual(
        primary.parts.map((p) => p.column),
        ['b', 'id'],
      );
      const unique = index(definition, 'u`k');
      assert.deepEqual([unique.unique, unique.nullable, unique.primary], [true, true, false]);
      assert.equal(unique.parts[0]?.prefixChars, 7);
      assert.equal(unique.parts[1]?.prefixChars, null);
      assert.equal(index(definition, 'd').parts[0]?.descending, true);
      assert.equal(index(definition, 'f').kind, 'FULLTEXT');
    });

    test('functional parts and the generated invisible primary key (MySQL)', {
      skip: flavor !== 'mysql',
    }, async () => {
      await create('functional', '(id INT PRIMARY KEY, a INT, KEY f ((a + 1), id))');
      const definition = await read(session, 'functional');
      const part = index(definition, 'f').parts[0];
      assert.equal(part?.column, null);
      assert.match(part.expression ?? '', /a.*\+ 1/);
      assert.equal(definition.columns.length, 2);
      await session.execute('SET SESSION sql_generate_invisible_primary_key = 1');
      await create('keyless', '(a INT)');
      await session.execute('SET SESSION sql_generate_invisible_primary_key = 0');
      const keyless = await read(session, 'keyless');
      assert.deepEqual(
        keyless.columns.map((c) => [c.name, c.invisible]),
        [
          ['my_row_id', true],
          ['a', false],
        ],
      );
    });

    test('AUTO_INCREMENT is the present one, past the cache of statistics', async () => {
      await create('counted', '(id INT AUTO_INCREMENT PRIMARY KEY, v INT)');
      assert.equal((await read(session, 'counted')).autoIncrement, 1n);
      await session.execute(`INSERT INTO \`${SCHEMA}\`.counted (id, v) VALUES (41, 1)`);
      assert.equal((await read(session, 'counted')).autoIncrement, 42n);
      await session.execute(`INSERT INTO \`${SCHEMA}\`.counted (v) VALUES (2)`);
      assert.equal((await read(session, 'counted')).autoIncrement, 43n);
      await create('uncounted', '(id INT PRIMARY KEY)');
      assert.equal((await read(session, 'uncounted')).autoIncrement, null);
    });

    test('partitions, and views are no tables', async () => {
      await create('parted', '(id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3');
      assert.equal((await read(session, 'parted')).partitioned, true);
      assert.equal((await read(session, 'counted')).partitioned, false);
      await session.execute(`CREATE VIEW \`${SCHEMA}\`.seen AS SELECT id FROM \`${SCHEMA}\`.parted`);
      assert.equal(await readTableDefinition(session, { schema: SCHEMA, name: 'seen' }), null);
    });
  });
}
