import { messageOf, PoltergeistError } from '../base/errors.ts';
import { deadline } from '../base/pulse.ts';
import type { Phase } from '../core/phase.ts';
import type { Position } from '../core/position.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { dropSentry, dropTable } from '../mysql/artifacts.ts';
import { finishCheckpoint } from '../mysql/checkpoint-table.ts';
import { dataProfile } from '../mysql/profile.ts';
import { Session } from '../mysql/session.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { swapBack } from './replica-test.ts';
import { endingOf } from './resume-ending.ts';

/** How long cleaning up after a failure may take, ms: an operator waits for the prompt. */
const cleanUpTimeoutMs = 60_000;

/** What a run had done when it failed. */
export interface RunAtItsEnd {
  /** The tables had been swapped. */
  readonly swapped: boolean;
  readonly checkpoint: Checkpoint;
  readonly phase: Phase;
}

/**
 * Ends a run that failed: keeps what can be gone on with, and removes what is of no use any more
 * (resume-ending.ts). Never throws: the failure that led here is the one to be told.
 */
export async function endRun(
  parts: MigrationParts,
  found: Survey,
  error: Error,
  { swapped, checkpoint, phase }: RunAtItsEnd,
): Promise<void> {
  const { log, config } = parts;
  const { artifacts } = found;
  const { ghost, changelog, old } = artifacts;
  const reverts = config.names.revertOf !== undefined;
  // What a revert calls its ghost is the application's old table, and the checkpoint is the migration's.
  const tables = reverts ? [changelog] : [...(swapped ? [] : [ghost]), changelog, artifacts.checkpoint];
  const names = tables.map(quoteTable).join(', ');
  if (swapped && config.topology.testOnly) await tryToSwapBack(parts, found);
  else if (swapped) {
    const where = `the new table is in place, the old one is kept as ${quoteTable(old)}`;
    log.warn({}, `the tables had been swapped when this happened: ${where}`);
  }
  const ending = endingOf(error, checkpoint.written);
  if (ending === 'leave') {
    log.warn({}, `left behind, to be looked at or dropped by you: ${names}`);
    if (error instanceof PoltergeistError && error.reason === 'panic') log.warn({}, goOnOrRemove(config));
    return;
  }
  if (ending === 'keep' && !swapped && !reverts) {
    await checkpoint.writeLast(phase);
    log.warn({}, `left for --resume: ${names}`);
    log.warn({}, goOnOrRemove(config));
    return;
  }
  await remove(parts, tables, [artifacts.sentry, ...(swapped ? [] : [old])]);
  if (reverts) log.warn({}, 'to go on: the same command again; the old table and the checkpoint are kept');
}

/** How the swap has ended. */
export interface SwapEnd {
  /** Rows of the old table must be looked at: late writes that were not carried over. */
  readonly late?: boolean;
  /** The position right behind the RENAME, where it was seen. */
  readonly swappedAt?: Position | null;
}

/**
 * Ends a run whose tables are swapped: all of ours goes but the old table, unless that may go as well (and
 * rows of it must be looked at). The
 * checkpoint goes last: while it is there a run that dies here can be ended by `--resume`. It stays where it may serve a
 * revert.
 */
export async function removeAfterSwap(
  session: Session,
  found: Survey,
  parts: MigrationParts,
  { late = false, swappedAt = null }: SwapEnd = {},
): Promise<void> {
  const { config, log } = parts;
  const { artifacts } = found;
  await dropSentry(session, [artifacts.sentry]);
  await dropTable(session, artifacts.changelog);
  if (config.topology.testOnly) await swapBack(session, found, log);
  else if (config.okToDropTable && !late) await dropTable(session, artifacts.old);
  else log.info({}, `the old table is kept as ${quoteTable(artifacts.old)}`);
  if (config.keepCheckpoint && !late) {
    const at = swappedAt?.toString() ?? null;
    if (await finishCheckpoint(session, artifacts.checkpoint, at, parts.clock.wallMs())) {
      log.info({}, `the checkpoint is kept as ${quoteTable(artifacts.checkpoint)}, for --revert`);
      return;
    }
    log.warn({}, 'where the tables were swapped is not known: no checkpoint is kept for --revert');
  }
  await dropTable(session, artifacts.checkpoint);
}

/** A test on a replica leaves its tables as they were, whatever becomes of it. */
async function tryToSwapBack(parts: MigrationParts, found: Survey): Promise<void> {
  try {
    await withSession(parts, (session) => swapBack(session, found, parts.log));
  } catch (error) {
    const { old } = found.artifacts;
    const where = `the original is ${quoteTable(old)}`;
    parts.log.warn(
      { error: messageOf(error) },
      `the tables are swapped and could not be swapped back: ${where}`,
    );
  }
}

async function remove(
  parts: MigrationParts,
  tables: readonly TableRef[],
  sentries: readonly TableRef[],
): Promise<void> {
  const { log, config } = parts;
  const names = tables.map(quoteTable).join(', ');
  try {
    await withSession(parts, async (session) => {
      for (const table of tables) await dropTable(session, table);
      await dropSentry(session, sentries);
    });
    log.warn({}, `removed: ${names}: nothing could go on with them`);
  } catch (failure) {
    const hint = `run ${cleanUpCommand(config)}`;
    log.warn({ error: messageOf(failure) }, `could not be removed: ${names}; ${hint}`);
  }
}

function goOnOrRemove(config: MigrationConfig): string {
  return `to go on: the same command with --resume; to remove them: ${cleanUpCommand(config)}`;
}

/** The command that removes what a run has left, for an operator to copy. */
function cleanUpCommand({ connection, table, names, topology }: MigrationConfig): string {
  const { host, port, user } = connection;
  const where = topology.onReplica ? ' --migrate-on-replica' : '';
  const word = (value: string): string =>
    /^[\w.:@%-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
  const place = `--host ${word(host)} --port ${port} --user ${word(user)}`;
  const base = names.baseName === undefined ? '' : ` --force-table-names ${word(names.baseName)}`;
  const what = `--database ${word(table.schema)} --table ${word(table.name)}${base}`;
  return `poltergeist cleanup ${place} ${what}${where} --execute`;
}

async function withSession(
  { config, clock }: MigrationParts,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { signal, clear } = deadline(cleanUpTimeoutMs, 'cleaning up', clock);
  const profile = { ...dataProfile, statementTimeoutMs: cleanUpTimeoutMs };
  try {
    const session = await Session.open(config.connection, { profile, clock, name: 'clean-up', signal });
    try {
      await work(session);
    } finally {
      await session.close();
    }
  } finally {
    clear();
  }
}
