import type { SessionError } from './session-error.ts';

/** A statement in flight. */
export interface Pending {
  readonly statement: string;
  readonly mayCommit: boolean;
  /** Ends the wait for the answer. */
  readonly giveUp: (error: SessionError) => void;
}

/** Why we stopped waiting for an answer. */
export interface Stopped {
  readonly code: 'timeout' | 'aborted';
  readonly why: string;
  readonly cause?: unknown;
}
