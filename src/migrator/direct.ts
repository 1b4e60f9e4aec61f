import { trueRenames } from '../core/alter/check.ts';
import { directObstacle, metadataOnly } from '../core/alter/metadata-only.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { alterDirectly, type DirectAlter, judgeColumns } from '../mysql/direct-alter.ts';
import { ageInWords, readTableLocks } from '../mysql/inspector/table-locks.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { refuseUnfinishedSwap } from './resume.ts';

/** How the server did the ALTER by itself: nothing was copied. */
export type Directly = 'instant' | 'in-place';

/** An ALTER that waits for a transaction older than this would have everybody wait behind it, seconds. */
const oldSeconds = 2;
const blockerPollMs = 250;
/** How long old transactions are waited for, in all, before the table is copied instead, ms. */
const patienceMs = 30_000;
const attemptsMax = 5;
const backoffMaxMs = 16_000;

/** What an attempt works with. */
export interface DirectContext {
  readonly session: Session;
  /** As far as it is known; nothing has been refused for what only a copy would suffer from. */
  readonly found: Survey;
  readonly parts: MigrationParts;
  readonly scratch: TableRef;
  readonly signal: AbortSignal;
}

/**
 * `--attempt-instant-ddl`, `--attempt-inplace-ddl`: before anything is created, and before what stands in the way of a copy
 * only is refused: foreign keys are no concern of the server's own ALTER, nor are triggers unless their columns go.
 * @returns how it was done; null when it was not, and the table has to be copied (the log says why).
 * @throws Refusal `swap-unfinished`; as `alterDirectly`.
 */
export async function tryDirectly(context: DirectContext): Promise<Directly | null> {
  const { session, found, parts } = context;
  const { config, log } = parts;
  const wanted = waysOf(context);
  if (wanted.length === 0 || !config.execute) return null;
  const obstacle = config.refusals.resume
    ? 'a run is resumed, and its copy goes on'
    : (directObstacle(found.alter, config) ?? triggersInTheWay(found));
  if (obstacle !== null) {
    log.info({}, `the ALTER is not attempted on the table itself: ${obstacle}`);
    return null;
  }
  await refuseUnfinishedSwap(session, found);
  for (const way of wanted) {
    const why = await attempt(context, way);
    if (why === null) {
      const { schema, name } = found.original.ref;
      log.info({ directly: way.kind }, `Success! table ${schema}.${name} migrated ${way.word}`);
      return way.kind;
    }
    log.warn({}, `${way.how} not possible for this operation, proceeding with original algorithm: ${why}`);
  }
  return null;
}

/** The server takes a column from under the triggers that name it, and every write to the table fails from then on. */
function triggersInTheWay({ alter, inspection }: Survey): string | null {
  if (alter.droppedColumns.length === 0 && trueRenames(alter).length === 0) return null;
  const names = inspection.triggers.map(({ name }) => name);
  return names.length === 0
    ? null
    : `columns go or are renamed, which triggers may name (${names.join(', ')}), and then every write would fail`;
}

interface Way {
  readonly kind: Directly;
  readonly word: string;
  readonly how: string;
}

function waysOf({ found, parts: { config } }: DirectContext): readonly Way[] {
  const { instant, inPlace } = config.attempt;
  // MariaDB's NOCOPY is what does not rebuild; its INPLACE may.
  const algorithm = found.facts.flavor === 'mariadb' ? 'NOCOPY' : 'INPLACE';
  return [
    ...(instant ? [{ kind: 'instant', word: 'instantly', how: 'ALGORITHM=INSTANT' } as const] : []),
    ...(inPlace
      ? [{ kind: 'in-place', word: 'in place', how: `ALGORITHM=${algorithm}, LOCK=NONE` } as const]
      : []),
  ];
}

/** @returns why it was not done; null when it was. */
async function attempt(context: DirectContext, { kind, how }: Way): Promise<string | null> {
  const { found, parts, signal } = context;
  const { config, clock, log } = parts;
  const alter: DirectAlter = {
    connection: config.connection,
    clock,
    original: found.original,
    how,
    clauses: found.alter.directText,
    timeZone: found.facts.timeZone,
    lockWaitSeconds: 2 * config.cutOver.lockTimeoutSeconds,
  };
  if (kind === 'in-place') {
    const obstacle = await rewrites(context, alter);
    if (obstacle !== null) return obstacle;
  }
  const attempts = Math.min(config.retries, attemptsMax);
  for (let made = 1; ; made += 1) {
    const holders = await waitForHolders(context);
    if (holders !== null) return holders;
    const outcome = await alterDirectly(alter, signal);
    if (outcome.kind === 'done') return null;
    if (outcome.kind === 'refused' || made >= attempts) return outcome.why;
    const waitMs = Math.min(1000 * 2 ** made, backoffMaxMs);
    log.warn({ attempt: made }, `${how}: ${outcome.why}; next attempt in ${waitMs / 1000} s`);
    await clock.sleep(waitMs, signal);
  }
}

/** Whether more than the dictionary would change, in words. */
async function rewrites({ found, scratch }: DirectContext, alter: DirectAlter): Promise<string | null> {
  const { obstacle, columnClauses } = metadataOnly(found.alter);
  if (obstacle !== null) return `not known to change the dictionary only: ${obstacle}`;
  if (columnClauses === '') return null;
  const renames = new Map(trueRenames(found.alter).map(({ from, to }) => [from, to]));
  return await judgeColumns(alter, scratch, columnClauses, renames);
}

/**
 * Everybody queues behind the ALTER, and it behind old transactions: so they are waited for before it is sent.
 * @returns who would not end; null when nobody holds the table, or the server cannot tell.
 */
async function waitForHolders({ session, found, parts, signal }: DirectContext): Promise<string | null> {
  const { clock, log } = parts;
  const { facts, original } = found;
  const startMs = clock.nowMs();
  for (let told = false; ; told = true) {
    const locks = await readTableLocks(session, original.ref, facts.lockSource);
    const old = locks.filter(({ granted, ageSeconds }) => granted && ageSeconds >= oldSeconds);
    if (old.length === 0) return null;
    const who = old.map((lock) => `connection ${lock.threadId} (${lock.account}), ${ageInWords(lock)}`);
    const table = quoteTable(original.ref);
    const unsure = facts.lockSource === 'none';
    if (!told) log.warn({}, `old transactions ${unsure ? 'may hold' : 'hold'} ${table}: ${who.join('; ')}`);
    if (clock.nowMs() - startMs > patienceMs)
      return unsure ? null : `old transactions hold ${table}: ${who.join('; ')}`;
    await clock.sleep(blockerPollMs, signal);
  }
}
