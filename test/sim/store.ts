import { Transient } from '../../src/base/errors.ts';
import type { ServerPlacement } from '../../src/core/changeset.ts';
import type { Chunk, KeyRange } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import { DuplicateKey, type GhostStore, type SyncManner } from '../../src/core/store.ts';
import type { Checks } from './checks.ts';
import type { Ghost, GhostTransaction, Outcome } from './ghost.ts';
import type { Random } from './random.ts';
import type { KeySpace, Row } from './row.ts';
import type { Scheduler } from './scheduler.ts';
import type { Server } from './server.ts';

/**
 * Unique keys of the ghost besides the migration key: none, one that the original has too, one that the ALTER
 * adds.
 */
export type Uniqueness = 'none' | 'enforced' | 'added';

export interface StoreOptions {
  readonly uniqueness: Uniqueness;
  /** Chance of each step of a statement to fail. */
  readonly failure: number;
  /** Turns that a statement takes between its snapshot and its first write, at the most. */
  readonly dawdle: number;
}

export interface StoreParts {
  readonly server: Server;
  readonly ghost: Ghost;
  readonly space: KeySpace;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly checks: Checks;
}

/**
 * How often a statement that waits for a lock is told that it has waited too long, or was chosen as the
 * victim of a deadlock.
 */
const lockFailure = 0.25;

/**
 * The statements of the data path as a server runs them: each takes several steps between which anything may
 * happen, reads the original as it is visible at one of them, waits for the locks of other transactions or
 * fails on them, and may fail with everything rolled back, or committed although the answer was lost. When a
 * call ends, its transaction has ended.
 */
export class SimStore implements GhostStore {
  readonly #parts: StoreParts;
  readonly #options: StoreOptions;

  constructor(parts: StoreParts, options: StoreOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  copy(range: KeyRange, manner: SyncManner, signal: AbortSignal): Promise<number> {
    const { checks, space } = this.#parts;
    const leave = checks.copying(range);
    const copy = async (transaction: GhostTransaction): Promise<number> => {
      checks.read(range);
      const rows = this.#read((rank) => space.within(rank, range));
      await this.#dawdle();
      if (manner === 'alone' && this.#options.uniqueness === 'enforced') {
        for (const [rank, row] of rows) {
          if (transaction.row(rank)) checks.break(`I3: the ghost has a row ${row.key} where one is put`);
          await this.#locked(() => transaction.replace(rank, row), signal);
        }
      } else await this.#insertAll(transaction, rows, signal);
      return rows.length;
    };
    return this.#transaction(signal, copy, () => checks.copied(range)).finally(leave);
  }

  async clear(range: KeyRange, signal: AbortSignal): Promise<void> {
    const { space, ghost } = this.#parts;
    await this.#transaction(signal, async (transaction) => {
      const ranks = [...ghost.rows.keys()].filter((rank) => space.within(rank, range));
      for (const rank of ranks) await this.#locked(() => transaction.remove(rank), signal);
      return ranks.length;
    });
  }

  sync(
    keys: readonly Key[],
    deleted: readonly Key[],
    manner: SyncManner,
    signal: AbortSignal,
  ): Promise<number> {
    const { checks, space } = this.#parts;
    const { uniqueness } = this.#options;
    const ranks = new Set(keys.map((key) => space.rank(key)));
    const gone = uniqueness === 'none' ? new Set(deleted.map((key) => space.rank(key))) : ranks;
    const leave = checks.syncing(ranks, manner);
    return this.#transaction(signal, async (transaction) => {
      for (const rank of gone) await this.#locked(() => transaction.remove(rank), signal);
      await this.#step(signal);
      const rows = this.#read((rank) => ranks.has(rank));
      await this.#dawdle();
      if (uniqueness === 'none' || (manner === 'alone' && uniqueness === 'enforced')) {
        for (const [rank, row] of rows) {
          if (!checks.spoils(rank)) await this.#locked(() => transaction.replace(rank, row), signal);
        }
      } else {
        const written = rows.filter(([rank]) => !checks.spoils(rank));
        await this.#insertAll(transaction, written, signal);
      }
      return rows.length;
    }).finally(leave);
  }

  bound(after: Key | null, count: number, signal: AbortSignal): Promise<Key | null> {
    return this.#question(signal, () => {
      const rows = this.#read((rank) => this.#parts.space.within(rank, { after, upTo: null }));
      return rows[count - 1]?.[1].key ?? null;
    });
  }

  last(signal: AbortSignal): Promise<Key | null> {
    return this.#question(signal, () => {
      const rows = this.#read((rank) => this.#parts.space.within(rank, { after: null, upTo: null }));
      return rows.at(-1)?.[1].key ?? null;
    });
  }

  place(
    keys: readonly Key[],
    high: Key | null,
    flights: readonly Chunk[],
    signal: AbortSignal,
  ): Promise<ServerPlacement[]> {
    const { space } = this.#parts;
    return this.#question(signal, () =>
      keys.map((key) => {
        const rank = space.rank(key);
        if (high !== null && rank > space.rank(high)) return { key, place: 'above' };
        return { key, place: flights.find((chunk) => space.within(rank, chunk.range)) ?? 'copied' };
      }),
    );
  }

  findCollision(
    where: KeyRange | readonly Key[],
    _violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { space, server } = this.#parts;
    const inside = 'after' in where ? null : new Set(where.map((key) => space.rank(key)));
    return this.#question(signal, () => {
      for (const [rank, row] of server.visible) {
        if (inside ? !inside.has(rank) : !space.within(rank, where as KeyRange)) continue;
        for (const [other, twin] of server.visible) {
          if (other !== rank && twin.u === row.u) return `rows ${row.key} and ${twin.key} have u = ${row.u}`;
        }
      }
      return null;
    });
  }

  /** A statement that only reads. */
  async #question<T>(signal: AbortSignal, answer: () => T): Promise<T> {
    await this.#step(signal);
    const result = answer();
    await this.#step(signal);
    return result;
  }

  async #transaction(
    signal: AbortSignal,
    work: (transaction: GhostTransaction) => Promise<number>,
    onCommit?: () => void,
  ): Promise<number> {
    const { ghost, scheduler, random } = this.#parts;
    const transaction = ghost.begin();
    if (this.#parts.server.dressed) this.#parts.checks.break('the ghost was written to with triggers on it');
    try {
      await this.#step(signal);
      const result = await work(transaction);
      await this.#step(signal);
      this.#parts.checks.committing(this.#options.uniqueness !== 'none');
      transaction.commit();
      onCommit?.();
      await scheduler.point();
      if (random.chance(this.#options.failure)) throw new Transient('the answer to COMMIT was lost');
      return result;
    } catch (error) {
      transaction.rollback();
      throw error;
    }
  }

  /** Rows of the original as a statement that starts now sees them, in key order. */
  #read(wanted: (rank: number) => boolean): [number, Row][] {
    return [...this.#parts.server.visible].filter(([rank]) => wanted(rank)).sort((a, b) => a[0] - b[0]);
  }

  /** Between a statement's snapshot and its first write much can happen, now and then. */
  async #dawdle(): Promise<void> {
    const { scheduler, random } = this.#parts;
    if (random.chance(0.6)) return;
    for (let n = random.int(1 + this.#options.dawdle); n >= 0; n -= 1) await scheduler.point();
  }

  async #insertAll(
    transaction: GhostTransaction,
    rows: readonly [number, Row][],
    signal: AbortSignal,
  ): Promise<void> {
    for (const [rank, row] of rows) {
      if (this.#parts.random.chance(0.3)) await this.#step(signal);
      const outcome = await this.#locked(() => transaction.insert(rank, row), signal);
      if (outcome === 'same-key')
        this.#parts.checks.break(`I3: the ghost has a row ${row.key} where one is inserted`);
      if (outcome === 'same-value') throw new DuplicateKey('u', String(row.u));
    }
  }

  /** Does `write` as soon as no other transaction stands in the way. */
  async #locked(write: () => Outcome, signal: AbortSignal): Promise<Outcome> {
    for (;;) {
      const outcome = write();
      if (outcome !== 'blocked') return outcome;
      await this.#step(signal);
      if (this.#parts.random.chance(lockFailure)) throw new Transient('lock wait timeout or deadlock');
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { scheduler, random } = this.#parts;
    await scheduler.point();
    signal.throwIfAborted();
    if (this.#parts.server.swap) this.#parts.checks.break('a statement of the data path after the swap');
    if (random.chance(this.#options.failure)) throw new Transient('the statement failed');
  }
}
