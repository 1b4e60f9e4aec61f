import { invariant, Refusal } from '../base/errors.ts';
import { foldName, sameName } from './alter/identifier.ts';

/** What mapping needs to know of a column. */
export interface MappableColumn {
  readonly name: string;
  readonly generated: 'no' | 'virtual' | 'stored';
}

/** What an ALTER says about columns; `Alter` is one. */
export interface ColumnChanges {
  readonly renamedColumns: readonly { readonly from: string; readonly to: string }[];
  readonly droppedColumns: readonly string[];
  readonly addedColumns: readonly string[];
  /** Whether the text was read without knowing which executable comments the server skips. */
  readonly uncertain?: boolean | undefined;
}

/** A column under its name in the original and its name in the ghost. */
export interface ColumnPair {
  readonly from: string;
  readonly to: string;
}

/** Which columns of the original go where. Names are spelled as the table that they belong to spells them. */
export interface Mapping {
  /** To be copied, in the original's order. */
  readonly shared: readonly ColumnPair[];
  /** In both tables, but the ghost computes its value itself. */
  readonly computed: readonly ColumnPair[];
  /** Renamed, and not copied because the operator said so. */
  readonly skipped: readonly ColumnPair[];
  /** Columns of the ghost that take no data from the original. */
  readonly added: readonly string[];
  /** Columns of the original that the ALTER drops. */
  readonly dropped: readonly string[];
}

/** What the operator said about columns. */
export interface MappingOptions {
  /** `--skip-renamed-columns` */
  readonly skipRenamedColumns?: boolean | undefined;
}

/**
 * Maps the columns of the original to those of the ghost. Names match without regard to case. All renames of an
 * ALTER speak of the original's names and happen at once, so swaps and chains are nothing special. A generated
 * column of the original is shared if the ghost has it as an ordinary one: its values can be read.
 * @throws Refusal `column-vanished` when a column of the original is missing in the ghost without having been
 *   dropped; `column-unclear` when the text names one twice, or two go to one place, or one that it drops or
 *   renames away is still there; `no-shared-columns`.
 * @throws Bug when the ALTER is uncertain: it has to be parsed again with the server's version.
 */
export function mapColumns(
  original: readonly MappableColumn[],
  ghost: readonly MappableColumn[],
  changes: ColumnChanges,
  options: MappingOptions = {},
): Mapping {
  invariant(!changes.uncertain, 'The ALTER must be parsed for this server before its columns are mapped');
  const ghostByName = new Map(ghost.map((column) => [foldName(column.name), column]));
  const shared: ColumnPair[] = [];
  const computed: ColumnPair[] = [];
  const skipped: ColumnPair[] = [];
  const dropped: string[] = [];
  const taken = new Set<string>();
  const targets = new Set<string>();
  refuseDoubles(changes);
  for (const { column, target } of targetsOf(original, changes)) {
    if (target === undefined) {
      dropped.push(column.name);
      continue;
    }
    const counterpart = ghostByName.get(foldName(target));
    if (!counterpart) throw vanished(column.name, target);
    const pair: ColumnPair = { from: column.name, to: counterpart.name };
    if (targets.has(pair.to)) throw unclear(`Two columns seem to become '${pair.to}'`);
    targets.add(pair.to);
    if (options.skipRenamedColumns && !sameName(pair.from, pair.to)) {
      skipped.push(pair);
      continue;
    }
    taken.add(pair.to);
    if (counterpart.generated === 'no') shared.push(pair);
    else computed.push(pair);
  }
  refuseLeftovers(original, ghostByName, changes);
  if (shared.length === 0) {
    throw new Refusal(
      'no-shared-columns',
      'No column of the table is left after the ALTER that could be copied',
    );
  }
  const added = ghost.map(({ name }) => name).filter((name) => !taken.has(name));
  return { shared, computed, skipped, added, dropped };
}

/** Where each column of the original goes by the text of the ALTER: a name in the ghost, or nowhere. */
function targetsOf<C extends MappableColumn>(
  original: readonly C[],
  changes: ColumnChanges,
): readonly { readonly column: C; readonly target: string | undefined }[] {
  const drops = new Set(changes.droppedColumns.map(foldName));
  const renames = new Map(changes.renamedColumns.map(({ from, to }) => [foldName(from), to]));
  return original.map((column) => {
    const key = foldName(column.name);
    const target = renames.get(key) ?? (drops.has(key) ? undefined : column.name);
    return { column, target };
  });
}

/**
 * If the text drops or renames a column and the ghost still has one of that name, the ALTER must have put another
 * one there. If it has not, the clause was not done (it stood in an executable comment for another server), and
 * data would be lost without a word.
 */
function refuseLeftovers(
  original: readonly MappableColumn[],
  ghostByName: ReadonlyMap<string, MappableColumn>,
  changes: ColumnChanges,
): void {
  const replaced = new Set(changes.addedColumns.map(foldName));
  for (const { to } of changes.renamedColumns) replaced.add(foldName(to));
  for (const { column, target } of targetsOf(original, changes)) {
    const key = foldName(column.name);
    const leaves = target === undefined || foldName(target) !== key;
    if (!leaves || replaced.has(key) || !ghostByName.has(key)) continue;
    const verb = target === undefined ? 'drop' : 'rename';
    throw unclear(`The ALTER seems to ${verb} the column '${column.name}', but it is still there after it`);
  }
}

/**
 * A column is dropped or renamed once. A second time can only mean another column: MariaDB lets `DROP a, ADD a ..,
 * CHANGE a b ..` rename the new one.
 */
function refuseDoubles(changes: ColumnChanges): void {
  const seen = new Set(changes.droppedColumns.map(foldName));
  for (const { from } of changes.renamedColumns) {
    const key = foldName(from);
    if (seen.has(key))
      throw unclear(`The ALTER renames the column '${from}' and drops or renames it as well`);
    seen.add(key);
  }
}

function unclear(message: string): Refusal {
  return new Refusal('column-unclear', message, {
    hint: 'Write the ALTER plainly: each column once, no IF EXISTS, no executable comments.',
  });
}

function vanished(name: string, target: string): Refusal {
  const renamed = sameName(name, target) ? '' : ` (as '${target}', to which the ALTER seems to rename it)`;
  return new Refusal(
    'column-vanished',
    `The column '${name}' is missing after the ALTER${renamed}, though the ALTER does not drop it by name`,
    { hint: 'Its data would be lost. If it is to go, drop it by name: DROP COLUMN.' },
  );
}
