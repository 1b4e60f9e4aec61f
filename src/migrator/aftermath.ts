import { Abandoned, messageOf } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import { type ArtifactRefs, dropTable } from '../mysql/artifacts.ts';
import { dataProfile } from '../mysql/profile.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';

/** How long cleaning up after a failure may take, ms: an operator waits for the prompt. */
const cleanUpTimeoutMs = 60_000;

/**
 * Ends a run that failed before the swap: removes what is of no use any more. An abandoned run (panic) leaves everything, as
 * its operator asked. Never throws: the failure that led here is the one to be told.
 * @param touched false when nothing of ours has been created.
 */
export async function removeArtifacts(
  parts: MigrationParts,
  artifacts: ArtifactRefs,
  error: Error,
): Promise<void> {
  const { config, clock, log } = parts;
  const tables = [artifacts.ghost, artifacts.changelog];
  const names = tables.map(quoteTable).join(', ');
  if (error instanceof Abandoned && error.message.includes('panic')) {
    log.warn({}, `left behind, as a panic does: ${names}`);
    return;
  }
  try {
    const limit = AbortSignal.timeout(cleanUpTimeoutMs);
    const session = await Session.open(config.connection, {
      profile: dataProfile,
      clock,
      name: 'clean-up',
      signal: limit,
    });
    try {
      for (const table of tables) await dropTable(session, table);
    } finally {
      await session.close();
    }
    log.info({}, `removed: ${names}`);
  } catch (failure) {
    log.warn(
      { error: messageOf(failure) },
      `could not be removed: ${names}; start again with --initially-drop-ghost-table`,
    );
  }
}
