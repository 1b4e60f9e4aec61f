import type { Clock } from '../base/clock.ts';
import type { Retry } from '../base/retry.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from './changeset.ts';
import type { Gate } from './gate.ts';
import type { Key } from './key.ts';
import type { Pace } from './pace.ts';
import type { VerifyChunks, VerifyStore } from './verify-store.ts';
import type { Visibility } from './visibility.ts';
import type { KeyOrder } from './watermark.ts';

/** What a verifier works with. */
export interface VerifierParts {
  readonly store: VerifyStore;
  readonly chunks: VerifyChunks;
  readonly changes: Pick<
    ChangeSet,
    'touch' | 'has' | 'changed' | 'pending' | 'size' | 'applied' | 'receipt' | 'readPosition'
  >;
  /** How keys lie in the ranges of chunks. */
  readonly order: KeyOrder;
  readonly visibility: Pick<Visibility, 'pass'>;
  readonly turnstile: Turnstile;
  readonly gate: Gate;
  /** Who works when; without one all work all the time. */
  readonly pace?: Pace;
  readonly clock: Clock;
  readonly retry: Retry;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
  /** Resolves when what is claimed now, and what is known of repairs, is on record. */
  readonly record: (signal: AbortSignal) => Promise<void>;
  /** A key for people. */
  readonly describe: (key: Key) => string;
  /** Columns that cannot be compared at all. */
  readonly leftOut: readonly string[];
}
