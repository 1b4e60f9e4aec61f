import type { ChangeSet } from '../../src/core/changeset.ts';
import type { KeyRange } from '../../src/core/chunk.ts';
import type { SyncManner } from '../../src/core/store.ts';
import type { Watermark } from '../../src/core/watermark.ts';
import type { Ghost } from './ghost.ts';
import type { KeySpace } from './row.ts';
import { LogPosition, type Server } from './server.ts';

/** Thrown by a run that broke an invariant. */
export class Divergence extends Error {}

/** An event whose key was dropped because a chunk will read it later. */
interface Drop {
  readonly rank: number;
  /** Number of its entry in the log. */
  readonly entry: number;
}

/** Watches the invariants while a run goes on. The first that breaks is kept in `broken`. */
export class Checks {
  readonly #server: Server;
  readonly #ghost: Ghost;
  readonly #space: KeySpace;
  /** Ranks by the sync that is under way. */
  readonly #syncing = new Set<number>();
  readonly #copying = new Set<KeyRange>();
  /** Ranks whose chunk was committed in the ghost, by the number of the commit's run. */
  readonly #copied = new Set<number>();
  #drops: Drop[] = [];
  broken: string | null = null;

  constructor(server: Server, ghost: Ghost, space: KeySpace) {
    this.#server = server;
    this.#ghost = ghost;
    this.#space = space;
  }

  break(what: string): void {
    this.broken ??= what;
  }

  /** A sync of `ranks` begins. @returns what to call when it ends. */
  syncing(ranks: ReadonlySet<number>, manner: SyncManner): () => void {
    const { comparable } = this.#space;
    if (manner === 'alone' && this.#ghost.open.size > 0)
      this.break('DESIGN 2: a sync alone beside another statement');
    for (const rank of ranks) {
      if (this.#syncing.has(rank)) this.break(`two syncs of key ${this.#space.key(rank, false)} overlap`);
      this.#syncing.add(rank);
      for (const range of this.#copying) {
        if (comparable && this.#space.within(rank, range))
          this.break(`I3: a sync of ${rank} beside its chunk`);
      }
    }
    return () => {
      for (const rank of ranks) this.#syncing.delete(rank);
    };
  }

  copying(range: KeyRange): () => void {
    for (const rank of this.#syncing) {
      if (this.#space.within(rank, range)) this.break(`I3: a chunk beside a sync of its key ${rank}`);
    }
    this.#copying.add(range);
    return () => this.#copying.delete(range);
  }

  /** A chunk is read now. */
  read(range: KeyRange): void {
    for (const { rank, entry } of this.#drops) {
      if (entry >= this.#server.shown && this.#space.within(rank, range)) {
        this.break(`I2: a chunk was read before the dropped change of key ${rank} was visible`);
      }
    }
    this.#drops = this.#drops.filter(({ entry }) => entry >= this.#server.shown);
  }

  copied(range: KeyRange): void {
    for (let rank = 0; rank < this.#space.size; rank += 1) {
      if (this.#space.within(rank, range)) this.#copied.add(rank);
    }
  }

  dropped(rank: number, entry: number): void {
    this.#drops.push({ rank, entry });
  }

  /** A new run begins with nothing above `low` copied. */
  restart(isCopied: (rank: number) => boolean): void {
    this.#drops = [];
    this.#copied.clear();
    for (let rank = 0; rank < this.#space.size; rank += 1) if (isCopied(rank)) this.#copied.add(rank);
  }

  /** What a checkpoint written now would claim (I8). */
  checkpoint(changes: ChangeSet, watermark: Watermark, start: number): void {
    const position = changes.appliedPosition();
    const index = position instanceof LogPosition ? position.index : start;
    for (let rank = 0; rank < this.#space.size; rank += 1) {
      const below = watermark.complete || (watermark.low !== null && rank <= this.#space.rank(watermark.low));
      if (!below) continue;
      if (!this.#copied.has(rank)) this.break(`I8: the low watermark claims ${rank}, which was not copied`);
      if (this.#server.isTouchedFrom(rank, index)) continue;
      const right = this.#server.rowAt(rank, index);
      if (this.#ghost.rows.get(rank)?.version !== right?.version) {
        this.break(`I8: position ${index} claims key ${rank}, whose row in the ghost is stale`);
      }
    }
  }

  /** I6: the ghost is the original. */
  compare(): void {
    const { visible } = this.#server;
    const ranks = new Set([...visible.keys(), ...this.#ghost.rows.keys()]);
    for (const rank of ranks) {
      const right = visible.get(rank);
      const found = this.#ghost.rows.get(rank);
      if (right?.version === found?.version) continue;
      this.break(
        `I6: key ${rank}: ${JSON.stringify(right)} in the original, ${JSON.stringify(found)} in the ghost`,
      );
    }
  }
}
