import { messageOf } from '../base/errors.ts';
import { dataProfile } from '../mysql/profile.ts';
import { retry } from '../mysql/retry.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';

/** A connection that is refused while a server is started again is tried for about so long, ms. */
const delayMs = { first: 100, max: 2000 };
const attemptsMax = 15;

/** What is told of the session. */
export interface SessionUse {
  readonly name: string;
  readonly signal?: AbortSignal;
  /** Told of each connection before anything is sent on it. */
  readonly onOpen?: (threadId: number) => void;
}

/**
 * Does something on a session of its own, and again on another one where the connection is lost: for what is idempotent.
 * @param work gets the number of the try, from 1.
 * @throws what `work` throws; the last error of the connection; the signal's reason.
 */
export async function onOneSession<T>(
  { config, clock, log }: MigrationParts,
  { name, signal, onOpen }: SessionUse,
  work: (session: Session, attempt: number) => Promise<T>,
): Promise<T> {
  const once = async (attempt: number): Promise<T> => {
    const setup = { profile: dataProfile, clock, name, ...(signal ? { signal } : {}) };
    const session = await Session.open(config.connection, setup);
    onOpen?.(session.threadId);
    try {
      return await work(session, attempt);
    } finally {
      await session.close();
    }
  };
  return await retry(once, {
    attempts: Math.min(config.retries, attemptsMax),
    clock,
    ...(signal ? { signal } : {}),
    retryOn: ['connection', 'busy'],
    idempotent: true,
    baseDelayMs: delayMs.first,
    maxDelayMs: delayMs.max,
    onRetry: (error, attempt) =>
      log.warn(
        { attempt },
        `${name}: the connection was lost, and what it did is done again: ${messageOf(error)}`,
      ),
  });
}
