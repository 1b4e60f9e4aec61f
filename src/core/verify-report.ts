import type { Frontier } from './changeset.ts';
import type { CopiedPrefix } from './checkpoint.ts';
import type { ComparedRows } from './verify-prefix.ts';
import type { RepairsBefore } from './verify-repairs.ts';

/** What of a pass may be claimed. */
export interface VerifyClaim {
  /** The stream must be read from its position on: every key that waits to be compared again is touched behind it. */
  readonly from: Frontier;
  readonly prefix: CopiedPrefix;
  readonly compared: ComparedRows;
}

/** What an earlier run has left to a verifier. */
export interface VerifiedBefore {
  /** What it has claimed; null where the comparison begins at the beginning. */
  readonly covered: Pick<VerifyClaim, 'prefix' | 'compared'> | null;
  /** Changes of rows that it has let go without comparing them again. */
  readonly notCompared: number;
  readonly repairs: RepairsBefore;
}

/** How far a verification is and what it has found. Kept by the verifier; read by status and log. */
export interface VerifyReport {
  /** Rows of the original compared in chunks, and the chunks. */
  readonly rows: number;
  readonly chunks: number;
  /** Chunks passed over because only a sample was asked for. */
  readonly chunksSkipped: number;
  /** Those of the rows that an earlier run has compared. */
  readonly rowsBefore: number;
  /** Rows that differed when their chunk was compared because a change was on its way. */
  readonly stale: number;
  /**
   * Rows that differed without any change to explain it, and those of them that were repaired and found
   * right since.
   */
  readonly found: number;
  readonly repaired: number;
  /** Keys compared again after a change, and those that wait for it. */
  readonly comparedAgain: number;
  readonly watched: number;
  /**
   * Changed keys that were not compared again: more than the list holds, or than the cut-over has time for.
   */
  readonly notCompared: number;
  /** Columns that could not be compared, or only in part. */
  readonly leftOut: readonly string[];
}
