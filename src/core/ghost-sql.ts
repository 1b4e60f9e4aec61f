import { LRUCache } from 'lru-cache';
import type { KeyRange } from './chunk.ts';
import type { FilledColumn } from './implicit-default.ts';
import type { Key, KeyCodec } from './key.ts';
import { keyInList, rangeCondition } from './key-range.ts';
import type { ColumnPair } from './mapping.ts';
import { quoteName, quoteTable } from './quote.ts';
import type { Column } from './table.ts';
import type { TableRef } from './table-ref.ts';

/** What the statements of the data path are made of. */
export interface GhostSqlParts {
  readonly original: TableRef;
  readonly ghost: TableRef;
  /** The columns to copy. */
  readonly shared: readonly ColumnPair[];
  /** What is read in place of the bare column, by its name: see core/copied-value.ts. */
  readonly copied: ReadonlyMap<string, string>;
  /** New columns that need a value for rows that are there already. */
  readonly filled: readonly FilledColumn[];
  /** Name of the original's index that is the migration key. */
  readonly keyName: string;
  /** The migration key by the names of the original, and by those of the ghost. */
  readonly codec: KeyCodec;
  readonly ghostCodec: KeyCodec;
  /** Keys that differ in the original may be equal in the ghost: a collation that sees less. */
  readonly keysMayMerge?: boolean;
}

/** How a sync puts rows into the ghost. */
export type SyncVerb = 'INSERT' | 'REPLACE';

/**
 * Heads of statements that are kept. There are five at most a migration; the bound is for those who embed
 * this.
 */
const headsMax = 64;

/** Every statement that copies or syncs. Values are typed literals, names are quoted. */
export class GhostSql {
  readonly #parts: GhostSqlParts;
  /**
   * The part of a statement that does not depend on keys (column lists of a thousand columns are long), by
   * verb.
   */
  readonly #heads = new LRUCache<string, string>({ max: headsMax });

  constructor(parts: GhostSqlParts) {
    this.#parts = parts;
  }

  /** Copies a range. By plain INSERT every conflict and every conversion error is real (I3). */
  copy(verb: SyncVerb, range: KeyRange): string {
    return `${this.#select(verb)} WHERE ${rangeCondition(this.#parts.codec, range)}`;
  }

  /** Removes what an earlier try of a range may have left. */
  clear(range: KeyRange): string {
    const { ghost, ghostCodec } = this.#parts;
    return `DELETE FROM ${quoteTable(ghost)} WHERE ${rangeCondition(ghostCodec, range)}`;
  }

  /** The original's keys of a range, in columns k0, k1 ... */
  keysOf(range: KeyRange): string {
    return `SELECT ${this.#keyColumns()} FROM ${this.#original()} WHERE ${rangeCondition(this.#parts.codec, range)}`;
  }

  /** Puts the original's rows of these keys into the ghost. */
  put(verb: SyncVerb, keys: readonly Key[]): string {
    return `${this.#select(verb)} WHERE ${keyInList(this.#parts.codec, keys)}`;
  }

  /** Removes the ghost's rows of just these keys. */
  remove(keys: readonly Key[]): string {
    const { ghost, ghostCodec, keysMayMerge } = this.#parts;
    const found = keyInList(ghostCodec, keys);
    const exact = keysMayMerge ? ` AND ${keyInList(ghostCodec, keys, { wrap: byCodePoint })}` : '';
    return `DELETE FROM ${quoteTable(ghost)} WHERE ${found}${exact}`;
  }

  /** The key `rows` rows after `after`, in columns k0, k1 ... */
  bound(after: Key | null, rows: number): string {
    const { codec } = this.#parts;
    const columns = codec.columns.map(({ name }) => quoteName(name)).join(', ');
    return (
      `SELECT ${this.#keyColumns()} FROM ${this.#original()} ` +
      `WHERE ${rangeCondition(codec, { after, upTo: null })} ORDER BY ${columns} LIMIT 1 OFFSET ${rows - 1}`
    );
  }

  /** The last key, in the same columns. */
  last(): string {
    const columns = this.#parts.codec.columns.map(({ name }) => `${quoteName(name)} DESC`).join(', ');
    return `SELECT ${this.#keyColumns()} FROM ${this.#original()} ORDER BY ${columns} LIMIT 1`;
  }

  #keyColumns(): string {
    return this.#parts.codec
      .selectExpressions()
      .map((expression, i) => `${expression} AS k${i}`)
      .join(', ');
  }

  /** The head of a statement that reads the original and writes the ghost. */
  #select(verb: SyncVerb): string {
    const kept = this.#heads.get(verb);
    if (kept !== undefined) return kept;
    const { ghost, shared, filled, copied } = this.#parts;
    const to = [
      ...shared.map((pair) => quoteName(pair.to)),
      ...filled.map(({ column }) => quoteName(column)),
    ];
    const from = [
      ...shared.map((pair) => copied.get(pair.from) ?? quoteName(pair.from)),
      ...filled.map(({ literal }) => literal),
    ];
    const columns = `${quoteTable(ghost)} (${to.join(', ')}) SELECT ${from.join(', ')}`;
    const head = `${verb} INTO ${columns} FROM ${this.#original()}`;
    this.#heads.set(verb, head);
    return head;
  }

  #original(): string {
    const { original, keyName } = this.#parts;
    return `${quoteTable(original)} FORCE INDEX (${quoteName(keyName)})`;
  }
}

/**
 * A text compared by its code points: the row of another key that is equal to the ghost's collation is not
 * meant.
 */
export function byCodePoint(ref: string, { charset, dataType }: Column): string {
  return charset === null || !/^(var)?char$/.test(dataType) ? ref : `${ref} COLLATE ${charset}_bin`;
}
