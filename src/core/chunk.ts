import type { Key } from './key.ts';

/**
 * A range of the migration key, `(after, upTo]`: `after` is exclusive (null = from the start), `upTo`
 * inclusive (null = to the end, however far the table grows). Chunks tile the key space without a gap or an
 * overlap.
 */
export interface KeyRange {
  readonly after: Key | null;
  readonly upTo: Key | null;
}

/** A range handed to a copy worker. Numbers count dispatches, from 0. */
export interface Chunk {
  readonly number: number;
  readonly range: KeyRange;
  /** The number of rows aimed at when the range was measured. */
  readonly rowsAimed: number;
}
