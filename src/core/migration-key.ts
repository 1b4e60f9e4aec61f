import { Refusal } from '../base/errors.ts';
import { conversionOf } from './codec/conversion.ts';
import { integerBytes } from './codec/integer.ts';
import { makeKeyCodec } from './key-codec.ts';
import type { ColumnPair } from './mapping.ts';
import type { Column, Index, TableDefinition } from './table.ts';

/** The key by which rows of the original and the ghost are told apart, and what the ghost's indexes mean for syncs. */
export interface MigrationKey {
  /** Of the original: unique there, so it names one row. */
  readonly key: Index;
  /** Its columns in the original and in the ghost, in the order of the key. */
  readonly columns: readonly Column[];
  readonly ghostColumns: readonly Column[];
  /** The ghost's index that finds rows by the key. */
  readonly ghostIndex: Index;
  /** The ghost has a unique key of just these columns. With no other unique key beside it REPLACE is safe. */
  readonly ghostHasSameUnique: boolean;
  /** The ghost's other unique keys. */
  readonly otherUniqueInGhost: readonly Index[];
  /** The unique keys of the ghost that may collide for rows that the original holds together. */
  readonly addedUnique: readonly Index[];
  readonly addedUniqueness: boolean;
  /** Keys are equal and sorted alike on both sides (CodecOptions.sameComparison). */
  readonly sameComparison: boolean;
  /** Keys that differ in the original may be equal in the ghost. */
  readonly mayMerge: boolean;
}

/** What the choice of a migration key depends on besides the definitions. */
export interface MigrationKeyOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** `--allow-nullable-unique-key`: the operator promises that there are no NULLs. */
  readonly allowNullable?: boolean | undefined;
}

/** One unique key of the original, under examination. */
interface Candidate {
  readonly key: Index;
  readonly columns: readonly Column[];
}

/**
 * Chooses the migration key. It must be unique in the original, without NULLs, prefixes and expressions, of types that
 * travel exactly, and its literals must find the same rows in the ghost by an index. It need not be unique in the
 * ghost: an ALTER may make (id) into (id, day); a sync then deletes by the key and inserts (HAZARDS 101).
 * Preferred: PRIMARY, no NULLs, integers only, no strings, few columns.
 * @param pairs the columns that exist on both sides, those computed by the ghost included.
 * @throws Refusal `no-unique-key`, `no-shared-key`, `nullable-key`, `key-conversion` or `key-type`.
 */
export function chooseMigrationKey(
  original: TableDefinition,
  ghost: TableDefinition,
  pairs: readonly ColumnPair[],
  options: MigrationKeyOptions,
): MigrationKey {
  const unique = refuseKeyless(original.indexes);
  const target = new Map(pairs.map(({ from, to }) => [from, ghost.columns.find(({ name }) => name === to)]));
  const refusals: Refusal[] = [];
  const fits: Candidate[] = [];
  for (const key of unique) {
    const found = examine(key, original, ghost, target, options);
    if (found instanceof Refusal) refusals.push(found);
    else fits.push(found);
  }
  const best = fits.sort((a, b) => costOf(a) - costOf(b))[0];
  if (best === undefined) throw mostUseful(refusals);
  return describe(best, original, ghost, target);
}

/** The unique keys of a table. @throws Refusal `no-unique-key` where there are none. */
export function refuseKeyless(indexes: readonly Index[]): readonly Index[] {
  const unique = indexes.filter((index) => index.unique);
  if (unique.length > 0) return unique;
  throw new Refusal('no-unique-key', 'no PRIMARY nor UNIQUE key found in table! Bailing out', {
    hint: 'Rows cannot be told apart without one: add a unique key first.',
  });
}

type Target = ReadonlyMap<string, Column | undefined>;

function examine(
  key: Index,
  original: TableDefinition,
  ghost: TableDefinition,
  target: Target,
  options: MigrationKeyOptions,
): Candidate | Refusal {
  const columns: Column[] = [];
  for (const part of key.parts) {
    const column = original.columns.find(({ name }) => name === part.column);
    if (column === undefined || part.prefixChars !== null || key.kind !== 'BTREE')
      return new Refusal('key-type', `unique key ${key.name} is on an expression, a prefix or a hash`, {
        hint: 'Give the table a unique key on whole columns.',
      });
    columns.push(column);
  }
  try {
    makeKeyCodec(columns, { flavor: options.flavor, timestampZone: 'utc' });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  const ghostColumns = columns.map(({ name }) => target.get(name));
  if (!isWhole(ghostColumns) || lookupIndex(ghost, ghostColumns) === undefined) return notShared(key);
  const lost = columns.findIndex((column, i) => !conversionOf(column, ghostColumns[i] as Column).findable);
  if (lost >= 0) return conversionRefusal(key, columns[lost] as Column, ghostColumns[lost] as Column);
  if ((key.nullable || columns.some(({ nullable }) => nullable)) && options.allowNullable !== true)
    return new Refusal('nullable-key', `unique key ${key.name} has columns that may be NULL`, {
      hint: 'If they hold no NULLs and never will during the migration, say --allow-nullable-unique-key.',
    });
  return { key, columns };
}

function isWhole(columns: readonly (Column | undefined)[]): columns is readonly Column[] {
  return columns.every((column) => column !== undefined);
}

function notShared(key: Index): Refusal {
  return new Refusal('no-shared-key', 'no shared unique key can be found after ALTER! Bailing out', {
    hint: `The new table must keep the columns of unique key ${key.name} and an index that begins with them.`,
  });
}

function conversionRefusal(key: Index, from: Column, to: Column): Refusal {
  return new Refusal(
    'key-conversion',
    `the ALTER turns key column ${from.name} of ${key.name} from ${from.columnType} into ${to.columnType}: ` +
      'rows of the new table could not be found by their old keys',
    { hint: 'Keep the column as it is, or migrate by another unique key that the ALTER does not touch.' },
  );
}

/** The refusal that an operator can do most about. */
function mostUseful(refusals: readonly Refusal[]): Refusal {
  for (const code of ['nullable-key', 'key-conversion', 'no-shared-key'])
    for (const refusal of refusals) if (refusal.code === code) return refusal;
  return refusals[0] as Refusal;
}

function costOf({ key, columns }: Candidate): number {
  const integers = columns.every((column) => integerBytes(column) !== undefined);
  const strings = columns.some(({ charset, dataType }) => charset !== null && !/enum|set/.test(dataType));
  const nullable = key.nullable || columns.some((column) => column.nullable);
  return (
    (key.primary ? 0 : 10_000) + (nullable ? 1000 : 0) + (integers ? 0 : strings ? 200 : 100) + columns.length
  );
}

/**
 * The index of the ghost that finds the rows of a key: one that begins with its columns, in the same order if there is
 * one such, or a unique one that has no other columns than the key's.
 */
function lookupIndex(ghost: TableDefinition, columns: readonly Column[]): Index | undefined {
  const names = columns.map(({ name }) => name);
  const wanted = new Set(names);
  const usable = ghost.indexes.filter((index) => {
    const leading = index.parts.slice(0, names.length);
    const inKey = leading.every(
      (part) => part.column !== null && part.prefixChars === null && wanted.has(part.column),
    );
    const whole = leading.length === names.length;
    return index.kind === 'BTREE' && inKey && (whole || (index.unique && !index.nullable));
  });
  const rank = (index: Index) => {
    const inOrder = names.every((name, i) => index.parts[i]?.column === name);
    const exact = index.parts.length === names.length;
    return (inOrder ? 0 : 8) + (exact ? 0 : 4) + (index.unique ? 0 : 2) + (index.primary ? 0 : 1);
  };
  return usable.sort((a, b) => rank(a) - rank(b))[0];
}

function describe(
  { key, columns }: Candidate,
  original: TableDefinition,
  ghost: TableDefinition,
  target: Target,
): MigrationKey {
  const ghostColumns = columns.map(({ name }) => target.get(name) as Column);
  const names = new Set(ghostColumns.map(({ name }) => name));
  const unique = ghost.indexes.filter((index) => index.unique);
  const same = unique.find(
    ({ parts, kind }) =>
      kind === 'BTREE' &&
      parts.length === names.size &&
      parts.every((part) => part.column !== null && part.prefixChars === null && names.has(part.column)),
  );
  const enforced = original.indexes.filter((index) => index.unique);
  const addedUnique = unique.filter(
    (index) => !enforced.some((source) => implies(source, index, original, target)),
  );
  return {
    key,
    columns,
    ghostColumns,
    ghostIndex: lookupIndex(ghost, ghostColumns) as Index,
    ghostHasSameUnique: same !== undefined,
    otherUniqueInGhost: unique.filter((index) => index !== same),
    addedUnique,
    addedUniqueness: addedUnique.length > 0,
    mayMerge: columns.some((column, i) => !conversionOf(column, ghostColumns[i] as Column).distinct),
    sameComparison: columns.every(
      (column, i) => conversionOf(column, ghostColumns[i] as Column).sameComparison,
    ),
  };
}

/** Whether rows that are unique by `source` in the original are unique by `index` in the ghost. */
function implies(source: Index, index: Index, original: TableDefinition, target: Target): boolean {
  return source.parts.every((part) => {
    if (part.expression !== null) return keepsExpression(part.expression, index, original, target);
    const from = original.columns.find(({ name }) => name === part.column);
    const to = from === undefined ? undefined : target.get(from.name);
    if (from === undefined || to === undefined || !conversionOf(from, to).distinct) return false;
    return index.parts.some(
      ({ column, prefixChars }) =>
        column === to.name &&
        (prefixChars === null || (part.prefixChars !== null && part.prefixChars <= prefixChars)),
    );
  });
}

/** Whether the index has the same expression, of columns that did not change: nothing else is known of its values. */
function keepsExpression(text: string, index: Index, original: TableDefinition, target: Target): boolean {
  const used = original.columns.filter(({ name }) => text.includes(`\`${name.replaceAll('`', '``')}\``));
  const kept = used.every((from) => {
    const to = target.get(from.name);
    return to?.name === from.name && to.columnType === from.columnType && to.collation === from.collation;
  });
  return used.length > 0 && kept && index.parts.some(({ expression }) => expression === text);
}
