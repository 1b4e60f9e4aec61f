/** How much is verified, and the bounds of it. */
export interface VerifierOptions {
  /** Share of the chunks, and of the changed keys, that is compared: 100 is all. */
  readonly percent: number;
  /** How long a mark may take through the stream, ms. */
  readonly passTimeoutMs: number;
  /** Changed keys that wait to be compared again, at the most; beyond it they are let go and counted. */
  readonly watchMax: number;
  /** Keys of one look. */
  readonly lookKeys: number;
  /** Keys compared under the lock of the cut-over at the most, and the time for that, ms. */
  readonly finishKeysMax: number;
  readonly finishMs: number;
  /** Rows that may be repaired; with more the migration fails. */
  readonly repairsMax: number;
}

/** What is verified, and within which bounds, where nothing else is said. */
export const verifierDefaults: VerifierOptions = {
  percent: 100,
  passTimeoutMs: 600_000,
  watchMax: 200_000,
  lookKeys: 1000,
  finishKeysMax: 1000,
  finishMs: 100,
  repairsMax: 10_000,
};
