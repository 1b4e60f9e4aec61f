import type { Pulse } from '../base/pulse.ts';
import type { Frontier } from './changeset.ts';

/** A mark whose COMMIT has returned. */
export interface Mark extends Frontier {
  readonly sequence: number;
}

/** What the data path asks about visibility (I2); the heartbeat answers. */
export interface Visibility {
  /** Every event up to here is visible to reads. */
  readonly visible: Frontier;
  /** The frontier as it was a while ago: keys older than this are synced although they keep changing. */
  readonly aged: Frontier;
  /** Beats when a mark was committed or came back. */
  readonly changed: Pulse;
  /** Writes a mark, or joins one that is about to be written; resolves when it is committed. */
  mark(): Promise<Mark>;
  /** Returns when everything up to `receipt` is visible. */
  cover(receipt: number): Promise<void>;
  /** Writes a mark and waits until it has come back through the stream. */
  pass(timeoutMs: number, signal: AbortSignal): Promise<Mark>;
}
