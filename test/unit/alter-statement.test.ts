import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';

describe('a full ALTER statement', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['ALTER TABLE t ADD x INT', '-.t ADD x INT'],
    ['alter table `my db`.`t``x` add x int;', 'my db.t`x add x int'],
    ['ALTER TABLE db . t\nADD x INT\n;\n', 'db.t ADD x INT'],
    ['ALTER TABLE .t ADD x INT', '-.t ADD x INT'],
    ['ALTER TABLE db.1t ADD x INT', 'db.1t ADD x INT'],
    ['ALTER ONLINE TABLE t ADD x INT', '-.t ADD x INT'],
    ['ALTER TABLE IF EXISTS t WAIT 10 ADD x INT', '-.t ADD x INT'],
    ['ALTER TABLE t NOWAIT ADD x INT', '-.t ADD x INT'],
    ['ALTER TABLE t ADD x INT, RENAME COLUMN a TO b; ;', '-.t ADD x INT, RENAME COLUMN a TO b'],
    ['/* JIRA-1; */ ALTER TABLE t ADD x INT', '-.t /* JIRA-1; */       ADD x INT'],
    ['ALTER TABLE t /*!100301 NOWAIT */ ADD x INT', '-.t /*!100301   */ ADD x INT'],
    ['ALTER TABLE t ADD x INT; -- done', '-.t ADD x INT  -- done\n'],
  ];
  for (const [source, expected] of cases) {
    it(JSON.stringify(source), () => {
      const alter = parseAlter(source);
      assert.equal(`${alter.schema ?? '-'}.${alter.table} ${alter.text}`, expected);
    });
  }

  it('tells IGNORE and WAIT', () => {
    assert.equal(parseAlter('ALTER IGNORE TABLE t ADD UNIQUE (a)').ignore, true);
    assert.equal(parseAlter('ALTER ONLINE IGNORE TABLE t ADD UNIQUE (a)').ignore, true);
    assert.equal(parseAlter('ALTER TABLE t WAIT 5 ADD x INT').wait, true);
    assert.equal(parseAlter('ALTER TABLE `wait` ADD x INT').wait, false);
  });
});

describe('the text for the ghost', () => {
  const cases: readonly (readonly [string, string])[] = [
    ["ADD x INT COMMENT '50% off; %s %d' ;", "ADD x INT COMMENT '50% off; %s %d'"],
    ['ADD x INT, ALGORITHM=COPY, LOCK=NONE', 'ADD x INT'],
    ['ALGORITHM=COPY, LOCK=NONE, ADD x INT, DROP y', 'ADD x INT, DROP y'],
    ['ADD x INT, LOCK=NONE, DROP y', 'ADD x INT , DROP y'],
    ['ADD x INT,LOCK=NONE/**/PARTITION BY HASH(id)', 'ADD x INT /**/PARTITION BY HASH(id)'],
    ['LOCK=NONE PARTITION BY HASH(id)', 'PARTITION BY HASH(id)'],
    ['ADD x INT /*!80000 , LOCK=NONE */', 'ADD x INT /*!80000   */'],
    ['DROP FOREIGN KEY f, ADD x INT', 'ADD x INT'],
    ['ADD x INT # the last word', 'ADD x INT # the last word\n'],
    ['DROP FOREIGN KEY f', ''],
  ];
  const squeeze = (text: string): string => text.replace(/ +/g, ' ');
  for (const [source, expected] of cases) {
    it(`of ${JSON.stringify(source)}`, () => {
      assert.equal(squeeze(parseAlter(source).text), squeeze(expected));
    });
  }

  it('keeps the foreign keys for the original itself', () => {
    assert.equal(parseAlter('DROP FOREIGN KEY f, LOCK=NONE').directText, 'DROP FOREIGN KEY f');
  });

  it('knows a DROP CONSTRAINT that drops a foreign key once it is told their names', () => {
    const alter = parseAlter('DROP CONSTRAINT Fk, DROP CONSTRAINT c', { foreignKeys: ['fk'] });
    assert.deepEqual([alter.text, alter.droppedForeignKeys], ['DROP CONSTRAINT c', ['Fk']]);
  });

  it('reads double quotes as the sql_mode says', () => {
    assert.deepEqual(parseAlter('DROP COLUMN "a,b"', { ansiQuotes: true }).droppedColumns, ['a,b']);
    assert.deepEqual(parseAlter('ADD x TEXT DEFAULT ("a, DROP b")').droppedColumns, []);
  });

  it('does not take for code what this server skips', () => {
    const source = 'ADD x INT /*!80000 , DROP a */ /*M!100100 , DROP b */';
    const dropped = (mariadb: boolean, version: number) =>
      parseAlter(source, { server: { mariadb, version } }).droppedColumns;
    assert.deepEqual(
      [dropped(false, 80036), dropped(false, 50744), dropped(true, 101106)],
      [['a'], [], ['b']],
    );
  });
});

describe('what is no ALTER', () => {
  const bad = [
    ...[
      '',
      '  \n',
      ';',
      '-- nothing',
      '/* ADD x INT */',
      'ALTER TABLE t',
      'ALTER TABLE t;',
      'ALTER TABLE',
      ',',
    ],
    ...['ADD x INT; DROP y', 'USE db; ALTER TABLE t ADD x INT', 'ALTER TABLE a.b.c ADD x INT'],
    ...[
      'CREATE INDEX i ON t (a)',
      'OPTIMIZE TABLE t',
      "ADD x INT DEFAULT 'a",
      'ADD `x INT',
      'ADD x INT /* y',
    ],
  ];
  for (const source of bad) {
    it(JSON.stringify(source), () => assert.throws(() => parseAlter(source), UsageError));
  }
});
