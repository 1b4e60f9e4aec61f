import type { Key } from '../../src/core/key.ts';
import type { Random } from './random.ts';
import type { KeySpace, Row } from './row.ts';
import type { Server, Work } from './server.ts';

export interface WriterOptions {
  /** Transactions in all. */
  readonly transactions: number;
  /**
   * Writers may let two rows have one `u`; else they keep the values unique, whether the original enforces it
   * or not.
   */
  readonly collide: boolean;
  readonly xa: boolean;
}

/** The application: transactions of 1 to 3 operations, with the row locks of the others respected. */
export class Writers {
  readonly #server: Server;
  readonly #space: KeySpace;
  readonly #random: Random;
  readonly #options: WriterOptions;
  #left: number;
  #version = 1000;

  constructor(server: Server, space: KeySpace, random: Random, options: WriterOptions) {
    this.#server = server;
    this.#space = space;
    this.#random = random;
    this.#options = options;
    this.#left = options.transactions;
  }

  /** The application goes on. */
  more(transactions: number): void {
    this.#left += transactions;
  }

  get done(): boolean {
    return this.#left === 0 && this.#server.prepared.length === 0;
  }

  /** Fills the table before the migration. */
  seed(): void {
    for (let rank = 0; rank < this.#space.size; rank += 1) {
      if (this.#random.chance(0.6)) this.#server.seed(rank, this.#row(this.#key(rank), rank));
    }
  }

  /** Ends all XA transactions that are prepared. */
  endPrepared(): void {
    for (const work of [...this.#server.prepared]) this.#server.decide(work, this.#random.chance(0.8));
  }

  /**
   * One transaction, or a step of an XA transaction; nothing where it would have to wait for a lock.
   * @param mayBegin false while the table is locked.
   * @param mayPrepare false for who slips through that lock: no server renames a table that a prepared one holds.
   */
  step(mayBegin = true, mayPrepare = true): void {
    const { prepared } = this.#server;
    if (prepared.length > 0 && (this.#left === 0 || !mayBegin || this.#random.chance(0.3))) {
      this.#server.decide(this.#random.pick(prepared), this.#random.chance(0.8));
      return;
    }
    if (this.#left === 0 || !mayBegin) return;
    const draft = new Draft(this.#server, !this.#collide);
    for (let n = 1 + this.#random.int(3); n > 0; n -= 1) if (!this.#operate(draft)) return;
    if (draft.touches.length === 0) return;
    this.#left -= 1;
    if (mayPrepare && this.#options.xa && this.#server.swap === null && this.#random.chance(0.25))
      this.#server.prepare(draft);
    else this.#server.commit(draft);
  }

  /** The new table enforces what the original did not. */
  get #collide(): boolean {
    return this.#options.collide && !this.#server.isNew;
  }

  /** @returns false when the transaction met a lock. */
  #operate(draft: Draft): boolean {
    const rank = this.#random.int(this.#space.size);
    const row = draft.row(rank);
    if (draft.isLocked(rank)) return false;
    if (!row) return this.#put(draft, rank, this.#key(rank), this.#freeValue(draft, rank));
    const choice = this.#random.int(8);
    if (choice <= 1) return draft.remove(rank);
    if (choice === 2) return draft.remove(rank) && this.#put(draft, rank, row.key, row.u);
    if (choice === 3) return this.#move(draft, rank, row);
    if (choice === 4) return this.#put(draft, rank, this.#key(rank), row.u);
    if (choice === 5) return this.#put(draft, rank, row.key, this.#freeValue(draft, rank));
    return this.#swap(draft, rank, row);
  }

  #move(draft: Draft, from: number, row: Row): boolean {
    const to = this.#random.int(this.#space.size);
    if (draft.isLocked(to)) return false;
    if (draft.row(to)) return true;
    return draft.remove(from) && this.#put(draft, to, this.#key(to), row.u);
  }

  /** Two rows swap their unique values, or three rotate them. */
  #swap(draft: Draft, rank: number, row: Row): boolean {
    const others = [...draft.ranks()].filter((other) => other !== rank);
    if (others.length === 0) return true;
    const ring = [rank, this.#random.pick(others)];
    const third = this.#random.pick(others);
    if (!ring.includes(third) && this.#random.chance(0.4)) ring.push(third);
    if (ring.some((each) => draft.isLocked(each) || draft.isValueLocked(draft.row(each)!.u))) return false;
    const values = ring.map((each) => draft.row(each)!.u);
    // The first row steps aside on a value of its own, as it must on a server; the event is logged all the
    // same.
    draft.touches.push([row.key, false]);
    for (let i = ring.length - 1; i >= 0; i -= 1) {
      const each = ring[i]!;
      draft.set(each, this.#row(draft.row(each)!.key, values[(i + 1) % ring.length]!));
    }
    return true;
  }

  #put(draft: Draft, rank: number, key: Key, u: number | null): boolean {
    if (u === null) return true;
    if (draft.isValueLocked(u)) return false;
    draft.set(rank, this.#row(key, u));
    return true;
  }

  #freeValue(draft: Draft, rank: number): number | null {
    const u = this.#random.int(this.#space.size + 2);
    if (this.#collide && this.#random.chance(0.3)) return u;
    return draft.isTaken(u, rank) ? null : u;
  }

  #row(key: Key, u: number): Row {
    this.#version += 1;
    return { key, u, version: this.#version };
  }

  #key(rank: number): Key {
    return this.#space.key(rank, this.#random.chance(0.5));
  }
}

/** A transaction in the making. */
class Draft implements Work {
  readonly touches: (readonly [Key, boolean])[] = [];
  readonly changes = new Map<number, Row | null>();
  readonly values = new Set<number>();
  readonly #server: Server;
  readonly #enforced: boolean;

  constructor(server: Server, enforced: boolean) {
    this.#server = server;
    this.#enforced = enforced;
  }

  row(rank: number): Row | undefined {
    const own = this.changes.get(rank);
    return own === undefined ? this.#server.latest.get(rank) : (own ?? undefined);
  }

  /** Ranks of the rows that are there. */
  ranks(): Set<number> {
    const ranks = new Set(this.#server.latest.keys());
    for (const [rank, row] of this.changes) {
      if (row) ranks.add(rank);
      else ranks.delete(rank);
    }
    return ranks;
  }

  isLocked(rank: number): boolean {
    return this.#server.isLocked(rank);
  }
  isValueLocked(u: number): boolean {
    return this.#enforced && this.#server.isValueLocked(u);
  }
  isTaken(u: number, except: number): boolean {
    for (const rank of this.ranks()) if (rank !== except && this.row(rank)!.u === u) return true;
    return false;
  }

  /**
   * An insert or an update; an update of the key is a delete of the old one and the new one, as the stream
   * says it.
   */
  set(rank: number, row: Row): void {
    const before = this.row(rank);
    if (before) this.values.add(before.u);
    if (before && before.key !== row.key) this.touches.push([before.key, true]);
    this.touches.push([row.key, false]);
    this.values.add(row.u);
    this.changes.set(rank, row);
  }

  remove(rank: number): boolean {
    const before = this.row(rank)!;
    if (this.isValueLocked(before.u)) return false;
    this.values.add(before.u);
    this.touches.push([before.key, true]);
    this.changes.set(rank, null);
    return true;
  }
}
