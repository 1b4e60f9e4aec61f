import type { Key } from './key.ts';
import { Doubts } from './verify-doubts.ts';
import type { VerifierParts } from './verify-parts.ts';

/** Reads rows by their keys on both sides, and leaves out the columns whose comparison proves to be inexact. */
export class RowReader {
  readonly #parts: Pick<VerifierParts, 'store' | 'log'>;
  readonly #doubts: Doubts;

  constructor(parts: Pick<VerifierParts, 'store' | 'log' | 'leftOut'>) {
    this.#parts = parts;
    this.#doubts = new Doubts(parts.leftOut);
  }

  /** Names of columns that are not compared. */
  get leftOut(): readonly string[] {
    return this.#doubts.leftOut;
  }

  /** The keys of these whose rows differ by the server's own conversion, and in what. @throws Transient, Failure. */
  async read(keys: readonly Key[], signal: AbortSignal): Promise<ReadonlyMap<Key, readonly string[]>> {
    const { store, log } = this.#parts;
    if (keys.length === 0) return new Map();
    const differing = await store.compareKeys(keys, signal);
    if (differing.length === 0) return new Map();
    const judgement = await store.judge(differing, signal);
    for (const column of judgement.doubtful) {
      if (!this.#doubts.raise(column, differing.length)) continue;
      store.leaveOut(column);
      log.warn({ column }, `column ${column} is left out: its conversion cannot be compared by chunks`);
    }
    return judgement.differing;
  }
}
