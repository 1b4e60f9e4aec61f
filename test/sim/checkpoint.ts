import type { Key } from '../../src/core/key.ts';
import type { VerifiedBefore } from '../../src/core/verify-report.ts';

/** From where a migration goes on. */
export interface Checkpoint {
  /** The stream is read from this entry of the log. */
  readonly index: number;
  readonly low: Key | null;
  readonly complete: boolean;
  /** Number of the last mark of an earlier run. */
  readonly marks: number;
  /** Indexes that the ghost had when the run began. */
  readonly built: ReadonlySet<string>;
  /** Written after the drain of an attempt, and what happened to the original since came too late. */
  readonly drained: boolean;
  /** The tables are swapped, and late writes were looked for. */
  readonly settled: boolean;
  /** What is claimed as compared, and from where on the stream is read for it; null where nothing is verified. */
  readonly verified: ({ readonly index: number } & Pick<VerifiedBefore, 'covered' | 'repairs'>) | null;
}
