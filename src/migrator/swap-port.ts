import { Failure } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { Blockers } from '../core/swap-port.ts';
import { carryAutoIncrement, topUpAutoIncrement } from '../mysql/artifacts.ts';
import { readTableDefinition } from '../mysql/inspector/definition.ts';
import { readForeignKeys } from '../mysql/inspector/foreign-keys.ts';
import { readTableLocks, type TableLock } from '../mysql/inspector/table-locks.ts';
import { readTriggers } from '../mysql/inspector/triggers.ts';
import type { Session } from '../mysql/session.ts';
import { SqlSwap } from '../mysql/swap.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';

/** The port that a cut-over of this migration works through. */
export function makeSwapPort(survey: Survey, path: DataPath, parts: MigrationParts): SqlSwap {
  const { config, clock } = parts;
  const { original, artifacts, facts, alter } = survey;
  return new SqlSwap({
    connection: config.connection,
    clock,
    original: original.ref,
    ghost: artifacts.ghost,
    old: artifacts.old,
    lockTimeoutSeconds: config.cutOver.lockTimeoutSeconds,
    seesMetadataLocks: facts.lockSource === 'performance-schema',
    shortestLockWaitSeconds: facts.flavor === 'mariadb' ? 0 : 1,
    findBlockers: (session, olderThanSeconds) => findBlockers(session, survey, olderThanSeconds),
    recheck: (session) => recheck(session, survey),
    carryAutoIncrement: async (session, again) => {
      if (alter.autoIncrement !== undefined) return;
      const carry = again ? topUpAutoIncrement : carryAutoIncrement;
      await carry(session, original.ref, artifacts.ghost);
    },
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

function describe({ threadId, account, ageSeconds, statement }: TableLock): string {
  const who = threadId === null ? 'a prepared XA transaction' : `connection ${threadId} (${account})`;
  return `${who}, for ${ageSeconds} s, ${statement === '' ? 'idle in its transaction' : `running: ${statement}`}`;
}

/** What was refused at the start must not have come since (I10). */
async function recheck(session: Session, survey: Survey): Promise<void> {
  const { original, inspection } = survey;
  const table = quoteTable(original.ref);
  const changed = (what: string): Failure =>
    new Failure(`${table} is not what it was at the start: ${what}`, {
      hint: 'The tables are not swapped; the original is as others left it. Look at it and start again.',
      reason: 'world-changed',
    });
  const now = await readTableDefinition(session, original.ref);
  if (!now) throw changed('it is gone');
  if (comparable(now.createSql) !== comparable(original.createSql)) throw changed('its definition changed');
  const triggers = await readTriggers(session, original.ref);
  if (triggers.length > inspection.triggers.length) {
    throw changed(`it has triggers now: ${triggers.map(({ name }) => name).join(', ')}`);
  }
  const { pointing } = await readForeignKeys(session, original.ref);
  if (pointing.length > inspection.foreignKeys.pointing.length) {
    throw changed(`other tables reference it now: ${pointing.map(({ name }) => name).join(', ')}`);
  }
}

/** Without the counter, which moves all the time. */
function comparable(createSql: string): string {
  return createSql.replace(/^(\) .*?) AUTO_INCREMENT=\d+/m, '$1');
}
