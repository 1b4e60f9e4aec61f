import { makeRetry, type Retry, type RetryOptions } from '../base/retry.ts';
import type { MigrationParts } from './config.ts';

/** How what may succeed later is tried again. */
export interface Retries {
  readonly retry: Retry;
  /** For chunks: the operator's own programs are told, and waited for. */
  readonly copyRetry: Retry;
}

/** Makes the retries of a run. @param signal of the whole run. */
export function makeRetries({ config, clock, log, moments }: MigrationParts, signal: AbortSignal): Retries {
  const onRetry: RetryOptions['onRetry'] = (what, attempt, error) =>
    log.warn({ attempt, error: error.message }, `${what} is tried again`);
  const options = { attempts: config.retries, delayMs: 20, delayMsMax: 1000, onRetry };
  return {
    retry: makeRetry(clock, options),
    copyRetry: makeRetry(clock, {
      ...options,
      onRetry: async (what, attempt, error) => {
        await onRetry(what, attempt, error);
        await moments?.reach('batch-copy-retry', signal, { error: error.message });
      },
    }),
  };
}
