import { Failure } from '../base/errors.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { Batch, ChangeSet } from '../core/changeset.ts';
import type { KeyRange } from '../core/chunk.ts';
import type { Key } from '../core/key.ts';
import { collisionFailure, DuplicateKey, type GhostStore } from '../core/store.ts';
import type { Visibility } from '../core/visibility.ts';

/** The bounds of a conflict's resolution. */
export interface ConflictOptions {
  /** How often one conflict is tried again before the migration fails. */
  readonly attempts: number;
  /** How long a mark may take through the stream, ms. */
  readonly passTimeoutMs: number;
  /** True where the ALTER adds uniqueness that the original does not enforce: two rows may really collide. */
  readonly addedUniqueness: boolean;
  /** Keys of one transaction of an exclusive sync at the most, where stale rows may be displaced. */
  readonly batchKeys: number;
}

/** What is done beside the syncs while nothing else is in flight. */
interface ExclusiveWork {
  before(): Promise<void>;
  after(): Promise<number>;
}

const nothingElse: ExclusiveWork = { before: async () => undefined, after: async () => 0 };

/**
 * What happens after a 1062 on another unique key of the ghost than the migration key (I5, DESIGN 2).
 *
 * The row that stands in the way is either stale (its change is pending, or still in the stream) or a real
 * collision of two rows of the original. So: sync all that may be synced with nothing else in flight (the
 * exclusive sync), then try again; if it is still in the way, read on until everything that has happened is
 * received, and so on. Where the original enforces all unique keys of the ghost the row in the way is stale for sure: alone,
 * a sync or a chunk displaces it, for its own change puts it back. Else rows that swap values faster than a chunk is
 * copied would be in its way for ever. Where the ALTER adds uniqueness nothing is ever displaced, and the original itself is
 * asked whether two of its rows collide: then the migration fails and names both. Transient errors are
 * thrown: the caller tries all of it again.
 */
export class Conflicts {
  readonly #store: GhostStore;
  readonly #changes: ChangeSet;
  readonly #visibility: Visibility;
  readonly #turnstile: Turnstile;
  readonly #options: ConflictOptions;
  #count = 0;

  constructor(
    store: GhostStore,
    changes: ChangeSet,
    visibility: Visibility,
    turnstile: Turnstile,
    options: ConflictOptions,
  ) {
    this.#store = store;
    this.#changes = changes;
    this.#visibility = visibility;
    this.#turnstile = turnstile;
    this.#options = options;
  }

  /** Conflicts met so far. */
  get count(): number {
    return this.#count;
  }

  /** A sync was rolled back by `violated`, and its keys were given back to the change set. */
  async afterSync(keys: readonly Key[], violated: DuplicateKey, signal: AbortSignal): Promise<void> {
    await this.#settle(keys, violated, nothingElse, signal);
  }

  /**
   * A chunk was rolled back by `violated`; it is copied here, after the exclusive sync. @returns its rows.
   */
  async afterChunk(range: KeyRange, violated: DuplicateKey, signal: AbortSignal): Promise<number> {
    const store = this.#store;
    const work = {
      // An earlier try may have been committed without an answer: its rows would stand in the way of the
      // syncs.
      before: () => store.clear(range, signal),
      after: () => store.copy(range, 'alone', signal),
    };
    return await this.#settle(range, violated, work, signal);
  }

  /** Syncs all that was received and is visible, then runs `work`, with nothing else in flight. */
  async alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#turnstile.exclusive(async () => {
      await this.#syncAll(signal);
      return await work();
    }, signal);
  }

  async #settle(
    where: KeyRange | readonly Key[],
    first: DuplicateKey,
    work: ExclusiveWork,
    signal: AbortSignal,
  ): Promise<number> {
    let violated = first;
    for (let attempt = 0; attempt < this.#options.attempts; attempt += 1) {
      this.#count += 1;
      // Inside the turnstile: while the tables are being swapped nothing may be read by their names.
      await this.#turnstile.shared(() => this.#refuseCollision(where, violated, signal), signal);
      if (attempt > 0) await this.readOn(signal);
      try {
        return await this.#turnstile.exclusive(async () => {
          await work.before();
          await this.#syncAll(signal);
          return await work.after();
        }, signal);
      } catch (error) {
        if (!(error instanceof DuplicateKey)) throw error;
        violated = error;
      }
    }
    throw new Failure(`${violated.message}: still in the way after ${this.#options.attempts} attempts`, {
      hint:
        'The original table is untouched. Rows swap their unique values faster than they can be followed: ' +
        'try again at a quieter time.',
      cause: violated,
    });
  }

  /**
   * Waits until all that has happened before now is received. While the set is full the stream rests, and all
   * who could make room may be waiting here: then go on with what there is.
   */
  async readOn(signal: AbortSignal): Promise<void> {
    const leave = new AbortController();
    const either = AbortSignal.any([signal, leave.signal]);
    const changes = this.#changes;
    const full = changes.changed.until(() => changes.full, either);
    const passed = this.#visibility.pass(this.#options.passTimeoutMs, either);
    await Promise.race([passed, full]).finally(() => leave.abort());
  }

  /**
   * Syncs all that was received before now and may be synced, alone: of hot keys the part that is visible.
   */
  async #syncAll(signal: AbortSignal): Promise<void> {
    await this.#visibility.cover(this.#changes.receipt);
    const frontier = this.#visibility.visible;
    // Rows that swapped their values can only be set right together, where nothing may be displaced.
    const limit = this.#options.addedUniqueness ? Number.POSITIVE_INFINITY : this.#options.batchKeys;
    for (;;) {
      const batch = this.#changes.take(limit, frontier, frontier);
      if (!batch) return;
      await this.#syncAlone(batch, signal);
    }
  }

  async #syncAlone(batch: Batch, signal: AbortSignal): Promise<void> {
    try {
      await this.#store.sync(batch.keys, batch.deleted, 'alone', signal);
    } catch (error) {
      this.#changes.giveBack(batch);
      if (error instanceof DuplicateKey) await this.#refuseCollision(batch.keys, error, signal);
      throw error;
    }
    this.#changes.release(batch);
  }

  async #refuseCollision(
    where: KeyRange | readonly Key[],
    violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#options.addedUniqueness) return;
    const collision = await this.#store.findCollision(where, violated, signal);
    if (collision === null) return;
    throw collisionFailure(violated, collision);
  }
}
