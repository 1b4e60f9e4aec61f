import { Failure, PoltergeistError } from '../base/errors.ts';
import type { ServerPlacement } from './changeset.ts';
import type { Chunk, KeyRange } from './chunk.ts';
import type { Key } from './key.ts';

/**
 * A unique key of the ghost was violated by a chunk or a sync; all of the statement was rolled back (I5).
 * Whoever catches it finds out whether a stale row stood in the way or two rows of the original collide.
 */
export class DuplicateKey extends PoltergeistError {
  override readonly exitCode = 1;
  /** Name of the violated key of the ghost and the value, as the server printed them. */
  readonly keyName: string;
  readonly entry: string;
  constructor(keyName: string, entry: string, cause?: unknown) {
    super(`duplicate entry ${entry} for key ${keyName} of the ghost table`, { cause });
    this.keyName = keyName;
    this.entry = entry;
  }
}

/** The end of a migration whose new unique key two rows of the original cannot both have. */
export function collisionFailure(violated: DuplicateKey, rows: string): Failure {
  return new Failure(
    `two rows of the original collide under the new unique key ${violated.keyName}: ${rows}`,
    {
      hint:
        'The original table is untouched. Remove or change one of the two rows, or leave that key out of ' +
        'the ALTER, and start again.',
      cause: violated,
      reason: 'collision',
    },
  );
}

/** How a sync or a chunk is written. See DESIGN 2. */
export type SyncManner =
  /**
   * Beside others: DELETE and REPLACE where the migration key is the ghost's only unique key, else DELETE and
   * INSERT.
   */
  | 'beside'
  /** Alone: may displace stale rows where the original enforces all unique keys of the ghost. */
  | 'alone';

/**
 * What copier, applier and chunker do to the server, as they see it. The real one speaks SQL
 * (src/mysql/ghost-store.ts); the simulation's one is in memory. Every call may throw Transient (nothing or
 * everything may have happened), DuplicateKey (nothing has happened), or Failure. When a call ends, however
 * it does, its transaction has ended on the server: else an old snapshot could be committed after a newer
 * one.
 */
export interface GhostStore {
  /**
   * Copies the original's rows of a range into the ghost, in one transaction. The ghost must hold nothing of
   * it (I3).
   * @param manner beside others, or with nothing else in flight.
   * @returns the number of rows inserted.
   */
  copy(range: KeyRange, manner: SyncManner, signal: AbortSignal): Promise<number>;
  /**
   * Removes from the ghost what an earlier try of `copy` may have left that ended without an answer. A
   * transaction of its own: were it rolled back with a try that meets a conflict, what was left could stand
   * in its own way for ever.
   */
  clear(range: KeyRange, signal: AbortSignal): Promise<void>;
  /** Makes the ghost agree with the original for these keys, in one transaction. @returns rows written. */
  sync(
    keys: readonly Key[],
    deleted: readonly Key[],
    manner: SyncManner,
    signal: AbortSignal,
  ): Promise<number>;
  /** The key of the row `rows` rows after `after` in key order; null when there are fewer. */
  bound(after: Key | null, rows: number, signal: AbortSignal): Promise<Key | null>;
  /** The key of the last row; null when there is none. */
  last(signal: AbortSignal): Promise<Key | null>;
  /**
   * Asks the server where keys lie among ranges, for keys that only it can order.
   * @param high null once the open-ended chunk was dispatched: then no key is above.
   */
  place(
    keys: readonly Key[],
    high: Key | null,
    flights: readonly Chunk[],
    signal: AbortSignal,
  ): Promise<ServerPlacement[]>;
  /**
   * After a DuplicateKey of these keys or this range: do two rows of the original collide, now, under the
   * ghost's keys?
   * @returns a text that names both rows, or null when the conflict was with a stale row.
   */
  findCollision(
    where: KeyRange | readonly Key[],
    violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<string | null>;
}
