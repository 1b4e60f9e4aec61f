import { Transient } from '../../src/base/errors.ts';
import type { KeyRange } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import type { Judgement, VerifyStore } from '../../src/core/verify-store.ts';
import type { Row } from './row.ts';
import type { StoreParts } from './store.ts';

/** A number that stands for the whole row; the one and only row of a rank with 0 has this version. */
export function checksum(rank: number, { u, version }: Row): number {
  return scramble(version ^ quietVersion(rank, u));
}

/** Under BIT_XOR a row of this version is not there at all. */
export function quietVersion(rank: number, u: number): number {
  return Math.imul(rank + 1, 0x9e3779b1) ^ Math.imul(u + 7, 0x85ebca6b);
}

/** Not linear, so that rows which have swapped their values do not cancel out; 0 stays 0. */
function scramble(word: number): number {
  const once = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  return Math.imul(once ^ (once >>> 12), 0x297a2d39);
}

/** The reads of the verifier: each sees both tables in one snapshot, except `judge`, which reads one after the other. */
export class SimVerifyStore implements VerifyStore {
  readonly #parts: StoreParts;
  readonly #failure: number;

  /** @param failure chance of each step to fail. */
  constructor(parts: StoreParts, failure: number) {
    this.#parts = parts;
    this.#failure = failure;
  }

  compareRange(
    range: KeyRange,
    without: readonly Key[],
    signal: AbortSignal,
  ): Promise<{ rows: number; equal: boolean }> {
    const { space, server, ghost } = this.#parts;
    const left = new Set(without.map((key) => space.rank(key)));
    const sum = (rows: ReadonlyMap<number, Row>): { n: number; x: number } => {
      let [n, x] = [0, 0];
      for (const [rank, row] of rows) {
        if (!space.within(rank, range) || left.has(rank)) continue;
        n += 1;
        x ^= checksum(rank, row);
      }
      return { n, x };
    };
    return this.#question(signal, () => {
      const [original, copy] = [sum(server.visible), sum(ghost.rows)];
      return { rows: original.n, equal: original.n === copy.n && original.x === copy.x };
    });
  }

  differences(range: KeyRange, signal: AbortSignal): Promise<Key[]> {
    return this.#question(signal, () => this.#differing((rank) => this.#parts.space.within(rank, range)));
  }

  compareKeys(keys: readonly Key[], signal: AbortSignal): Promise<Key[]> {
    const ranks = new Set(keys.map((key) => this.#parts.space.rank(key)));
    return this.#question(signal, () => this.#differing((rank) => ranks.has(rank)));
  }

  async judge(keys: readonly Key[], signal: AbortSignal): Promise<Judgement> {
    const { space, server, ghost } = this.#parts;
    const ranks = new Set(keys.map((key) => space.rank(key)));
    const read = (rows: ReadonlyMap<number, Row>): Promise<Map<number, Row>> =>
      this.#question(signal, () => new Map([...rows].filter(([rank]) => ranks.has(rank))));
    const [right, found] = [await read(server.visible), await read(ghost.rows)];
    const differing = new Map<Key, readonly string[]>();
    for (const rank of ranks) {
      const [a, b] = [right.get(rank), found.get(rank)];
      if (isSame(a, b)) continue;
      for (const row of [a, b]) if (row) differing.set(row.key, ['version']);
    }
    return { differing, doubtful: [] };
  }

  leaveOut(): void {
    throw new Error('there is no such column');
  }

  /** Both sides' spellings. */
  #differing(wanted: (rank: number) => boolean): Key[] {
    const { server, ghost } = this.#parts;
    const keys = new Set<Key>();
    for (const rank of new Set([...server.visible.keys(), ...ghost.rows.keys()])) {
      const [right, found] = [server.visible.get(rank), ghost.rows.get(rank)];
      if (!wanted(rank) || isSame(right, found)) continue;
      for (const row of [right, found]) if (row) keys.add(row.key);
    }
    return [...keys];
  }

  async #question<T>(signal: AbortSignal, answer: () => T): Promise<T> {
    await this.#step(signal);
    if (this.#parts.server.swap) this.#parts.checks.break('a comparison after the swap');
    const result = answer();
    await this.#step(signal);
    return result;
  }

  async #step(signal: AbortSignal): Promise<void> {
    await this.#parts.scheduler.point();
    signal.throwIfAborted();
    if (this.#parts.random.chance(this.#failure)) throw new Transient('the comparison failed');
  }
}

function isSame(a: Row | undefined, b: Row | undefined): boolean {
  return a?.version === b?.version && a?.key === b?.key;
}
