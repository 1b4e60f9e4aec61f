import type { Clock } from '../base/clock.ts';
import type { Blockers } from '../core/swap-port.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { SwapTables } from './rename-wait.ts';
import type { Session } from './session.ts';
import type { CutOverKind } from './swap-ways.ts';

/** Gives a question a session of its own: some may be asked beside each other. */
export type Ask = <T>(question: (session: Session) => Promise<T>) => Promise<T>;

/** What a cut-over works with on one server. */
export interface SwapParts extends SwapTables {
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly kind: CutOverKind;
  /** Longest lock time of one attempt, seconds. */
  readonly lockTimeoutSeconds: number;
  /** True where performance_schema.metadata_locks tells who waits for what. */
  readonly seesMetadataLocks: boolean;
  /** The shortest time that a session of this server can wait for a lock, seconds. */
  readonly shortestLockWaitSeconds: number;
  readonly findBlockers: (session: Session, olderThanSeconds: number) => Promise<Blockers>;
  /** Refuses what must not have appeared since the start. */
  readonly recheck: (ask: Ask) => Promise<void>;
  /** As `SwapPort` has them. */
  readonly carryAutoIncrement: (session: Session) => Promise<void>;
  readonly autoIncrementMissing: (session: Session) => Promise<boolean>;
  /** Gives the ghost what only the new table may have. */
  readonly dress: (session: Session, signal: AbortSignal) => Promise<void>;
  /** Takes it off again. */
  readonly undress: (session: Session) => Promise<void>;
  /** Told of our connections, so that their DDL is known in the stream. */
  readonly onSession: (threadId: number) => void;
}
