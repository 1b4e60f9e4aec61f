import type { Action } from './action.ts';
import { type CheckOptions, trueRenames } from './check.ts';
import { type Alter, actionsOf } from './clauses.ts';

/**
 * What a server does in place by changing its data dictionary alone, and why: an in-place ALTER of another kind reads or
 * rebuilds the table, for hours, and each replica does it once more, with its replication standing still meanwhile.
 *
 *  - rename-column  the name is in the dictionary only
 *  - alter-column   a DEFAULT is used by later INSERTs only
 *  - modify-column  only where the column stays what it is in the rows: see metadata-only-column.ts
 *  - rename-index, alter-index   name and visibility are in the dictionary only
 *  - drop-index     its pages are given back without being read
 *  - drop-foreign-key, drop-check   nothing has to be proved
 *
 * Not here: ADD INDEX and ADD UNIQUE read all rows, ADD FOREIGN KEY and ADD CHECK prove them, a column that is added,
 * dropped or moved is INSTANT or a rebuild, and options of the table may rebuild it (ROW_FORMAT, ENGINE).
 */
const dictionaryOnly: ReadonlySet<Action['kind']> = new Set([
  ...(['rename-column', 'alter-column', 'modify-column', 'rename-index', 'alter-index'] as const),
  ...(['drop-index', 'drop-foreign-key', 'drop-check', 'algorithm', 'lock'] as const),
]);

/** Options of the table that are in the dictionary only, alone in their clause. */
const dictionaryOption =
  /^(COMMENT\s*=?\s*(?:'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")|STATS_(PERSISTENT|AUTO_RECALC|SAMPLE_PAGES)\s*=?\s*\w+)$/is;

/** Clauses that define columns: whether they change rows the server must tell. */
const definesColumn: ReadonlySet<Action['kind']> = new Set(['rename-column', 'modify-column']);

/** What the text of an ALTER tells about doing it in place. */
export interface InPlace {
  /** The first clause that is not known to leave the rows alone, or null. */
  readonly obstacle: string | null;
  /** The clauses that define columns, to be judged by what the server makes of them; empty when there are none. */
  readonly columnClauses: string;
}

/** Whether an ALTER may be one that changes the dictionary only. */
export function metadataOnly(alter: Alter): InPlace {
  const isDictionaryOnly = ({ actions, text }: Alter['clauses'][number]): boolean =>
    actions.every(({ kind }) => dictionaryOnly.has(kind)) || dictionaryOption.test(text);
  const other = alter.clauses.find((clause) => !isDictionaryOnly(clause));
  const columns = alter.clauses.filter(({ actions }) => actions.some(({ kind }) => definesColumn.has(kind)));
  return {
    obstacle: other ? other.text : null,
    columnClauses: columns.map(({ text }) => text).join(', '),
  };
}

/** Kinds that the server must not do to the original by itself, or cannot. */
const never: readonly Action['kind'][] = [
  'rename-table',
  'tablespace',
  'system-versioning',
  'period',
  'partition',
];

/**
 * Whether the server's own ALTER would mean what a migration means.
 * @returns null; or why it must not be sent, in words.
 */
export function directObstacle(alter: Alter, options: CheckOptions): string | null {
  if (alter.ignore) return 'ALTER IGNORE';
  for (const kind of never)
    if (actionsOf(alter, kind).length > 0) return `it has a clause of the kind ${kind}`;
  if (alter.addedForeignKeys.length > 0) return 'it adds a foreign key';
  if (trueRenames(alter).length === 0) return null;
  // Renamed by the server the data of the columns would stay.
  if (options.skipRenamedColumns) return '--skip-renamed-columns';
  return options.approveRenamedColumns ? null : 'it renames columns without --approve-renamed-columns';
}
