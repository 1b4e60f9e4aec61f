import { Bug, Failure } from '../base/errors.ts';
import { readReplication } from '../mysql/replication-status.ts';
import { text } from '../mysql/row.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { addressOf, streamsElsewhere, withInspected } from './topology.ts';

const lookEveryMs = 5000;
/** A stream that brings our marks is one of the primary's changes. Beyond this the streamed server is asked. */
const silentMs = 3000;

/** What a watch works with. */
export interface FailoverWatchParts {
  readonly parts: MigrationParts;
  readonly survey: Survey;
  /** Age of the newest mark that came back, ms. */
  readonly streamLagMs: () => number;
  /** Gives a session of the server that is written to. */
  readonly ask: <T>(work: (session: Session) => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/**
 * Refuses to go on at a server that has become read-only: somebody has made another one the primary. Our account may be one that
 * read_only does not keep from writing, so that no statement of ours fails.
 * @throws Failure; ServerError, SessionError.
 */
export async function refuseDemoted(
  session: Session,
  { facts }: Pick<Survey, 'facts'>,
  { topology }: Pick<MigrationConfig, 'topology'>,
  signal?: AbortSignal,
): Promise<void> {
  // A replica that is migrated itself is read-only as a rule.
  if (topology.onReplica) return;
  const limits = signal === undefined ? {} : { signal };
  const [row] = await session.query('SELECT CAST(@@GLOBAL.read_only AS CHAR) AS r', limits);
  if (row === undefined || ['0', 'OFF'].includes(text(row, 'r'))) return;
  throw new Failure(`${facts.hostname}:${facts.port} has become read-only: it is not the primary any more`, {
    hint:
      'The original table is untouched. After a failover start over on the new primary, and remove our tables ' +
      'here with `poltergeist cleanup`; if it is to take writes again, set read_only=OFF and go on with --resume.',
  });
}

/**
 * Looks every few seconds whether there was a failover, until the signal aborts. Nothing else would tell of one where our account
 * may write to a read-only server; and a replica that was promoted sends its own changes, and no error: the run would wait for
 * marks that never come.
 * @throws Failure.
 */
export async function watchFailover(watch: FailoverWatchParts, signal: AbortSignal): Promise<void> {
  const { parts, survey, ask } = watch;
  const { clock, config, log } = parts;
  for (let told = ''; !signal.aborted; ) {
    try {
      await clock.sleep(lookEveryMs, signal);
      await ask((session) => refuseDemoted(session, survey, config, signal), signal);
      const silent = streamsElsewhere(config) && watch.streamLagMs() > silentMs;
      const why = silent ? await whySilent(parts, signal) : '';
      if (why !== '' && why !== told) log.warn({}, why);
      told = why;
    } catch (error) {
      if (signal.aborted) return;
      // What else fails is told by those who work with that server, or not at all: it is looked at again soon.
      if (error instanceof Failure || error instanceof Bug) throw error;
    }
  }
}

/**
 * What keeps our marks from the streamed server.
 * @returns words for the log; nothing where it replicates.
 * @throws Failure where it does not replicate any more.
 */
async function whySilent(parts: MigrationParts, signal: AbortSignal): Promise<string> {
  const { inspected } = parts.config;
  const channels = await withInspected(parts, (session) => readReplication(session), signal);
  if (channels === null) return '';
  const server = addressOf(inspected);
  if (channels.length === 0) {
    throw new Failure(
      `${server}, whose binlog is read, replicates from no server any more: was it promoted?`,
      {
        hint:
          'The original table is untouched. If it is the new primary, start over there. If the primary is what it was, ' +
          'go on with --resume through another replica of it (--host).',
      },
    );
  }
  const stopped = channels.some(({ fetching, applying }) => !fetching || !applying);
  return stopped ? `replication on ${server}, whose binlog is read, is stopped: waiting for it` : '';
}
