import { Bug } from '../../src/base/errors.ts';
import type { Key } from '../../src/core/key.ts';
import type { KeyOrder } from '../../src/core/watermark.ts';

/** A row of original or ghost. `u` has (or gets) a unique key; `version` stands for all other columns. */
export interface Row {
  readonly key: Key;
  readonly u: number;
  readonly version: number;
}

/** Which kind of migration key the table has. */
export type KeyKind = 'integer' | 'composite' | 'collated';

/**
 * The keys of a small table as the server orders them: `rank` is a key's place, and keys of one rank are one
 * row. Collated keys are letters of either case: 'a' and 'A' are one row, and JS cannot tell, nor order them
 * ('B' < 'a').
 */
export class KeySpace implements KeyOrder {
  readonly kind: KeyKind;
  /** Number of ranks. */
  readonly size: number;

  constructor(kind: KeyKind, size: number) {
    this.kind = kind;
    this.size = size;
  }

  get comparable(): boolean {
    return this.kind !== 'collated';
  }

  compare(a: Key, b: Key): number {
    if (!this.comparable) throw new Bug('JS compared collated keys');
    return a < b ? -1 : a > b ? 1 : 0;
  }

  rank(key: Key): number {
    if (typeof key === 'number') return key;
    if (this.kind === 'composite') return (key.charCodeAt(0) - 97) * 3 + key.charCodeAt(1) - 97;
    return key.toLowerCase().charCodeAt(0) - 97;
  }

  /** A key of this rank; the collated ones have two spellings. */
  key(rank: number, upper: boolean): Key {
    if (this.kind === 'integer') return rank;
    if (this.kind === 'composite') {
      return String.fromCharCode(97 + Math.floor(rank / 3)) + String.fromCharCode(97 + (rank % 3));
    }
    const letter = String.fromCharCode(97 + rank);
    return upper ? letter.toUpperCase() : letter;
  }

  /** True when the key of `rank` lies in `(after, upTo]`. */
  within(rank: number, range: { readonly after: Key | null; readonly upTo: Key | null }): boolean {
    if (range.after !== null && rank <= this.rank(range.after)) return false;
    return range.upTo === null || rank <= this.rank(range.upTo);
  }
}
