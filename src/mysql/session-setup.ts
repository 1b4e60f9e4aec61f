import type { Clock } from '../base/clock.ts';
import type { SessionProfile } from './profile.ts';

/** How a session is opened. */
export interface SessionSetup {
  readonly profile: SessionProfile;
  readonly clock: Clock;
  /** For messages: `copier 2`, `cut-over lock`. */
  readonly name: string;
  readonly signal?: AbortSignal;
}

/** How long a statement may take. */
export interface StatementLimits {
  /** Default: the profile's `statementTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * What becomes of the statement on the server when we give it up. True, the default, stops it there from
   * another connection (KILL QUERY): a copy that goes on unseen could commit after a resume has cleaned up.
   */
  readonly kill?: boolean;
}

/** How a transaction begins. */
export interface TransactionHow {
  /** READ ONLY at REPEATABLE READ, with the snapshot taken at once; default: READ COMMITTED. */
  readonly snapshot?: boolean;
}
