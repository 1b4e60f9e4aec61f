import { Abandoned, Ambiguous, messageOf } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import { type ArtifactRefs, dropSentry, dropTable } from '../mysql/artifacts.ts';
import { dataProfile } from '../mysql/profile.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';

/** How long cleaning up after a failure may take, ms: an operator waits for the prompt. */
const cleanUpTimeoutMs = 60_000;

/**
 * Ends a run that failed: removes what is of no use any more. An abandoned run (panic) leaves everything, as its operator asked,
 * and so does one whose outcome a person has to look at. Never throws: the failure that led here is the one to be told.
 * @param swapped the tables had been swapped before.
 */
export async function removeArtifacts(
  parts: MigrationParts,
  artifacts: ArtifactRefs,
  error: Error,
  swapped: boolean,
): Promise<void> {
  const { log } = parts;
  const { ghost, changelog, old } = artifacts;
  const tables = swapped ? [changelog] : [ghost, changelog];
  const names = tables.map(quoteTable).join(', ');
  if (swapped) {
    const where = `the new table is in place, the old one is kept as ${quoteTable(old)}`;
    log.warn({}, `the tables had been swapped when this happened: ${where}`);
  }
  if (error instanceof Ambiguous || (error instanceof Abandoned && error.message.includes('panic'))) {
    log.warn({}, `left behind, to be looked at or dropped by you: ${names}`);
    return;
  }
  try {
    await withSession(parts, async (session) => {
      for (const table of tables) await dropTable(session, table);
      if (!swapped) await dropSentry(session, old);
    });
    log.info({}, `removed: ${names}`);
  } catch (failure) {
    const hint = swapped ? 'drop it' : 'start again with --initially-drop-ghost-table';
    log.warn({ error: messageOf(failure) }, `could not be removed: ${names}; ${hint}`);
  }
}

async function withSession(
  { config, clock }: MigrationParts,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const signal = AbortSignal.timeout(cleanUpTimeoutMs);
  const profile = { ...dataProfile, statementTimeoutMs: cleanUpTimeoutMs };
  const session = await Session.open(config.connection, { profile, clock, name: 'clean-up', signal });
  try {
    await work(session);
  } finally {
    await session.close();
  }
}
