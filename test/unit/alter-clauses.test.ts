import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../../src/core/alter/action.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';

/** An action in short: its kind and what tells it from others of the kind. */
function brief(action: Action): string {
  switch (action.kind) {
    case 'rename-column':
      return `rename ${action.from}>${action.to}`;
    case 'add-column':
      return `add ${action.name}${action.autoIncrement ? '#' : ''}`;
    case 'modify-column':
      return `modify ${action.name}`;
    case 'drop-column':
      return `drop ${action.name}`;
    case 'add-unique':
      return `${action.primary ? 'primary' : `unique ${action.name ?? ''}`}(${action.columns.join(' ')})`;
    case 'add-foreign-key':
      return `fk ${action.inline ? 'inline' : (action.name ?? '')}(${action.columns.join(' ')})`;
    case 'rename-table':
      return `table ${action.schema === undefined ? '' : `${action.schema}.`}${action.name}`;
    case 'partition':
    case 'tablespace':
    case 'system-versioning':
    case 'period':
      return `${action.kind} ${action.operation}`;
    case 'algorithm':
    case 'lock':
    case 'engine':
    case 'auto-increment':
      return `${action.kind}=${action.value}`;
    default:
      return 'name' in action ? `${action.kind} ${action.name}` : action.kind;
  }
}

/** Clauses are separated by ` | `, the actions of one clause by ` + `. */
const read = (source: string): string =>
  parseAlter(source)
    .clauses.map(({ actions }) => actions.map(brief).join(' + '))
    .join(' | ');

const CASES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'columns that come': [
    ['ADD COLUMN x INT', 'add x'],
    ['add x int', 'add x'],
    ['ADD COLUMN x INT, DROP y', 'add x | drop y'],
    ['ADD `column` INT', 'add column'],
    ['ADD COLUMN `index` INT NOT NULL DEFAULT 0 AFTER `key`', 'add index'],
    ['ADD COLUMN `a``b` INT', 'add a`b'],
    ['ADD COLUMN `a,b` INT, ADD c INT', 'add a,b | add c'],
    [
      'ADD period INT, ADD system INT, ADD vector INT, ADD type INT',
      'add period | add system | add vector | add type',
    ],
    ["ADD COLUMN (a INT, b VARCHAR(10) DEFAULT 'x,(y', KEY (a))", 'add a + add b + add-index'],
    ['ADD (a INT, UNIQUE KEY u (a, b), CONSTRAINT c CHECK (a > 0))', 'add a + unique u(a b) + add-check'],
    ['ADD COLUMN IF NOT EXISTS x INT', 'add x'],
    ['ADD COLUMN t.x INT', 'add x'],
    ["ADD COLUMN s ENUM('a','b,c','it''s') NOT NULL DEFAULT 'a'", 'add s'],
    ["ADD COLUMN s SET('x)','(y') COMMENT 'drop column z'", 'add s'],
    ['ADD COLUMN d DECIMAL(10,2) DEFAULT (1.5 * 2), ADD e INT', 'add d | add e'],
    ["ADD COLUMN g INT GENERATED ALWAYS AS (JSON_EXTRACT(j, '$.a,b')) VIRTUAL", 'add g'],
    ["ADD COLUMN g VARCHAR(9) AS (CONCAT(a, ',', b)) STORED NOT NULL, ADD INDEX (g)", 'add g | add-index'],
    ['ADD COLUMN ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP', 'add ts'],
    ['ADD COLUMN ts DATETIME(6) DEFAULT NOW(6) FIRST', 'add ts'],
    ["ADD COLUMN x VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT _utf8mb4'x'", 'add x'],
    ['ADD COLUMN x INT /*!80023 INVISIBLE */', 'add x'],
    ["ADD COLUMN x INT COMMENT '100% -- sure; /* yes */', ADD y INT", 'add x | add y'],
    ['ADD COLUMN p POINT NOT NULL SRID 4326, ADD SPATIAL INDEX (p)', 'add p | add-index'],
    ['ADD u UUID DEFAULT UUID() , ADD i INET6', 'add u | add i'],
    ['ADD COLUMN 1st INT, ADD COLUMN $x INT, ADD größe INT', 'add 1st | add $x | add größe'],
    ['ADD\n\tCOLUMN\n\tx\n\tINT\n', 'add x'],
  ],
  'columns that change or go': [
    ['MODIFY x BIGINT UNSIGNED NOT NULL', 'modify x'],
    ['MODIFY COLUMN `x` BIGINT AUTO_INCREMENT', 'modify x'],
    ['MODIFY COLUMN IF EXISTS x INT', 'modify x'],
    ['MODIFY x INT UNIQUE KEY', 'modify x + unique (x)'],
    ['CHANGE x x BIGINT', 'modify x'],
    ['CHANGE COLUMN `a` `b` INT NOT NULL', 'rename a>b'],
    ['change a b int', 'rename a>b'],
    ['CHANGE COLUMN IF EXISTS a b INT', 'rename a>b'],
    ['CHANGE a b INT, CHANGE b a INT', 'rename a>b | rename b>a'],
    ['CHANGE ID id INT', 'rename ID>id'],
    ['CHANGE `a``b` `c d` INT', 'rename a`b>c d'],
    ['CHANGE/**/`a`/* to */`b`/**/INT', 'rename a>b'],
    ['CHANGE`a`b INT', 'rename a>b'],
    ['RENAME COLUMN a TO b', 'rename a>b'],
    ['RENAME COLUMN a TO b, RENAME COLUMN b TO a', 'rename a>b | rename b>a'],
    ['RENAME COLUMN IF EXISTS a TO b', 'rename a>b'],
    ['rename\ncolumn `to` to `column`', 'rename to>column'],
    ['DROP a', 'drop a'],
    ['DROP COLUMN a, DROP COLUMN `b`', 'drop a | drop b'],
    ['DROP COLUMN IF EXISTS a CASCADE', 'drop a'],
    ['DROP `index`, DROP `primary`, DROP `partition`', 'drop index | drop primary | drop partition'],
    ['DROP period, DROP system', 'drop period | drop system'],
    ['ALTER COLUMN a SET DEFAULT (IF(1,2,3)), ALTER b DROP DEFAULT', 'alter-column a | alter-column b'],
    ['ALTER a SET DEFAULT 1', 'alter-column a'],
    ['ALTER online SET DEFAULT 1', 'alter-column online'],
    ['ALTER COLUMN a SET INVISIBLE', 'alter-column a'],
  ],
  'keys and constraints': [
    ['ADD INDEX i (a, b DESC), ADD KEY (c(10))', 'add-index | add-index'],
    ['ADD FULLTEXT KEY f (a) WITH PARSER ngram', 'add-index'],
    ['ADD VECTOR INDEX v (e) DISTANCE=cosine', 'add-index'],
    ["ADD INDEX i ((CAST(j->'$.a,b' AS UNSIGNED ARRAY))) INVISIBLE COMMENT 'x'", 'add-index'],
    ['ADD UNIQUE (a)', 'unique (a)'],
    ['ADD UNIQUE KEY u (a, `b`)', 'unique u(a b)'],
    ['ADD UNIQUE INDEX u USING BTREE (a(5), b DESC)', 'unique u(a b)'],
    ['ADD UNIQUE INDEX IF NOT EXISTS u (a)', 'unique u(a)'],
    ['ADD CONSTRAINT u UNIQUE (a)', 'unique u(a)'],
    ['ADD CONSTRAINT UNIQUE KEY (a)', 'unique (a)'],
    ['ADD UNIQUE KEY u ((LOWER(a)), b)', 'unique u(b)'],
    ['ADD UNIQUE (id, p WITHOUT OVERLAPS)', 'unique (id)'],
    ['ADD PRIMARY KEY (a, b)', 'primary(a b)'],
    ['DROP PRIMARY KEY, ADD CONSTRAINT `pk` PRIMARY KEY USING BTREE (a)', 'drop-primary-key | primary(a)'],
    ['ADD COLUMN id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST', 'add id# + primary(id)'],
    ['ADD id SERIAL', 'add id# + unique (id)'],
    ['ADD id BIGINT SERIAL DEFAULT VALUE', 'add id# + unique (id)'],
    ['ADD id INT KEY', 'add id + primary(id)'],
    ["ADD a INT COMMENT 'UNIQUE' UNIQUE", 'add a + unique (a)'],
    ["ADD a INT COMMENT 'UNIQUE', ADD `unique` INT DEFAULT (`key`)", 'add a | add unique'],
    ['DROP INDEX i, DROP KEY `k`, DROP INDEX IF EXISTS x', 'drop-index i | drop-index k | drop-index x'],
    ['RENAME INDEX a TO b, RENAME KEY c TO d', 'rename-index | rename-index'],
    ['ALTER INDEX i INVISIBLE, ALTER INDEX j NOT IGNORED', 'alter-index | alter-index'],
    ['ADD CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p (x, y) ON DELETE CASCADE', 'fk fk(a b)'],
    ['ADD FOREIGN KEY f (a) REFERENCES d.p (x)', 'fk (a)'],
    ['ADD COLUMN p INT REFERENCES parents (id)', 'add p + fk inline(p)'],
    ['DROP FOREIGN KEY fk, DROP FOREIGN KEY IF EXISTS f2', 'drop-foreign-key fk | drop-foreign-key f2'],
    ['ADD CHECK (a > 0), ADD CONSTRAINT c CHECK (b IN (1,2)) NOT ENFORCED', 'add-check | add-check'],
    ['DROP CHECK c, DROP CONSTRAINT d', 'drop-check c | drop-constraint d'],
    ['ALTER CHECK c NOT ENFORCED, ALTER CONSTRAINT d ENFORCED', 'alter-constraint | alter-constraint'],
  ],
  'the table': [
    ['ENGINE=InnoDB', 'engine=InnoDB'],
    [
      "engine = 'InnoDB' ROW_FORMAT=DYNAMIC AUTO_INCREMENT 17 COMMENT='ENGINE=MyISAM'",
      'engine=InnoDB + auto-increment=17',
    ],
    ['AUTO_INCREMENT=18446744073709551615', 'auto-increment=18446744073709551615'],
    ['AUTO_INCREMENT=1, auto_increment = 9', 'auto-increment=1 | auto-increment=9'],
    ['FORCE', 'force'],
    ['CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci', 'convert-charset'],
    ['DEFAULT CHARACTER SET = latin1 COLLATE latin1_bin', 'other'],
    ["COMMENT 'rename to x', KEY_BLOCK_SIZE=8", 'other | other'],
    ['ADD x INT, ORDER BY a, t.b DESC, `c` ASC', 'add x | order-by'],
    ['ORDER BY a, b PARTITION BY HASH (a)', 'order-by | partition BY'],
    ['DISABLE KEYS, ENABLE KEYS', 'other | other'],
    ['ADD x INT, ALGORITHM=INPLACE, LOCK=NONE', 'add x | algorithm=INPLACE | lock=NONE'],
    ['algorithm instant, lock = default, ADD x INT', 'algorithm=INSTANT | lock=DEFAULT | add x'],
    ['ADD x INT /*!80000 , ALGORITHM=INSTANT */', 'add x | algorithm=INSTANT'],
    ['RENAME t2', 'table t2'],
    ['RENAME TO d.t2', 'table d.t2'],
    ['RENAME AS `t 2`', 'table t 2'],
    ['ADD x INT, rename = t2', 'add x | table t2'],
    ['RENAME `column`', 'table column'],
    ['ADD x INT /*!50000 , RENAME TO y */', 'add x | table y'],
    [
      "ADD x INT COMMENT 'a' /* , RENAME TO y */ -- , RENAME TO y\n, ADD y INT # RENAME TO y",
      'add x | add y',
    ],
    ["MODIFY a VARCHAR(9) DEFAULT ', RENAME TO b'", 'modify a'],
    ['DISCARD TABLESPACE', 'tablespace DISCARD'],
    ['IMPORT TABLESPACE', 'tablespace IMPORT'],
    ['ADD SYSTEM VERSIONING', 'system-versioning ADD'],
    ['DROP SYSTEM VERSIONING', 'system-versioning DROP'],
    ['ADD PERIOD FOR SYSTEM_TIME (s, e)', 'period ADD'],
    ['DROP PERIOD FOR p, ADD PERIOD FOR p (a, b)', 'period DROP | period ADD'],
  ],
  partitions: [
    ['PARTITION BY HASH (id) PARTITIONS 4', 'partition BY'],
    ['ADD x INT PARTITION BY KEY ALGORITHM=2 (id) PARTITIONS 4', 'add x | partition BY'],
    [
      'PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES LESS THAN MAXVALUE)',
      'partition BY',
    ],
    [
      "ADD x INT, ENGINE=InnoDB /*!50100 PARTITION BY LIST COLUMNS (c) (PARTITION p VALUES IN ('a','b')) */",
      'add x | engine=InnoDB | partition BY',
    ],
    ['REMOVE PARTITIONING', 'partition REMOVE'],
    ['DROP x REMOVE PARTITIONING', 'drop x | partition REMOVE'],
    ['ADD PARTITION (PARTITION p3 VALUES LESS THAN (2000))', 'partition ADD'],
    ['ADD PARTITION PARTITIONS 2', 'partition ADD'],
    ['COALESCE PARTITION 2', 'partition COALESCE'],
    ['REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES LESS THAN (9))', 'partition REORGANIZE'],
    ['DROP PARTITION p0, p1', 'partition DROP'],
    ['TRUNCATE PARTITION ALL', 'partition TRUNCATE'],
    ['EXCHANGE PARTITION p WITH TABLE t2 WITHOUT VALIDATION', 'partition EXCHANGE'],
    ['DISCARD PARTITION p0, p1 TABLESPACE', 'partition DISCARD'],
    ['IMPORT PARTITION ALL TABLESPACE', 'partition IMPORT'],
    ['REBUILD PARTITION p0, p1', 'partition REBUILD'],
    ['CHECK PARTITION p0', 'partition CHECK'],
    ['CONVERT PARTITION p TO TABLE x', 'partition CONVERT'],
    ['CONVERT TABLE x TO PARTITION p VALUES LESS THAN (5)', 'partition CONVERT'],
    ['ADD `partition` INT, DROP `partition`', 'add partition | drop partition'],
  ],
};

for (const [group, cases] of Object.entries(CASES)) {
  describe(`an ALTER: ${group}`, () => {
    for (const [source, expected] of cases) {
      it(JSON.stringify(source), () => assert.equal(read(source), expected));
    }
  });
}
