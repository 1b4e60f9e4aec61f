import { Failure, messageOf, Refusal } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { newTriggerName, retargetTrigger, type TriggerOptions } from '../core/trigger-sql.ts';
import { ServerError } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import {
  createTriggers,
  dropTriggersOf,
  type NewTrigger,
  readTriggerSources,
  schemaCollation,
  type TriggerSource,
} from '../mysql/triggers.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';

/**
 * The triggers of the new table (`--include-triggers`). They come into being under the cut-over's lock only: on a ghost that
 * is still written to they would fire for every row of the copy. Those of the original stay with the old table.
 */
export interface GhostTriggers {
  /** As they were at the start: they must be the same under the lock. */
  readonly sources: readonly TriggerSource[];
  readonly made: readonly NewTrigger[];
}

const HINT = 'Drop the triggers, migrate, and create them again on the new table.';

/**
 * Plans the triggers of the new table, and has the server judge them by making them on the ghost for a moment: names that are
 * taken, columns that are gone, definers that the account may not name.
 * @param session of which the ghost is empty or at rest.
 * @throws Refusal `trigger-name`, `trigger-text`, `trigger-charset`, `trigger-collation`, `trigger`: the original is untouched.
 */
export async function planTriggers(
  session: Session,
  { original, artifacts }: Survey,
  { config, log }: MigrationParts,
): Promise<GhostTriggers> {
  const { triggers: options } = config;
  const sources = options === null ? [] : await readTriggerSources(session, original.ref);
  if (options === null || sources.length === 0) return { sources: [], made: [] };
  const collation = await schemaCollation(session, original.ref.schema);
  const made = sources.map((source) => copyOf(source, artifacts.ghost, collation, options));
  try {
    await createTriggers(session, made);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new Refusal(
      'trigger',
      `the new table cannot have the triggers of the original: ${error.serverMessage}`,
      {
        hint: `The original table is untouched. Choose another --trigger-suffix where a name is taken. Or: ${HINT}`,
        cause: error,
      },
    );
  } finally {
    if (session.usable) await dropTriggersOf(session, artifacts.ghost);
  }
  const names = made.map(({ name }, i) => `${sources[i]!.name} as ${name}`).join(', ');
  log.info({}, `triggers that the new table gets at the cut-over: ${names}`);
  return { sources, made };
}

function copyOf(
  source: TriggerSource,
  ghost: TableRef,
  collation: string,
  options: TriggerOptions,
): NewTrigger {
  const { sql, sqlMode, charset } = source;
  // Sent by us as utf8mb4, its bytes would be taken for those of another character set.
  if (!/^utf8/.test(charset) && !/^\p{ASCII}*$/u.test(sql))
    throw refused('trigger-charset', source, `was made by a session with the character set ${charset}`);
  if (source.databaseCollation !== collation)
    throw refused(
      'trigger-collation',
      source,
      `was made when its schema had the collation ${source.databaseCollation}`,
    );
  const name = newTriggerName(source.name, options);
  const sqlOfCopy = retargetTrigger(sql, sqlMode, { schema: ghost.schema, name }, ghost);
  return { ...source, name, sql: sqlOfCopy };
}

function refused(code: string, { name }: TriggerSource, why: string): Refusal {
  return new Refusal(
    code,
    `the trigger '${name}' ${why}: a copy would be another one. The original table is untouched.`,
    {
      hint: `Make it again as it should be, and start again. Or: ${HINT}`,
    },
  );
}

/**
 * Puts the triggers on the ghost: nobody of ours may write to it any more.
 * @throws Failure when those of the original are not what they were at the start.
 */
export async function dress(
  session: Session,
  { sources, made }: GhostTriggers,
  original: TableRef,
  signal: AbortSignal,
): Promise<void> {
  if (made.length === 0) return;
  const now = await readTriggerSources(session, original);
  if (JSON.stringify(now) !== JSON.stringify(sources)) {
    throw new Failure(`the triggers of ${quoteTable(original)} are not what they were at the start`, {
      hint: 'The tables are not swapped; the original is as others left it. Look at it and start again.',
      reason: 'world-changed',
    });
  }
  await createTriggers(session, made, signal);
}

/**
 * Takes the triggers off the ghost again, after an attempt that has failed.
 * @throws Failure when that cannot be done: then nothing may write to the ghost, or they would fire for it.
 */
export async function undress(session: Session, triggers: GhostTriggers, ghost: TableRef): Promise<void> {
  if (triggers.made.length === 0) return;
  try {
    await dropTriggersOf(session, ghost);
  } catch (error) {
    throw new Failure(`the triggers on ${quoteTable(ghost)} cannot be dropped: ${messageOf(error)}`, {
      hint: 'The original is untouched. The same command with --resume drops them and goes on.',
      cause: error,
    });
  }
}
