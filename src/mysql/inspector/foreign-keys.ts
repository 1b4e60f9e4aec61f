import { quoteText } from '../../core/quote.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { type Row, text } from '../row.ts';
import { classify } from '../server-error.ts';
import type { Session } from '../session.ts';
import { whereTable } from './table-entry.ts';

export type ForeignKeyRule = 'RESTRICT' | 'NO ACTION' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';

/** A constraint, once, however many columns it has. */
export interface ForeignKey {
  readonly name: string;
  readonly child: TableRef;
  readonly parent: TableRef;
  readonly columns: readonly string[];
  readonly parentColumns: readonly string[];
  readonly onDelete: ForeignKeyRule;
  readonly onUpdate: ForeignKeyRule;
}

/** The foreign keys around a table. */
export interface ForeignKeys {
  /** Those of the table itself: it is the child. */
  readonly own: readonly ForeignKey[];
  /** Those of any table of any schema that points to this one. */
  readonly pointing: readonly ForeignKey[];
  /** False where the account sees only tables it has grants on: others may point here unseen (PROCESS). */
  readonly complete: boolean;
}

/** Whether the changes that the constraint makes to the child by itself can be more than an error. */
export function cascades(key: ForeignKey): boolean {
  return [key.onDelete, key.onUpdate].some((rule) => rule === 'CASCADE' || rule.startsWith('SET '));
}

/**
 * The foreign keys around a table.
 * @throws ServerError, SessionError.
 */
export async function readForeignKeys(session: Session, ref: TableRef): Promise<ForeignKeys> {
  return { own: await fromSchema(session, 'child', ref), ...(await readPointing(session, ref)) };
}

/**
 * The foreign keys of other tables that point to this one.
 * @throws ServerError, SessionError.
 */
export async function readPointing(session: Session, ref: TableRef): Promise<Omit<ForeignKeys, 'own'>> {
  const seen = await fromEngine(session, ref);
  if (seen) return { pointing: seen, complete: true };
  return { pointing: await fromSchema(session, 'parent', ref), complete: false };
}

/**
 * By the standard's views, which show what the account may see. Two questions, not a JOIN: MariaDB looks at
 * one table only where schema and name are constants, and at every table of the server for a JOIN.
 */
async function fromSchema(session: Session, side: 'child' | 'parent', ref: TableRef): Promise<ForeignKey[]> {
  const where =
    side === 'child'
      ? `${whereTable(ref, 'TABLE_SCHEMA', 'TABLE_NAME')} AND REFERENCED_TABLE_NAME IS NOT NULL`
      : whereTable(ref, 'REFERENCED_TABLE_SCHEMA', 'REFERENCED_TABLE_NAME');
  const columns = await session.query(
    `SELECT CONSTRAINT_NAME AS name, TABLE_SCHEMA AS child_schema, TABLE_NAME AS child_name,
            REFERENCED_TABLE_SCHEMA AS parent_schema, REFERENCED_TABLE_NAME AS parent_name,
            COLUMN_NAME AS column_name, REFERENCED_COLUMN_NAME AS parent_column
       FROM information_schema.KEY_COLUMN_USAGE
      WHERE ${where}
      ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const children = new Map(columns.map((row) => [childId(row), childOf(row)]));
  const rules = new Map<string, Row>();
  for (const child of children.values()) {
    const rows = await session.query(
      `SELECT CONSTRAINT_NAME AS name, CONSTRAINT_SCHEMA AS child_schema, TABLE_NAME AS child_name,
              DELETE_RULE AS on_delete, UPDATE_RULE AS on_update
         FROM information_schema.REFERENTIAL_CONSTRAINTS
        WHERE ${whereTable(child, 'CONSTRAINT_SCHEMA', 'TABLE_NAME')}`,
    );
    for (const row of rows) rules.set(constraintId(row), row);
  }
  // A constraint that was dropped between the questions has no rules any more.
  return grouped(
    columns.flatMap((row) => {
      const rule = rules.get(constraintId(row));
      return rule ? [{ ...rule, ...row }] : [];
    }),
  );
}

function childOf(row: Row): TableRef {
  return { schema: text(row, 'child_schema'), name: text(row, 'child_name') };
}

function childId(row: Row): string {
  return JSON.stringify(childOf(row));
}

function constraintId(row: Row): string {
  return JSON.stringify([childOf(row), text(row, 'name')]);
}

/** Names of InnoDB's own dictionary on older servers: in the encoding of file names. */
const ENCODED = { foreign: 'INNODB_SYS_FOREIGN', columns: 'INNODB_SYS_FOREIGN_COLS' };
const PLAIN = { foreign: 'INNODB_FOREIGN', columns: 'INNODB_FOREIGN_COLS' };

/** By InnoDB's dictionary, which hides nothing and is quick, but needs PROCESS. Null where unreadable. */
async function fromEngine(session: Session, ref: TableRef): Promise<ForeignKey[] | null> {
  for (const views of [PLAIN, ENCODED]) {
    try {
      const rows = await session.query(engineSql(views, ref, views === ENCODED));
      return grouped(rows.map((row) => (views === ENCODED ? row : { ...row, ...plainNames(row) })));
    } catch (error) {
      if (!session.usable || !['missing', 'privilege', 'syntax'].includes(classify(error))) throw error;
      if (classify(error) === 'privilege') return null;
    }
  }
  return null;
}

function engineSql(views: typeof PLAIN, ref: TableRef, encoded: boolean): string {
  const stored = (name: string): string => {
    const literal = `CONVERT(${quoteText(name)} USING utf8mb4)`;
    return encoded ? `CONVERT(CONVERT(${literal} USING filename) USING binary)` : literal;
  };
  const part = (column: string, place: 1 | -1): string => {
    const name = `SUBSTRING_INDEX(f.${column}, '/', ${place})`;
    return `CONVERT(CONVERT(CONVERT(${name} USING binary) USING filename) USING utf8mb4)`;
  };
  const names = encoded
    ? `SUBSTRING_INDEX(f.ID, '/', -1) AS name, ${part('FOR_NAME', 1)} AS child_schema,
       ${part('FOR_NAME', -1)} AS child_name, ${part('REF_NAME', 1)} AS parent_schema,
       ${part('REF_NAME', -1)} AS parent_name`
    : 'f.ID AS id, f.FOR_NAME AS child, f.REF_NAME AS parent';
  return `SELECT ${names}, c.FOR_COL_NAME AS column_name, c.REF_COL_NAME AS parent_column,
      CASE WHEN f.TYPE & 1 THEN 'CASCADE' WHEN f.TYPE & 2 THEN 'SET NULL'
           WHEN f.TYPE & 16 THEN 'NO ACTION' ELSE 'RESTRICT' END AS on_delete,
      CASE WHEN f.TYPE & 4 THEN 'CASCADE' WHEN f.TYPE & 8 THEN 'SET NULL'
           WHEN f.TYPE & 32 THEN 'NO ACTION' ELSE 'RESTRICT' END AS on_update
    FROM information_schema.${views.foreign} AS f
    JOIN information_schema.${views.columns} AS c ON c.ID = f.ID
   WHERE CAST(f.REF_NAME AS BINARY) = CAST(CONCAT(${stored(ref.schema)}, '/', ${stored(ref.name)}) AS BINARY)
   ORDER BY f.FOR_NAME, f.ID, c.POS`;
}

/** `schema/table` of a server that stores names as they are; a schema name with a slash is beyond us. */
function plainNames(row: Row): Row {
  const split = (name: string): [string, string] => {
    const slash = name.indexOf('/');
    return [name.slice(0, slash), name.slice(slash + 1)];
  };
  const [childSchema, childName] = split(text(row, 'child'));
  const [parentSchema, parentName] = split(text(row, 'parent'));
  return {
    name: split(text(row, 'id'))[1],
    child_schema: childSchema,
    child_name: childName,
    parent_schema: parentSchema,
    parent_name: parentName,
  };
}

function grouped(rows: readonly Row[]): ForeignKey[] {
  const byConstraint = new Map<string, Row[]>();
  for (const row of rows) {
    const id = constraintId(row);
    byConstraint.set(id, [...(byConstraint.get(id) ?? []), row]);
  }
  return [...byConstraint.values()].map(keyOf);
}

function keyOf(rows: readonly Row[]): ForeignKey {
  const first = rows[0]!;
  return {
    name: text(first, 'name'),
    child: childOf(first),
    parent: { schema: text(first, 'parent_schema'), name: text(first, 'parent_name') },
    columns: rows.map((row) => text(row, 'column_name')),
    parentColumns: rows.map((row) => text(row, 'parent_column')),
    onDelete: text(first, 'on_delete') as ForeignKeyRule,
    onUpdate: text(first, 'on_update') as ForeignKeyRule,
  };
}
