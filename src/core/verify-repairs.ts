import type { Key } from './key.ts';

/**
 * The rows of the ghost that differed without a change to explain it.
 *
 * Each is outstanding (its sync was asked for) -> right (it was found equal since). A row that differs once
 * more after it has been outstanding is beyond repair: the migration fails.
 */
export class Repairs {
  readonly #rows = new Map<Key, 'outstanding' | 'right'>();
  #outstanding = 0;

  /** Rows that were found. */
  get found(): number {
    return this.#rows.size;
  }
  /** Rows that were not found right yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  has(key: Key): boolean {
    return this.#rows.has(key);
  }

  begin(key: Key): void {
    this.#rows.set(key, 'outstanding');
    this.#outstanding += 1;
  }

  /** These rows are equal on both sides. */
  confirm(keys: readonly Key[]): void {
    if (this.#outstanding === 0) return;
    for (const key of keys) {
      if (this.#rows.get(key) !== 'outstanding') continue;
      this.#rows.set(key, 'right');
      this.#outstanding -= 1;
    }
  }
}
