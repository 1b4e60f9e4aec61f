// What the tests of sessions and of the inspector share: a lab for a file, and sessions on it that get closed.
import { systemClock } from '../../src/base/clock.ts';
import { ConnectionOptions } from '../../src/mysql/connection-options.ts';
import { dataProfile, type SessionProfile } from '../../src/mysql/profile.ts';
import { Session } from '../../src/mysql/session.ts';
import type { ServerAddress } from '../lab/lab.ts';

export function optionsOf(server: ServerAddress): ConnectionOptions {
  const { host, port, user, password } = server;
  return new ConnectionOptions({ host, port, user, password, connectTimeoutMs: 5000 });
}

/** Opens a session that `work` may use, and closes it afterwards. */
export async function withSession<T>(
  server: ServerAddress,
  work: (session: Session) => Promise<T>,
  profile: Partial<SessionProfile> = {},
): Promise<T> {
  const session = await openSession(server, profile);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

export function openSession(server: ServerAddress, profile: Partial<SessionProfile> = {}): Promise<Session> {
  return Session.open(optionsOf(server), {
    profile: { ...dataProfile, ...profile },
    clock: systemClock,
    name: 'test',
  });
}

/** Runs statements one after the other. */
export async function runAll(session: Session, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await session.execute(sql);
}
