/** How far a verification is and what it has found. Kept by the verifier; read by status and log. */
export interface VerifyReport {
  /** Rows of the original compared in chunks, and the chunks. */
  readonly rows: number;
  readonly chunks: number;
  /** Chunks passed over because only a sample was asked for. */
  readonly chunksSkipped: number;
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
