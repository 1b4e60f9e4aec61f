import type { Clock } from '../base/clock.ts';
import type { ChangeSet } from './changeset.ts';
import type { Key } from './key.ts';
import type { WatchList } from './verify-watch.ts';

/** How long a look waits for the syncs of its keys at the most; the others are looked at later. */
const settleMs = 5000;

/** What tells whether a key is synced. */
export interface SettledParts {
  readonly changes: Pick<ChangeSet, 'has' | 'changed'>;
  readonly watch: Pick<WatchList, 'isTouched'>;
  readonly clock: Clock;
}

/** Waits until each key is synced or has changed again, or for a while. @throws the signal's reason. */
export async function settled(
  keys: readonly Key[],
  { changes, watch, clock }: SettledParts,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  const pending = (): boolean => keys.some((key) => changes.has(key) && !watch.isTouched(key));
  if (!pending()) return;
  await Promise.race([changes.changed.until(() => !pending(), either), clock.sleep(settleMs, either)])
    .finally(() => enough.abort())
    .catch(() => signal.throwIfAborted());
}
