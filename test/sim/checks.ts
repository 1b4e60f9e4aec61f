import type { ChangeSet } from '../../src/core/changeset.ts';
import type { KeyRange } from '../../src/core/chunk.ts';
import type { SyncManner } from '../../src/core/store.ts';
import type { Watermark } from '../../src/core/watermark.ts';
import type { Ghost } from './ghost.ts';
import type { KeySpace, Row } from './row.ts';
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
  readonly #indexes: readonly string[];
  /** Ranks by the sync that is under way. */
  readonly #syncing = new Set<number>();
  readonly #copying = new Set<KeyRange>();
  /** Ranks whose chunk was committed in the ghost, by the number of the commit's run. */
  readonly #copied = new Set<number>();
  #drops: Drop[] = [];
  /** Ranks whose row in the ghost was spoiled behind our back, or whose row in the original without a trace. */
  readonly damaged = new Set<number>();
  /** The verification has begun once: what was to be spoiled is. */
  verifying = false;
  /** Syncs that will leave a row as it was. */
  spoilsLeft = 0;
  /** Those of them that the verifier has reported. */
  readonly found = new Set<number>();
  /** Ranks whose rows were in the old table only when the tables were swapped, and those that were carried over. */
  late: ReadonlySet<number> = new Set();
  /** Ranks that were touched under the lock. */
  #touchedLate: ReadonlySet<number> = new Set();
  readonly carried = new Set<number>();
  /** Somebody has altered the original. */
  altered = false;
  /** Writers have passed a lock that should have stopped them. */
  leaked = false;
  broken: string | null = null;

  /** @param indexes that the new table must have. */
  constructor(server: Server, ghost: Ghost, space: KeySpace, indexes: readonly string[]) {
    this.#indexes = indexes;
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
    if (this.#ghost.build?.lock === 'SHARED')
      this.break('DESIGN 4: a sync beside an index build that lets nobody write');
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

  /** A chunk is read now. On another server a mark of the first proves nothing: it is enough that nothing is swapped there. */
  read(range: KeyRange): void {
    if (this.#server.uuid !== 'first') return;
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

  /** A statement is about to be committed. @param heeds it was made for a ghost with its unique key. */
  committing(heeds: boolean): void {
    const { unique, build } = this.#ghost;
    if (!heeds && (unique || build?.unique))
      this.break('DESIGN 2: a statement that displaces rows beside a unique key, or the build of one');
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
      if (this.damaged.has(rank)) continue;
      if (!this.#copied.has(rank)) this.break(`I8: the low watermark claims ${rank}, which was not copied`);
      if (this.#server.isTouchedFrom(rank, index)) continue;
      const right = this.#server.rowAt(rank, index);
      if (this.#ghost.rows.get(rank)?.version !== right?.version) {
        this.break(`I8: position ${index} claims key ${rank}, whose row in the ghost is stale`);
      }
    }
  }

  /** A sync is about to write a row. @returns true when it forgets it, as a broken applier would. */
  spoils(rank: number): boolean {
    if (this.spoilsLeft === 0 || this.found.has(rank)) return false;
    this.spoilsLeft -= 1;
    this.damaged.add(rank);
    return true;
  }

  /** The verifier has found a true difference. */
  reported(rank: number): void {
    this.found.add(rank);
    if (!this.damaged.has(rank)) this.break(`the verifier gave a false alarm about key ${rank}`);
  }

  /**
   * The tables are swapped now: the ghost is the original (I6), and nobody has written since the drain (I7).
   * @param lockedAt entries of the log from here on came under the lock; null = there is none.
   * @param letGo true where L was ended before its time: then writes may have come in between.
   */
  swapping(lockedAt: number | null, letGo: boolean): void {
    for (const name of this.#indexes) {
      if (!this.#ghost.built.has(name))
        this.break(`DESIGN 4: the tables were swapped without the index ${name}`);
    }
    if (lockedAt === null) this.break('I7: the tables were swapped by an attempt that had ended');
    const { visible } = this.#server;
    const late = new Set<number>();
    for (const rank of new Set([...visible.keys(), ...this.#ghost.rows.keys()])) {
      const right = visible.get(rank);
      const found = this.#ghost.rows.get(rank);
      if (right?.version === found?.version) continue;
      const excused = letGo || this.leaked;
      if (!excused || !this.#server.isTouchedFrom(rank, lockedAt ?? 0)) {
        this.break(`${excused ? 'I6' : 'I6, I7'}: key ${rank}: ${show(right)}, ${show(found)} in the ghost`);
      }
      late.add(rank);
    }
    this.late = late;
    const entries = this.#server.log.slice(lockedAt ?? 0);
    const touches = entries.flatMap((entry) => ('work' in entry ? [...entry.work.touches] : []));
    this.#touchedLate = new Set(touches.map(([key]) => this.#space.rank(key)));
  }

  /**
   * The run has ended after the swap: every acknowledged write is in the table that bears the name.
   * @param told ranks that the run has named as not carried over.
   */
  afterSwap(told: ReadonlySet<number>): void {
    const { swap, latest } = this.#server;
    const { old, writes } = swap!;
    for (let rank = 0; rank < this.#space.size; rank += 1) {
      const wrote = writes.has(rank);
      const right = (wrote ? writes.get(rank) : old.get(rank)) ?? undefined;
      const found = latest.get(rank);
      const late = this.late.has(rank);
      if (told.has(rank) && !this.#touchedLate.has(rank))
        this.break(`I7: key ${rank} was told as a late write, which it is not`);
      if (told.has(rank) && !wrote) continue;
      if (right?.version !== found?.version)
        this.break(`I7: key ${rank}: ${show(right)} was written, ${show(found)} is in the new table`);
      if (late && wrote && !told.has(rank) && !this.carried.has(rank))
        this.break(`I7: the late write of key ${rank} was neither carried over nor told`);
    }
  }
}

function show(row: Row | undefined): string {
  return row ? JSON.stringify(row) : 'no row';
}
