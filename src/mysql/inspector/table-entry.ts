import { quoteText } from '../../core/quote.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { numberOrNull, type Row, text, textOrNull } from '../row.ts';
import type { Session } from '../session.ts';

/** What bears a name: only a `table` can be migrated. */
export type TableKind = 'table' | 'view' | 'system-versioned' | 'sequence' | 'other';

/** A line of information_schema.TABLES. */
export interface TableEntry {
  /** As the server spells it. */
  readonly ref: TableRef;
  readonly kind: TableKind;
  /** Empty where the server cannot tell (views, damaged tables). */
  readonly engine: string;
  readonly comment: string;
  readonly collation: string;
  readonly partitioned: boolean;
  readonly autoIncrement: bigint | null;
  readonly rowsEstimate: number;
  readonly dataBytes: number;
  readonly indexBytes: number;
}

const KINDS: Readonly<Record<string, TableKind>> = {
  'BASE TABLE': 'table',
  VIEW: 'view',
  'SYSTEM VIEW': 'view',
  'SYSTEM VERSIONED': 'system-versioned',
  SEQUENCE: 'sequence',
};

/** A WHERE clause on two columns of the catalogue; servers use it to look at one table only. */
export function whereTable(ref: TableRef, schemaColumn: string, nameColumn: string): string {
  return `${schemaColumn} = ${quoteText(ref.schema)} AND ${nameColumn} = ${quoteText(ref.name)}`;
}

/**
 * Finds one table by its exact name.
 * @returns null when there is none (or none that the account may see).
 * @throws ServerError, SessionError.
 */
export async function findTable(session: Session, ref: TableRef): Promise<TableEntry | null> {
  const rows = await session.query(
    `SELECT TABLE_SCHEMA AS table_schema, TABLE_NAME AS table_name, TABLE_TYPE AS table_type,
            ENGINE AS engine, TABLE_COMMENT AS table_comment, TABLE_COLLATION AS table_collation,
            CREATE_OPTIONS AS create_options,
            AUTO_INCREMENT AS auto_increment, TABLE_ROWS AS table_rows, DATA_LENGTH AS data_length,
            INDEX_LENGTH AS index_length, @@lower_case_table_names AS fold_names
       FROM information_schema.TABLES
      WHERE ${whereTable(ref, 'TABLE_SCHEMA', 'TABLE_NAME')}`,
  );
  // The catalogue's collation may take `e` for `é`: equality is decided here.
  const row = rows.find((candidate) => isNamed(candidate, ref));
  return row ? entryOf(row) : null;
}

function isNamed(row: Row, ref: TableRef): boolean {
  const folds = numberOrNull(row, 'fold_names') !== 0;
  const same = (a: string, b: string): boolean => (folds ? a.toLowerCase() === b.toLowerCase() : a === b);
  return same(text(row, 'table_schema'), ref.schema) && same(text(row, 'table_name'), ref.name);
}

function entryOf(row: Row): TableEntry {
  const autoIncrement = textOrNull(row, 'auto_increment');
  return {
    ref: { schema: text(row, 'table_schema'), name: text(row, 'table_name') },
    kind: KINDS[text(row, 'table_type')] ?? 'other',
    engine: text(row, 'engine'),
    comment: text(row, 'table_comment'),
    collation: text(row, 'table_collation'),
    partitioned: /\bpartitioned\b/i.test(text(row, 'create_options')),
    autoIncrement: autoIncrement === null ? null : BigInt(autoIncrement),
    rowsEstimate: numberOrNull(row, 'table_rows') ?? 0,
    dataBytes: numberOrNull(row, 'data_length') ?? 0,
    indexBytes: numberOrNull(row, 'index_length') ?? 0,
  };
}
