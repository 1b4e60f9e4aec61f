// What the tests of refusals share: all checks as a migration begins with them, and the witness.
import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.ts';
import { Refusal } from '../../src/base/errors.ts';
import { artifactNames } from '../../src/core/names.ts';
import { ConnectionOptions } from '../../src/mysql/connection-options.ts';
import { inspectOriginal } from '../../src/mysql/inspector/inspection.ts';
import {
  type RefusalOptions,
  refuseArtifacts,
  refuseServer,
  refuseTable,
} from '../../src/mysql/inspector/refusals.ts';
import type { ServerQuestion } from '../../src/mysql/inspector/server-refusals.ts';
import { probeServer, type ServerFacts } from '../../src/mysql/server.ts';
import type { Session } from '../../src/mysql/session.ts';

export const ALLOWED: RefusalOptions = {
  allowOnMaster: true,
  discardForeignKeys: false,
  skipForeignKeyChecks: false,
  includeTriggers: false,
  initiallyDropGhostTable: false,
  initiallyDropOldTable: false,
  resume: false,
  storageEngine: 'innodb',
};

/** Where the binlog ends and what tables there are. */
export async function witness(session: Session): Promise<string> {
  const position = await session
    .query('SHOW BINARY LOG STATUS')
    .catch(() => session.query('SHOW MASTER STATUS'));
  const tables = await session.query(
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'r' ORDER BY TABLE_NAME",
  );
  return JSON.stringify([position, tables]);
}

/** The question about a server that is read and written, and no other. */
export function alone(facts: ServerFacts): ServerQuestion {
  const place = {
    connection: new ConnectionOptions({ host: '', port: 0, user: '', password: '', connectTimeoutMs: 0 }),
    facts,
  };
  const topology = { inspected: place, applied: place, chain: [place] };
  return { topology, how: { onReplica: false, switchToRbr: false }, schema: 'r' };
}

/** All checks in their order, as a migration of `r.name` begins with them. */
async function checkAll(
  session: Session,
  name: string,
  options: RefusalOptions,
  schema = 'r',
): Promise<void> {
  const facts = await probeServer(session);
  const artifacts = artifactNames(name);
  const ref = { schema, name };
  const inspection = await inspectOriginal(session, { ref, facts, artifacts, clock: systemClock });
  refuseServer(alone(facts), options);
  refuseTable(inspection, facts, options);
  refuseArtifacts(inspection, options);
}

export interface Expected {
  readonly code: string;
  readonly message: RegExp;
  readonly hint: RegExp;
}

export function isRefusal(thrown: unknown, expected: Expected): true {
  assert.ok(thrown instanceof Refusal, String(thrown));
  assert.equal(thrown.code, expected.code, thrown.message);
  assert.match(thrown.message, expected.message);
  assert.match(thrown.message, /Nothing was touched\.$/);
  assert.match(thrown.hint ?? '', expected.hint);
  return true;
}

/** Expects a refusal of `r.name`, and that nothing was written. */
export async function refused(
  session: Session,
  name: string,
  expected: Expected,
  options: Partial<RefusalOptions> = {},
  schema = 'r',
): Promise<void> {
  const before = await witness(session);
  await assert.rejects(checkAll(session, name, { ...ALLOWED, ...options }, schema), (thrown) =>
    isRefusal(thrown, expected),
  );
  assert.equal(await witness(session), before);
}

/** Expects that `r.name` is not refused, and that nothing was written. */
export async function accepted(
  session: Session,
  name: string,
  options: Partial<RefusalOptions> = {},
): Promise<void> {
  const before = await witness(session);
  await checkAll(session, name, { ...ALLOWED, ...options });
  assert.equal(await witness(session), before);
}
