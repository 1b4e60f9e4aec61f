import type { Clock } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { Blockers } from '../core/swap-port.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { carryAutoIncrement, missingAutoIncrement } from '../mysql/artifacts.ts';
import { readCreateSql, withoutCounter } from '../mysql/inspector/definition.ts';
import { readPointing } from '../mysql/inspector/foreign-keys.ts';
import { ageInWords, readTableLocks, type TableLock } from '../mysql/inspector/table-locks.ts';
import { readTriggers } from '../mysql/inspector/triggers.ts';
import type { Session } from '../mysql/session.ts';
import { SqlSwap } from '../mysql/swap.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import { refuseDemoted } from './failover-watch.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';
import { dress, undress } from './triggers.ts';

/** The port that a cut-over of this migration works through. */
export function makeSwapPort(survey: Survey, plan: Plan, path: DataPath, parts: MigrationParts): SqlSwap {
  const { config, clock } = parts;
  const { original, artifacts, facts, alter } = survey;
  const lasting = lastingXa(path.stream, clock);
  return new SqlSwap({
    connection: config.connection,
    clock,
    kind: config.cutOver.kind,
    original: original.ref,
    ghost: artifacts.ghost,
    old: artifacts.old,
    sentry: artifacts.sentry,
    lockTimeoutSeconds: config.cutOver.lockTimeoutSeconds,
    seesMetadataLocks: facts.lockSource === 'performance-schema',
    shortestLockWaitSeconds: facts.flavor === 'mariadb' ? 0 : 1,
    findBlockers: async (session, olderThanSeconds) => {
      const { who, unsure } = await findBlockers(session, survey, olderThanSeconds);
      return { who: [...who, ...lasting(olderThanSeconds)], unsure };
    },
    recheck: async (ask) => {
      await Promise.all([
        ask((session) => refuseDemoted(session, survey, config)),
        ...rechecks(survey, plan).map(ask),
      ]);
    },
    carryAutoIncrement: async (session) => {
      if (alter.autoIncrement === undefined) await carryAutoIncrement(session, original.ref, plan.ghost);
    },
    autoIncrementMissing: async (session) =>
      alter.autoIncrement === undefined &&
      (await missingAutoIncrement(session, original.ref, plan.ghost)) !== null,
    dress: async (session, signal) => await dress(session, plan.triggers, original.ref, signal),
    undress: async (session) => await undress(session, plan.triggers, artifacts.ghost),
    onSession: (threadId) => path.intake.expect(threadId),
  });
}

/** Who holds the original keeps us from locking it; who holds the ghost, the RENAME from its place behind our lock. */
async function findBlockers(session: Session, survey: Survey, olderThanSeconds: number): Promise<Blockers> {
  const { original, artifacts, facts } = survey;
  const unsure = facts.lockSource === 'none';
  const who = new Map<number | null, string>();
  // Where the server cannot tell tables apart one question is enough.
  for (const table of unsure ? [original.ref] : [original.ref, artifacts.ghost]) {
    for (const lock of await readTableLocks(session, table, facts.lockSource)) {
      if (!lock.granted || lock.ageSeconds < olderThanSeconds || who.has(lock.threadId)) continue;
      who.set(lock.threadId, describe(lock));
    }
  }
  return { who: [...who.values()], unsure };
}

/**
 * Prepared XA transactions that have changed the original. Not every server shows their locks, above all once their session
 * is gone: a RENAME that waits for them keeps everybody from the table, and what they commit afterwards would be lost.
 */
function lastingXa(
  stream: { readonly preparedXids: readonly string[] },
  clock: Clock,
): (olderThanSeconds: number) => string[] {
  const since = new Map<string, number>();
  return (olderThanSeconds) => {
    const [now, held] = [clock.nowMs(), new Set(stream.preparedXids)];
    for (const xid of since.keys()) if (!held.has(xid)) since.delete(xid);
    for (const xid of held) if (!since.has(xid)) since.set(xid, now);
    const old = [...since].filter(([, seenMs]) => now - seenMs >= olderThanSeconds * 1000);
    return old.map(([xid]) => `XA transaction ${xid}, which is prepared: XA COMMIT or XA ROLLBACK it`);
  };
}

function describe(lock: TableLock): string {
  const { threadId, account, statement } = lock;
  const who = threadId === null ? 'a prepared XA transaction' : `connection ${threadId} (${account})`;
  return `${who}, ${ageInWords(lock)}, ${statement === '' ? 'idle in its transaction' : `running: ${statement}`}`;
}

/** What was refused at the start must not have come since (I10), and the ghost must be as we made it. */
function rechecks(
  { original, inspection }: Survey,
  { ghost }: Plan,
): readonly ((session: Session) => Promise<void>)[] {
  return [
    (session) => recheckTable(session, original, inspection.triggers.length),
    async (session) => {
      const { pointing } = await readPointing(session, original.ref);
      if (pointing.length <= inspection.foreignKeys.pointing.length) return;
      const names = pointing.map(({ name }) => name).join(', ');
      throw changed(original.ref, `other tables reference it now: ${names}`);
    },
    (session) => recheckTable(session, ghost, 0),
  ];
}

async function recheckTable(
  session: Session,
  { ref, createSql }: TableDefinition,
  triggersMax: number,
): Promise<void> {
  const now = await readCreateSql(session, ref);
  if (now === null) throw changed(ref, 'it is gone');
  if (withoutCounter(now) !== withoutCounter(createSql)) throw changed(ref, 'its definition changed');
  const triggers = await readTriggers(session, ref);
  if (triggers.length > triggersMax) {
    throw changed(ref, `it has triggers now: ${triggers.map(({ name }) => name).join(', ')}`);
  }
}

function changed(table: TableRef, what: string): Failure {
  return new Failure(`${quoteTable(table)} is not what it was at the start: ${what}`, {
    hint: 'The tables are not swapped; the original is as others left it. Look at it and start again.',
    reason: 'world-changed',
  });
}
