import type { Frontier } from './changeset.ts';
import type { Key } from './key.ts';

/**
 * The keys that are to be compared (again), each once.
 *
 * A key is in one of these places, except that a guarded key that is touched also waits again:
 *  - suspect  its rows were seen to differ; it counts how often a look at it was in vain, because it kept
 *    changing
 *  - waiting  it was touched since its chunk was compared. Bounded: when the list is full, further ones are
 *    counted and
 *             let go (sampling)
 *  - guarded  it is being looked at; every touch is remembered until the look has ended
 * Of each key it is known from where on the stream brings it again: whoever reads on from before its last touch has it in this
 * list again. A suspect that was not touched is unanswered: no stream will bring it.
 */
export class WatchList {
  readonly #capacity: number;
  readonly #suspects = new Map<Key, number>();
  readonly #waiting = new Set<Key>();
  readonly #guarded = new Map<Key, { readonly suspect: boolean; readonly looks: number }>();
  readonly #touched = new Set<Key>();
  /** What lies before the last touch. */
  readonly #before = new Map<Key, Frontier>();
  #dropped: number;

  /** @param dropped keys that an earlier run has let go. */
  constructor(capacity: number, dropped = 0) {
    this.#capacity = capacity;
    this.#dropped = dropped;
  }

  /** Keys that wait or are being looked at. */
  get size(): number {
    return this.#suspects.size + this.#waiting.size + this.#guarded.size;
  }
  get suspects(): number {
    return this.#suspects.size;
  }
  get full(): boolean {
    return this.size >= this.#capacity;
  }
  /** Touched keys that were let go because the list was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * A change of the row came in: a look that is under way can say nothing about this key.
   * @param keep false where the key is not in the sample: then it need not be compared again.
   * @param before a position before the change: a stream that starts there brings it again.
   */
  touch(key: Key, keep: boolean, before: Frontier): void {
    if (this.#guarded.has(key)) this.#touched.add(key);
    if (!keep) return;
    if (!this.#waiting.has(key) && !this.#suspects.has(key)) {
      if (this.full) {
        this.#dropped += 1;
        return;
      }
      this.#waiting.add(key);
    }
    this.#before.set(key, before);
  }

  /** The rows of a key differ. */
  suspect(key: Key, looks = 0): void {
    this.#waiting.delete(key);
    if (!this.#suspects.has(key)) this.#suspects.set(key, looks);
  }

  /** Takes up to `limit` keys for a look: suspects for one half at the most, the oldest first. */
  guard(limit: number): Key[] {
    for (const [key, looks] of this.#suspects) {
      if (this.#guarded.size >= limit / 2) break;
      this.#suspects.delete(key);
      this.#guarded.set(key, { suspect: true, looks });
    }
    for (const key of this.#waiting) {
      if (this.#guarded.size >= limit) break;
      this.#waiting.delete(key);
      this.#guarded.set(key, { suspect: false, looks: 0 });
    }
    return [...this.#guarded.keys()];
  }

  /** True when the key was touched since it is guarded, or since `begin`. */
  isTouched(key: Key): boolean {
    return this.#touched.has(key);
  }

  /** Touches before this moment are of no matter: the rows have not been read yet. */
  begin(): void {
    this.#touched.clear();
  }

  /** True when the key is guarded and was not touched since `begin`. */
  isStill(key: Key): boolean {
    return this.#guarded.has(key) && !this.#touched.has(key);
  }

  /**
   * A guarded key could not be judged: it waits again, as a suspect if it was one or `differs`.
   * @param looks 1 where the look was in vain because the row changed, 0 where it did not come to one.
   */
  postpone(key: Key, differs: boolean, looks: 0 | 1): void {
    const entry = this.#guarded.get(key) ?? { suspect: false, looks: 0 };
    this.#guarded.delete(key);
    if (differs || entry.suspect) this.suspect(key, entry.looks + looks);
    else if (!this.#suspects.has(key)) this.#waiting.add(key);
  }

  /** The look has ended: what is still guarded is settled. */
  release(): void {
    const looked = [...this.#guarded.keys()];
    this.#guarded.clear();
    this.#touched.clear();
    for (const key of looked) this.#forget(key);
  }

  /** True while some suspect has been looked at less than `looks` times. */
  hasFresh(looks: number): boolean {
    for (const tried of this.#suspects.values()) if (tried < looks) return true;
    for (const entry of this.#guarded.values()) if (entry.suspect && entry.looks < looks) return true;
    return false;
  }

  /** All keys, suspects first, then those that are being looked at. */
  keys(): Key[] {
    return [...new Set([...this.#suspects.keys(), ...this.#guarded.keys(), ...this.#waiting])];
  }

  /** These keys were compared while nobody wrote: they need not wait any more. */
  settle(keys: readonly Key[]): void {
    for (const key of keys) {
      this.#suspects.delete(key);
      this.#waiting.delete(key);
      this.#forget(key);
    }
  }

  /** A suspect of which no stream will bring a touch. */
  isUnanswered(key: Key): boolean {
    return !this.#before.has(key) && this.#has(key);
  }

  /**
   * From where on a stream brings every key of this list again, `from` at the latest; null while there are keys that none brings.
   * Looks at every entry.
   * @param excused unanswered keys of which somebody else takes care.
   */
  broughtFrom(from: Frontier, excused: ReadonlySet<Key>): Frontier | null {
    let oldest = from;
    for (const key of this.keys()) {
      const before = this.#before.get(key);
      if (before === undefined && !excused.has(key)) return null;
      if (before !== undefined && before.receipt < oldest.receipt) oldest = before;
    }
    return oldest;
  }

  #has(key: Key): boolean {
    return this.#suspects.has(key) || this.#guarded.has(key) || this.#waiting.has(key);
  }

  /** Once the key has left the list. */
  #forget(key: Key): void {
    if (!this.#has(key)) this.#before.delete(key);
  }
}
