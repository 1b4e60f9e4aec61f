import type { CopiedPrefix } from './checkpoint.ts';
import type { Chunk, KeyRange } from './chunk.ts';
import type { Key } from './key.ts';

/** What the server's own conversion says of rows that the comparison took for different. */
export interface Judgement {
  /** Rows that do differ, and in what: names of columns, or that one side has no such row. */
  readonly differing: ReadonlyMap<Key, readonly string[]>;
  /**
   * Columns whose expressions saw a difference where the conversion makes none: the expression is not exact.
   */
  readonly doubtful: readonly string[];
}

/**
 * What a verifier asks the server. Every answer comes from short reads without locks; each call may throw
 * Transient or Failure.
 */
export interface VerifyStore {
  /**
   * Compares COUNT and checksums of a range, both sides in one snapshot, without the rows of some keys. `rows` counts the
   * original's.
   */
  compareRange(
    range: KeyRange,
    without: readonly Key[],
    signal: AbortSignal,
  ): Promise<{ rows: number; equal: boolean }>;
  /**
   * The keys of a range whose rows differ, both sides in one snapshot. Where the server takes several
   * spellings for one key, both sides' spellings are named.
   */
  differences(range: KeyRange, signal: AbortSignal): Promise<Key[]>;
  /**
   * Those of the keys whose rows differ, and other spellings of them that were met, both sides in one
   * snapshot.
   */
  compareKeys(keys: readonly Key[], signal: AbortSignal): Promise<Key[]>;
  /**
   * Has the server convert the original's rows of these keys as the copy does, and compares that with the
   * ghost.
   */
  judge(keys: readonly Key[], signal: AbortSignal): Promise<Judgement>;
  /** Compares without this column (a name of the original's) from now on. */
  leaveOut(column: string): void;
}

/** Where the chunks to compare come from: a chunker of the verifier's own. */
export interface VerifyChunks {
  /** A new pass, from the start or behind what is compared already. */
  begin(from?: CopiedPrefix): void;
  /** True where a key provably lies behind all chunks that were given out. */
  isAhead(key: Key): boolean;
  next(signal: AbortSignal): Promise<Chunk | null>;
  feedback(chunk: Chunk, rows: number, elapsedMs: number): void;
  /** The chunk is done with. */
  settle(chunk: Chunk): void;
}
