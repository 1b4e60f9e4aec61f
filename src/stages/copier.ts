import type { Clock } from '../base/clock.ts';
import { runCrew, type Shift } from '../base/crew.ts';
import type { Retry } from '../base/retry.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { Chunk, KeyRange } from '../core/chunk.ts';
import type { Gate } from '../core/gate.ts';
import type { Pace } from '../core/pace.ts';
import { DuplicateKey, type GhostStore } from '../core/store.ts';
import type { Visibility } from '../core/visibility.ts';
import type { Watermark } from '../core/watermark.ts';

/** Where chunks come from, and who wants to know how long they took. */
export interface ChunkSource {
  next(signal: AbortSignal): Promise<Chunk | null>;
  feedback(chunk: Chunk, rows: number, elapsedMs: number): void;
}

/** Who resolves unique conflicts of a chunk. */
export interface ChunkConflicts {
  afterChunk(range: KeyRange, violated: DuplicateKey, signal: AbortSignal): Promise<number>;
}

/** What a copier works with. */
export interface CopierParts {
  readonly chunks: ChunkSource;
  readonly store: Pick<GhostStore, 'copy' | 'clear'>;
  readonly changes: ChangeSet;
  readonly watermark: Watermark;
  readonly visibility: Visibility;
  readonly conflicts: ChunkConflicts;
  readonly turnstile: Turnstile;
  readonly gate: Gate;
  /** Who works when; without one all work all the time. */
  readonly pace?: Pace;
  readonly clock: Clock;
  readonly retry: Retry;
}

/**
 * Copies the original into the ghost, chunk by chunk, with several workers. Each: wait for its turn, pass the gate, take a
 * chunk, mark if keys were dropped (I3), INSERT .. SELECT, settle.
 */
export class Copier {
  readonly #parts: CopierParts;
  #rows = 0;

  constructor(parts: CopierParts) {
    this.#parts = parts;
  }

  /** Rows copied so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Copies until the last chunk is committed. @throws the first error that a worker could not get over. */
  async run(workers: number, signal: AbortSignal): Promise<void> {
    await runCrew(workers, signal, (shift) => this.#work(shift));
  }

  async #work({ worker, signal, wait, end }: Shift): Promise<void> {
    const { gate, chunks, retry, pace } = this.#parts;
    for (;;) {
      if (pace && !(await wait((either) => pace.turn(worker, either)))) return;
      await gate.pass(signal);
      const chunk = await retry('looking up a chunk', () => chunks.next(signal), signal);
      if (!chunk) return end();
      const work = (): Promise<number> => this.#copy(chunk, signal);
      const rows = await (pace ? pace.piece(worker, work) : work());
      this.#rows += rows;
    }
  }

  async #copy(chunk: Chunk, signal: AbortSignal): Promise<number> {
    const { changes, watermark, visibility, conflicts, retry } = this.#parts;
    // Keys of this range that were dropped before it was dispatched must be visible to its read (I2, I3).
    await visibility.cover(changes.lastDrop);
    let rows: number;
    try {
      rows = await this.#insert(chunk, signal);
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
      const resolve = (): Promise<number> => conflicts.afterChunk(chunk.range, error, signal);
      rows = await retry(`conflict of chunk ${chunk.number}`, resolve, signal);
    }
    watermark.settle(chunk);
    changes.settled(chunk);
    return rows;
  }

  async #insert(chunk: Chunk, signal: AbortSignal): Promise<number> {
    const { turnstile, store, clock, chunks, retry } = this.#parts;
    return await retry(
      `copy of chunk ${chunk.number}`,
      (attempt) =>
        turnstile.shared(async () => {
          if (attempt > 0) await store.clear(chunk.range, signal);
          const startMs = clock.nowMs();
          const rows = await store.copy(chunk.range, 'beside', signal);
          chunks.feedback(chunk, rows, clock.nowMs() - startMs);
          return rows;
        }, signal),
      signal,
    );
  }
}
