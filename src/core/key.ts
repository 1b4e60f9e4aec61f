import type { Column } from './table.ts';

/**
 * The value of the migration key of one row, as the change set holds it: a primitive, so that a Map can hold millions.
 *
 *  - a number, where the key is one integer column whose values are all safe integers;
 *  - else a string of bytes (one char a byte): the parts' encodings, self-delimiting, so that equal strings
 *    are equal keys (HAZARDS 19). Where the codec is `comparable` it also sorts as the server sorts.
 */
export type Key = number | string;

/**
 * How a migration key travels: from a row image in the binlog, from a SELECT's text, and back into SQL as typed literals.
 * Exact for every type: a value that cannot be carried exactly is refused when the codec is made, never guessed.
 */
export interface KeyCodec {
  /** The key's columns in the order of the key. */
  readonly columns: readonly Column[];
  /** True where `compare` and equality of Key provably equal the server's (I4). */
  readonly comparable: boolean;
  /**
   * The key of a row image. Part i of the key lies at `starts[ordinal]..ends[ordinal]` of `bytes`.
   * @returns null where a part is NULL (starts < 0) or absent from the image.
   */
  fromImage(bytes: Buffer, starts: ArrayLike<number>, ends: ArrayLike<number>): Key | null;
  /** SQL expressions, one a part, that SELECT what `fromText` reads; `qualifier` is put before each column (`t.`). */
  selectExpressions(qualifier?: string): string[];
  /** The key of what `selectExpressions` returned (all as text; numbers may come as JS numbers or bigints). */
  fromText(parts: readonly unknown[]): Key;
  /** One typed SQL literal for each part, exact and usable by the range optimiser on the column. */
  literals(key: Key): string[];
  /** Order of two keys as the server has it; only where `comparable`. @throws Bug elsewhere. */
  compare(a: Key, b: Key): number;
}
