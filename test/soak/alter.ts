import type { LedgerTable } from '../lab/ledger-table.ts';
import type { Random } from '../lab/random.ts';
import type { SoakColumn } from './columns.ts';
import type { RandomTable } from './table.ts';

/** A change that loses nothing. */
export interface RandomAlter {
  readonly sql: string;
  readonly expect: NonNullable<LedgerTable['expect']>;
  /** Needs `--approve-renamed-columns`. */
  readonly renames: boolean;
  /** Statements that must count no rows afterwards; `{t}` is the table. */
  readonly checks: readonly string[];
}

interface Draft {
  readonly table: RandomTable;
  readonly random: Random;
  readonly clauses: string[];
  readonly expect: Record<string, NonNullable<NonNullable<LedgerTable['expect']>[string]>>;
  /** Names of columns that become too long for an index on the whole of them. */
  readonly long: Set<string>;
  /** Name that `twin` has in the end. */
  twin: string;
  /** Uniqueness that the change adds, or a key that it widens: no partitions then. */
  unpartitionable: boolean;
}

type Clause = (draft: Draft) => void;

/**
 * Decides on a change for a table.
 * @param mark text for the table's comment, by which a changed table can be told.
 */
export function makeRandomAlter(table: RandomTable, mark: string, random: Random): RandomAlter {
  const names = { twin: 'twin', long: new Set<string>() };
  const draft: Draft = { table, random, clauses: [], expect: {}, ...names, unpartitionable: false };
  const left = CLAUSES.map((clause, order) => ({ clause, order }));
  const count = 1 + random.below(5);
  const drawn = Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
  // Decided on in the order of the list, and written down in any.
  for (const { clause } of drawn.sort((a, b) => a.order - b.order)) clause(draft);
  shuffle(draft.clauses, random);
  draft.clauses.push(`COMMENT = '${mark}'`);
  const partitions =
    canPartition(draft) && random.next() < 0.15 ? ' PARTITION BY HASH (id) PARTITIONS 3' : '';
  const twinCheck = `SELECT COUNT(*) FROM {t} WHERE ${draft.twin} <> IF(tag LIKE 'w%', 7, CRC32(tag))`;
  return {
    sql: draft.clauses.join(', ') + partitions,
    expect: draft.expect,
    renames: draft.twin !== 'twin',
    checks: [twinCheck],
  };
}

function shuffle(clauses: string[], random: Random): void {
  for (let i = clauses.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [clauses[i], clauses[j]] = [clauses[j]!, clauses[i]!];
  }
}

/** Every unique key of a partitioned table has the partitioning column in it. */
function canPartition({ table, unpartitionable }: Draft): boolean {
  const [first, second] = table.key.columns;
  const isInteger = second === undefined && /INT/.test(first?.type ?? '');
  return isInteger && table.slot !== 'unique' && !unpartitionable;
}

/** Next to columns that stay where they are: MariaDB does not find those that another clause has moved before. */
function place({ random }: Draft): string {
  return random.pick(['', '', ' FIRST', ' AFTER tag']);
}

function widen(draft: Draft): void {
  const { table, random, clauses, expect, long } = draft;
  for (const column of table.columns) {
    if (random.next() < 0.3 || column.kind.wider.length === 0) continue;
    const wider = random.pick(column.kind.wider);
    if (/^(\w*TEXT|\w*BLOB)\b/.test(wider.type)) long.add(column.name);
    const isNullable = column.nullable || random.next() < 0.3;
    const nulls = isNullable ? 'NULL' : 'NOT NULL';
    clauses.push(`MODIFY COLUMN ${column.name} ${wider.type} ${nulls}${place(draft)}`);
    if (wider.expect !== undefined) expect[column.name] = wider.expect;
  }
}

function widenKey(draft: Draft): void {
  const { table, clauses } = draft;
  const [first] = table.key.columns;
  if (table.key.wider === null) return;
  draft.unpartitionable ||= !/INT/.test(table.key.wider);
  clauses.push(`MODIFY ${first?.name} ${table.key.wider}`);
}

function addColumns(draft: Draft): void {
  const { random, clauses } = draft;
  const definitions = [
    'INT NOT NULL DEFAULT 5',
    'VARCHAR(20) NULL',
    "CHAR(3) NOT NULL DEFAULT 'abc'",
    'DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP',
    'BIGINT GENERATED ALWAYS AS (hits + 1) STORED',
    'BIGINT GENERATED ALWAYS AS (hits * 2) VIRTUAL',
    'TEXT NULL',
  ];
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i++) {
    clauses.push(`ADD COLUMN added${i} ${random.pick(definitions)}${place(draft)}`);
  }
}

function addIndex({ table, random, clauses, twin, long }: Draft): void {
  const indexable = table.columns.filter(({ kind, name }: SoakColumn) => kind.indexable && !long.has(name));
  const names = ['hits', twin, ...indexable.map(({ name }) => name)];
  clauses.push(`ADD INDEX new_i (${random.pick(names)}, tag)`);
}

function addUnique(draft: Draft): void {
  const { table, random, clauses } = draft;
  draft.unpartitionable = true;
  if (table.slot === 'index' && random.next() < 0.6) clauses.push('ADD UNIQUE KEY slot_u (slot)');
  else clauses.push('ADD UNIQUE KEY tag_u (tag)');
}

function dropIndex({ table, random, clauses }: Draft): void {
  clauses.push(table.slot !== 'none' && random.next() < 0.5 ? 'DROP INDEX slot_i' : 'DROP KEY tag_i');
}

function extendKey(draft: Draft): void {
  const { table, random, clauses } = draft;
  draft.unpartitionable = true;
  const key = table.key.columns.map(({ name }) => name).join(', ');
  // A counter in the key: the row of the ghost has another key after each hit.
  const added = random.pick(['tag', 'hits']);
  const extended = random.next() < 0.5;
  clauses.push(`DROP PRIMARY KEY, ADD PRIMARY KEY (${extended ? `${key}, ${added}` : `${added}, ${key}`})`);
  const indexed = !extended || random.next() < 0.3;
  const unique = indexed ? random.pick(['UNIQUE ', '']) : '';
  // Rows are moved to numbers that the counter may come to: where nothing refuses that any more the ledger, which tells rows by
  // their keys, takes one of the two for a phantom.
  if (table.key.auto) clauses.push(`ADD UNIQUE KEY key_i (${key})`);
  else if (indexed) clauses.push(`ADD ${unique}KEY key_i (${key})`);
}

function rename(draft: Draft): void {
  draft.twin = 'renamed';
  const { random, clauses } = draft;
  clauses.push(
    random.next() < 0.5
      ? 'RENAME COLUMN twin TO renamed'
      : 'CHANGE twin renamed BIGINT NOT NULL DEFAULT 7 FIRST',
  );
}

/** What an index needs to know of its columns comes before it. */
const CLAUSES: readonly Clause[] = [
  widen,
  widenKey,
  rename,
  addColumns,
  addIndex,
  addUnique,
  dropIndex,
  extendKey,
  ({ clauses }) => clauses.push('DROP COLUMN spare'),
  (draft) => draft.clauses.push(`MODIFY hits INT NOT NULL DEFAULT 0${place(draft)}`),
  ({ clauses }) => clauses.push('ENGINE = InnoDB'),
  ({ clauses, random }) => clauses.push(`ROW_FORMAT = ${random.pick(['DYNAMIC', 'COMPACT', 'REDUNDANT'])}`),
  ({ clauses }) => clauses.push('CONVERT TO CHARACTER SET utf8mb4'),
];
