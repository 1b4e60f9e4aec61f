import { type KeyText, keyTexts } from './create-table.ts';
import type { Index, TableDefinition } from './table.ts';

/** `--defer-indexes`. */
export type DeferMode = 'auto' | 'always' | 'never';

/** What the server allows others to do with the table while it builds. */
export type BuildLock = 'NONE' | 'SHARED';

/** Indexes that are built by one ALTER of the ghost. */
export interface BuildStep {
  readonly names: readonly string[];
  /** `ADD KEY .., ADD KEY ..`, as the server prints the keys. */
  readonly clauses: string;
  readonly lock: BuildLock;
  /** The server proves them as it builds, or names a duplicate. */
  readonly unique: boolean;
}

/** The indexes that the ghost gets after the copy. */
export interface DeferredIndexes {
  readonly indexes: readonly Index[];
  readonly steps: readonly BuildStep[];
}

/**
 * The keys of the ghost that may be dropped while it is empty and built again when it is full. What must stay: the
 * primary key, the index by which its rows are found, the one that counts (AUTO_INCREMENT must be the first part of
 * some key), without a primary key every unique key without NULLs (the server clusters the rows by one of them), and
 * what is no plain B-tree, FULLTEXT or SPATIAL key.
 * @param lookup name of the index that finds rows by the migration key.
 */
export function deferrable(ghost: TableDefinition, lookup: string): readonly KeyText[] {
  if (ghost.engine.toLowerCase() !== 'innodb') return [];
  const counted = ghost.columns.find(({ autoIncrement }) => autoIncrement)?.name;
  const counters = ghost.indexes.filter(({ parts }) => counted !== undefined && parts[0]?.column === counted);
  const counter = counters.find(({ primary }) => primary) ?? counters[0];
  const clusteredElsewhere = ghost.indexes.some(({ primary }) => primary);
  return keyTexts(ghost.createSql).filter(({ name, kind }) => {
    const index = ghost.indexes.find((each) => each.name === name);
    if (index === undefined || index.primary || kind === 'OTHER') return false;
    if (index.name === lookup || index === counter) return false;
    return clusteredElsewhere || !index.unique || index.nullable;
  });
}

/** A step before the server has said which lock it takes. */
export type StepDraft = Omit<BuildStep, 'lock'>;

/**
 * What is built together: plain keys in one ALTER, which reads the rows once (measured: three keys 7.9 s, one by
 * one 10.1 s), FULLTEXT and SPATIAL keys each alone, for the server makes one at a time or takes another lock for it.
 * Unique keys come last, one by one: where one has a duplicate the others need not be built again.
 */
export function draftSteps(keys: readonly KeyText[]): readonly StepDraft[] {
  const step = (some: readonly KeyText[]): StepDraft => ({
    names: some.map(({ name }) => name ?? ''),
    clauses: some.map(({ text }) => `ADD ${text}`).join(', '),
    unique: some.some(({ unique }) => unique),
  });
  const runs: KeyText[][] = [];
  for (const key of keys.filter(({ unique, kind }) => !unique && kind !== 'FULLTEXT')) {
    const run = runs.at(-1);
    if (key.kind === 'BTREE' && run?.[0]?.kind === 'BTREE') run.push(key);
    else runs.push([key]);
  }
  // The server prints FULLTEXT keys after all others, and unique ones before them, whenever they were made.
  const last = [...keys.filter(({ kind }) => kind === 'FULLTEXT'), ...keys.filter(({ unique }) => unique)];
  return [...runs, ...last.map((key) => [key])].map(step);
}

/** Whether a mode and what is known of the table and the server ask for deferral. */
export interface DeferCircumstances {
  readonly mode: DeferMode;
  readonly rowsEstimate: number;
  /** Replicas whose lag throttles us. */
  readonly controlled: number;
  /** Replicas that are attached; null where that cannot be seen. */
  readonly attached: number | null;
}

/** Below this many rows the row-by-row way costs less than a second, and the ALTERs would cost more than they save. */
export const rowsWorthDeferring = 100_000;

/** Why the indexes of the ghost are not deferred, in words for the log; null where they are. */
export function whyNotDeferred(facts: DeferCircumstances): string | null {
  const { mode, rowsEstimate, controlled, attached } = facts;
  if (mode === 'always') return null;
  if (mode === 'never') return '--defer-indexes=never';
  if (rowsEstimate < rowsWorthDeferring) return `the table is small (about ${rowsEstimate} rows)`;
  const many = (n: number, what: string): string => `${n} replica${n === 1 ? '' : 's'} ${what}`;
  const harm = 'would lag for as long as an index takes to build (--defer-indexes=always accepts that)';
  if (controlled > 0) return `${many(controlled, 'that we throttle for')} ${harm}`;
  if (attached !== null && attached > 0) return `${many(attached, 'of this server')} ${harm}`;
  return null;
}

/** The ghost's definition while these indexes are missing. */
export function definitionWithout(ghost: TableDefinition, missing: readonly Index[]): TableDefinition {
  const names = new Set(missing.map(({ name }) => name));
  return { ...ghost, indexes: ghost.indexes.filter(({ name }) => !names.has(name)) };
}
