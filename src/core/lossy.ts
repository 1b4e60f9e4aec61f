import { Refusal } from '../base/errors.ts';
import { sameName } from './alter/identifier.ts';
import type { Mapping } from './mapping.ts';
import type { MigrationKey } from './migration-key.ts';
import type { Index, TableDefinition } from './table.ts';

/**
 * `--allow-lossy` and `--skip-strict-mode`: for the columns named, or changed, what the server's ALTER would do without strict mode.
 *
 * Strictness is a matter of the session, not of a column. So where columns are named, copy and sync run
 * without strict mode in a transaction, and the statement's warnings are read before it commits: in strict
 * mode each of them would have been an error, so what they do not mention was converted just the same. If one
 * warning is not provably of a named column alone, the transaction is rolled back and the warning is the
 * error that it would have been. What stays an error without strict mode (CHECK constraints, unique keys)
 * stays one here.
 */

/**
 * The ghost's columns that may lose data.
 * @param names as given: a column's name in the original or in the ghost.
 * @throws Refusal `lossy-column` for a name that is neither; `lossy-key` for a column of the migration key.
 */
export function lossyColumns(
  names: readonly string[],
  ghost: TableDefinition,
  mapping: Mapping,
  key: MigrationKey,
): ReadonlySet<string> {
  const pairs = [...mapping.shared, ...mapping.computed];
  const lossy = new Set<string>();
  for (const name of names) {
    const pair = pairs.find(({ from }) => sameName(from, name));
    const to = pair?.to ?? ghost.columns.find((column) => sameName(column.name, name))?.name;
    if (to === undefined) {
      throw new Refusal('lossy-column', `--allow-lossy names '${name}', which is no column that is copied`, {
        hint: 'Name columns as the table has them, before or after the ALTER.',
      });
    }
    if (key.ghostColumns.some((column) => column.name === to)) {
      throw new Refusal(
        'lossy-key',
        `--allow-lossy names '${name}', a column of the migration key ${key.key.name}: ` +
          'rows whose key loses data could not be found again',
        { hint: 'Mend the keys that do not fit, or migrate by another unique key.' },
      );
    }
    lossy.add(to);
  }
  return lossy;
}

/**
 * `--skip-strict-mode`: the ghost's columns that the ALTER changes in what they can hold, but for those of the migration key,
 * whose rows could not be found again. All others hold any value of theirs as it is.
 */
export function changedColumns(
  original: TableDefinition,
  ghost: TableDefinition,
  { shared, computed }: Mapping,
  key: MigrationKey,
): readonly string[] {
  const shape = ({ columns }: TableDefinition, name: string): string => {
    const column = columns.find((each) => each.name === name);
    return JSON.stringify([column?.columnType, column?.charset, column?.nullable, column?.generated]);
  };
  return [...shared, ...computed]
    .filter(({ from, to }) => shape(original, from) !== shape(ghost, to))
    .map(({ to }) => to)
    .filter((to) => key.ghostColumns.every(({ name }) => name !== to));
}

/** The migration key with the unique keys under which values that lose data may collide. */
export function withLosses(
  key: MigrationKey,
  ghost: TableDefinition,
  lossy: ReadonlySet<string>,
): MigrationKey {
  if (lossy.size === 0) return key;
  const atRisk = ghost.indexes.filter((index) => index.unique && mayCollide(index, ghost, lossy));
  const addedUnique = [...new Set([...key.addedUnique, ...atRisk])];
  return { ...key, addedUnique, addedUniqueness: addedUnique.length > 0 };
}

function mayCollide({ parts }: Index, ghost: TableDefinition, lossy: ReadonlySet<string>): boolean {
  return parts.some(({ column }) => {
    const generated = ghost.columns.find(({ name }) => name === column)?.generated ?? 'no';
    return column === null || generated !== 'no' || lossy.has(column);
  });
}

/** What stands before a column's name at the end of a message, and what after it. */
const namings: readonly (readonly [before: string, after: string])[] = [
  [" for column '", "'"],
  // .. Invalid TIMESTAMP value in column 'column'
  [" in column '", "'"],
  // MariaDB: .. for column `schema`.`table`.`column`
  ['.`', '`'],
  // JSON: .. at position 0 in value for column 'table.column'.
  ['.', "'."],
];

/**
 * The columns of which a message of the server may speak; none where it names none of them. Values stand in
 * messages too, and may look like names: so it is the end of the message that counts, and more than one
 * column may be meant.
 */
export function columnsNamed(message: string, columns: ReadonlySet<string>): readonly string[] {
  const end = message.replace(/ at row \d+\.?$/, '');
  const [, whole] =
    /^Column '(.*)' cannot be null$|^Field '(.*)' doesn't have a default value$/s
      .exec(end)
      ?.filter(Boolean) ?? [];
  const named = new Set<string>(whole !== undefined && columns.has(whole) ? [whole] : []);
  for (const [before, after] of namings) {
    if (!end.endsWith(after)) continue;
    for (let at = end.indexOf(before); at >= 0; at = end.indexOf(before, at + 1)) {
      const name = end.slice(at + before.length, -after.length);
      for (const spelled of [name, name.replaceAll('``', '`')]) if (columns.has(spelled)) named.add(spelled);
    }
  }
  return [...named];
}

/** Whether a warning speaks of nothing but these columns. */
export function isTolerated(
  message: string,
  columns: ReadonlySet<string>,
  tolerated: ReadonlySet<string>,
): boolean {
  const named = columnsNamed(message, columns);
  return named.length > 0 && named.every((name) => tolerated.has(name));
}
