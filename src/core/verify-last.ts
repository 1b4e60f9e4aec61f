import type { Clock } from '../base/clock.ts';
import type { Key } from './key.ts';
import type { VerifierOptions } from './verify-options.ts';

/** The keys that are compared while the writers wait, look by look: as many as there may be, as long as there is time. */
export function* lastSlices(
  keys: readonly Key[],
  { finishKeysMax, finishMs, lookKeys }: VerifierOptions,
  clock: Pick<Clock, 'nowMs'>,
): Generator<readonly Key[]> {
  const startMs = clock.nowMs();
  const most = Math.min(keys.length, finishKeysMax);
  for (let at = 0; at < most && clock.nowMs() - startMs < finishMs; at += lookKeys)
    yield keys.slice(at, at + lookKeys);
}
