import { Transient } from '../../src/base/errors.ts';
import type { Key } from '../../src/core/key.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import type { LatePath } from '../../src/migrator/late-writes.ts';
import type { GhostTransaction, Outcome } from './ghost.ts';
import type { StoreParts } from './store.ts';

/** Rows of the old table carried over into the new one, beside the application: what src/mysql/late-rows.ts does in SQL. */
export class SimLateRows {
  readonly #parts: StoreParts;
  readonly #failure: number;

  /** @param failure chance of each step to fail. */
  constructor(parts: StoreParts, failure: number) {
    this.#parts = parts;
    this.#failure = failure;
  }

  readonly carry: LatePath['lateRows']['carry'] = async (keys, mayStay, signal) => {
    const { ghost, server, checks } = this.#parts;
    const transaction = ghost.begin();
    try {
      const ranks = await this.#remove(keys, transaction, signal);
      await this.#dawdle(signal);
      for (const rank of ranks) {
        const row = server.swap!.old.get(rank);
        if (!row) continue;
        const outcome = await this.#locked(() => transaction.insert(rank, row), signal);
        if (outcome === 'same-key' || outcome === 'same-value') throw new DuplicateKey('u', String(row.u));
      }
      if (!(await mayStay())) return false;
      await this.#step(signal);
      for (const rank of ranks) checks.carried.add(rank);
      if (transaction.writes.size > 0)
        await new Promise<void>((shown) => server.carry(transaction.work, shown));
    } finally {
      transaction.rollback();
    }
    await this.#parts.scheduler.point();
    if (this.#parts.random.chance(this.#failure)) throw new Transient('the answer to COMMIT was lost');
    return true;
  };

  async #remove(
    keys: readonly Key[],
    transaction: GhostTransaction,
    signal: AbortSignal,
  ): Promise<Set<number>> {
    await this.#step(signal);
    const ranks = new Set(keys.map((key) => this.#parts.space.rank(key)));
    for (const rank of ranks) await this.#locked(() => transaction.remove(rank), signal);
    return ranks;
  }

  /** From one statement to the next a while can pass. */
  async #dawdle(signal: AbortSignal): Promise<void> {
    for (let n = this.#parts.random.int(12); n >= 0; n -= 1) await this.#step(signal);
  }

  async #locked(write: () => Outcome, signal: AbortSignal): Promise<Outcome> {
    for (;;) {
      const outcome = write();
      if (outcome !== 'blocked') return outcome;
      await this.#step(signal);
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    await this.#parts.scheduler.point();
    signal.throwIfAborted();
    if (this.#parts.random.chance(this.#failure)) throw new Transient('the statement failed');
  }
}
