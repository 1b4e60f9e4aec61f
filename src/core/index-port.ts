import { Transient } from '../base/errors.ts';
import type { BuildStep } from './deferral.ts';
import type { DuplicateKey } from './store.ts';

/** Changes that others made meanwhile did not fit into the server's log of the build: nothing was built. */
export class OnlineLogFull extends Transient {}

/** What the building of indexes does to the server. */
export interface IndexPort {
  /** The steps whose indexes the ghost does not have, in order. An earlier run may have built some. */
  missing(signal: AbortSignal): Promise<readonly BuildStep[]>;
  /**
   * Builds the indexes of a step, all or none.
   * @throws DuplicateKey where two rows of the ghost are equal under a unique key; OnlineLogFull; Transient; Failure.
   *   When it throws, the statement has ended on the server.
   */
  build(step: BuildStep, signal: AbortSignal): Promise<void>;
  /** @returns a text that names two rows of the original that collide under the key, now; null where none do. */
  collision(step: BuildStep, violated: DuplicateKey, signal: AbortSignal): Promise<string | null>;
}
