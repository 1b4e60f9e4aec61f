import { invariant } from '../base/errors.ts';
import { Pulse } from '../base/pulse.ts';
import type { Chunk } from './chunk.ts';
import type { Key } from './key.ts';
import type { Position } from './position.ts';
import type { Watermark } from './watermark.ts';

/** A key that was touched and has not been synced since. */
export interface Change {
  /** The last event seen was a delete. */
  deleted: boolean;
  /** Receipt numbers of the first and the last event seen. */
  first: number;
  last: number;
  /** A position before the transaction of the first event; null while nothing was committed since the start. */
  position: Position | null;
}

/** How far the change stream is provably visible to reads (I2): every event up to `receipt` is. */
export interface Frontier {
  readonly receipt: number;
  /** A position before every event after `receipt`. */
  readonly position: Position | null;
}

/** Keys reserved for one sync. */
export interface Batch {
  readonly keys: Key[];
  /** Those of `keys` that were last seen deleted. */
  readonly deleted: Key[];
}

/** What the server said about keys that only it can order. */
export interface ServerPlacement {
  readonly key: Key;
  readonly place: 'above' | 'copied' | Chunk;
}

/** How many entries one `take` looks at before it gives up: bounds the time of a take in a set full of hot keys. */
const scanLimit = 20_000;
/** A set that was full is full until it has drained to this part of its capacity: the stream rests meanwhile. */
const fullUntil = 0.8;

/**
 * The keys whose rows the ghost may not have right yet.
 *
 * A key is in at most one of these areas, except that a reserved key that is touched again is also put in one
 * of the others:
 *  - ready     its range is copied: it may be synced once its events are visible
 *  - parked    its chunk is in flight: held until the chunk settles, then ready (I3)
 *  - unplaced  only the server can tell where it lies: held until it has told (I4), or until the copy is complete
 *  - reserved  a sync of it is in flight; nobody else may sync it (no two syncs of a key overlap)
 * Keys above the high watermark are dropped, and `lastDrop` remembers that a chunk must not be read before a
 * mark covers them.
 */
export class ChangeSet {
  readonly #watermark: Watermark;
  readonly #capacity: number;
  readonly #ready = new Map<Key, Change>();
  readonly #parked = new Map<number, Map<Key, Change>>();
  readonly #unplaced = new Map<Key, Change>();
  readonly #reserved = new Map<Key, Change>();
  #receipt = 0;
  #lastDrop = 0;
  #filled = false;
  #position: Position | null = null;
  /** Beats when keys were released or became ready, and when the set is full; not for every event: new ones wait for a mark. */
  readonly changed = new Pulse();

  constructor(watermark: Watermark, options: { capacity: number }) {
    this.#watermark = watermark;
    this.#capacity = options.capacity;
  }

  /** Number of the last event received. */
  get receipt(): number {
    return this.#receipt;
  }
  /** Receipt of the last event whose key was dropped. */
  get lastDrop(): number {
    return this.#lastDrop;
  }
  /** Keys that wait or are being synced. */
  get size(): number {
    let held = 0;
    for (const area of this.#parked.values()) held += area.size;
    return this.#ready.size + this.#unplaced.size + this.#reserved.size + held;
  }
  get capacity(): number {
    return this.#capacity;
  }
  /** True from the moment when the capacity is reached until there is room again for a good while. */
  get full(): boolean {
    return this.#filled;
  }
  get reservedCount(): number {
    return this.#reserved.size;
  }
  get unplacedCount(): number {
    return this.#unplaced.size;
  }
  /** Position after the last whole transaction received. */
  get readPosition(): Position | null {
    return this.#position;
  }

  /** An event touched `key`. Every event gets a receipt number, dropped or not. */
  touch(key: Key, deleted: boolean): void {
    this.#receipt += 1;
    const waiting = this.#ready.get(key) ?? this.#heldChange(key);
    if (waiting) {
      waiting.deleted = deleted;
      waiting.last = this.#receipt;
      return;
    }
    const place = this.#watermark.place(key);
    if (place === 'above') {
      this.#lastDrop = this.#receipt;
      return;
    }
    const change = { deleted, first: this.#receipt, last: this.#receipt, position: this.#position };
    this.#areaOf(place).set(key, change);
    if (this.size < this.#capacity) return;
    this.#filled = true;
    this.changed.beat();
  }

  /** The transaction that ends at `position` has been received whole. */
  committed(position: Position): void {
    this.#position = position;
  }

  /** A chunk was committed in the ghost: what was held for it is ready. */
  settled(chunk: Chunk): void {
    const held = this.#parked.get(chunk.number);
    this.#parked.delete(chunk.number);
    if (held) for (const [key, change] of held) this.#admit(key, change);
    if (this.#watermark.complete) this.#admitUnplaced();
    this.#drained();
  }

  /** Up to `limit` keys of which only the server knows the place. */
  unplaced(limit: number): Key[] {
    const keys: Key[] = [];
    for (const key of this.#unplaced.keys()) {
      if (keys.length >= limit) break;
      keys.push(key);
    }
    return keys;
  }

  /**
   * The server's answer about unplaced keys.
   * @param dispatchedWhenAsked the watermark's count of dispatches when it was asked: an `above` counts only if nothing was
   *   dispatched since, for a younger chunk may have read before these changes were visible.
   */
  placed(answers: readonly ServerPlacement[], dispatchedWhenAsked: number): void {
    const current = this.#watermark.dispatched === dispatchedWhenAsked;
    for (const { key, place } of answers) {
      const change = this.#unplaced.get(key);
      if (!change || (place === 'above' && !current)) continue;
      invariant(place !== 'above' || !this.#watermark.ended, 'a key was placed above the open-ended chunk');
      this.#unplaced.delete(key);
      if (place === 'above') this.#lastDrop = Math.max(this.#lastDrop, change.last);
      else if (place !== 'copied' && this.#watermark.flights.includes(place)) {
        this.#areaOf(place).set(key, change);
      } else this.#admit(key, change);
    }
    this.#drained();
  }

  /**
   * Reserves up to `limit` keys that may be synced now.
   * @param visible keys whose last event lies at or before it are taken and leave the set.
   * @param aged hot keys whose last event is not visible, but whose first one lies at or before this older frontier, are taken
   *   too: they are synced and stay in the set, so that a row that changes all the time does not pin the applied position.
   */
  take(limit: number, visible: Frontier, aged: Frontier): Batch | null {
    const batch: Batch = { keys: [], deleted: [] };
    let scanned = 0;
    for (const [key, change] of this.#ready) {
      if (batch.keys.length >= limit || ++scanned > scanLimit) break;
      if (this.#reserved.has(key)) continue;
      const whole = change.last <= visible.receipt;
      if (!whole && change.first > aged.receipt) continue;
      batch.keys.push(key);
      if (change.deleted) batch.deleted.push(key);
      this.#ready.delete(key);
      this.#reserved.set(key, { ...change, last: Math.min(change.last, visible.receipt) });
      if (!whole) this.#keepHot(key, change, visible);
    }
    return batch.keys.length > 0 ? batch : null;
  }

  /** The sync of `batch` has been committed. */
  release(batch: Batch): void {
    for (const key of batch.keys)
      invariant(this.#reserved.delete(key), 'a key was released that was not reserved');
    this.#drained();
  }

  /** The sync of `batch` was rolled back: its keys are changes again. A younger event's verdict stays. */
  giveBack(batch: Batch): void {
    for (const key of batch.keys) {
      const change = this.#reserved.get(key);
      invariant(change, 'a key was given back that was not reserved');
      this.#reserved.delete(key);
      this.#admit(key, change);
    }
    this.#drained();
  }

  /** True while a change of this key waits or is being synced. */
  has(key: Key): boolean {
    return this.#ready.has(key) || this.#reserved.has(key) || this.#heldChange(key) !== undefined;
  }

  /** Every key that waits or is being synced. */
  *pending(): Generator<Key> {
    for (const area of this.#areas()) yield* area.keys();
  }

  /** True when everything received so far is synced: nothing waits, nothing is in flight (I6). */
  get empty(): boolean {
    return this.size === 0;
  }

  /** What a checkpoint may claim as applied: before the oldest pending change (I8). */
  appliedPosition(): Position | null {
    return this.applied().position;
  }

  /** Every event up to there is synced; the position is that of the next one. Looks at every entry. */
  applied(): Frontier {
    let oldest: Frontier = { receipt: this.#receipt, position: this.#position };
    for (const area of this.#areas())
      for (const { first, position } of area.values())
        if (first <= oldest.receipt) oldest = { receipt: first - 1, position };
    return oldest;
  }

  #areas(): Iterable<Map<Key, Change>> {
    return [this.#ready, this.#unplaced, this.#reserved, ...this.#parked.values()];
  }

  /** Some keys may have left the set. */
  #drained(): void {
    if (this.size < this.#capacity * fullUntil) this.#filled = false;
    this.changed.beat();
  }

  /** Makes a change ready; where a younger one of the same key waits, that one's verdict stays. */
  #admit(key: Key, change: Change): void {
    const younger = this.#ready.get(key) ?? this.#heldChange(key);
    if (younger) {
      if (change.first < younger.first) {
        younger.first = change.first;
        younger.position = change.position;
      }
      return;
    }
    this.#ready.set(key, change);
  }

  #admitUnplaced(): void {
    const all = [...this.#unplaced];
    this.#unplaced.clear();
    for (const [key, change] of all) this.#admit(key, change);
  }

  /** The synced part of a hot key leaves with its batch; the part after `visible` stays, at the end of the queue. */
  #keepHot(key: Key, change: Change, visible: Frontier): void {
    this.#ready.set(key, {
      deleted: change.deleted,
      first: visible.receipt + 1,
      last: change.last,
      position: visible.position,
    });
  }

  #areaOf(place: 'copied' | 'unknown' | Chunk): Map<Key, Change> {
    if (place === 'copied') return this.#ready;
    if (place === 'unknown') return this.#unplaced;
    let area = this.#parked.get(place.number);
    if (!area) {
      area = new Map();
      this.#parked.set(place.number, area);
    }
    return area;
  }

  #heldChange(key: Key): Change | undefined {
    if (this.#parked.size === 0 && this.#unplaced.size === 0) return undefined;
    for (const area of this.#parked.values()) {
      const change = area.get(key);
      if (change) return change;
    }
    return this.#unplaced.get(key);
  }
}
