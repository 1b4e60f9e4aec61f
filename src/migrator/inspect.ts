import { messageOf, Refusal } from '../base/errors.ts';
import { checkAlter } from '../core/alter/check.ts';
import { type Alter, parseAlter } from '../core/alter/clauses.ts';
import { artifactNames } from '../core/names.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { endStatementsOn } from '../mysql/checkpoint-quiet.ts';
import { type Inspection, inspectOriginal } from '../mysql/inspector/inspection.ts';
import { refuseLockedRename } from '../mysql/inspector/locked-rename.ts';
import { checkPrivileges } from '../mysql/inspector/privileges.ts';
import { refusal } from '../mysql/inspector/refusal.ts';
import {
  refuseArtifacts,
  refuseKind,
  refusePrivileges,
  refuseServer,
  refuseTable,
} from '../mysql/inspector/refusals.ts';
import { switchOnLockInstrument } from '../mysql/inspector/server-setup.ts';
import { probeServer, type ServerFacts } from '../mysql/server.ts';
import { classify } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import type { Topology } from '../mysql/topology.ts';
import type { MigrationParts } from './config.ts';
import { type Directly, tryDirectly } from './direct.ts';
import { refuseUnfinishedSwap } from './resume.ts';
import { noAlter } from './revert-plan.ts';
import { surveyStreamed } from './streamed-server.ts';
import { streamsElsewhere } from './topology.ts';

/** What is known before anything is touched, and passed every refusal that can be made by then. */
export interface Survey {
  /** Of the server that is written to. */
  readonly facts: ServerFacts;
  /** Of the server whose binlog is read. */
  readonly streamed: ServerFacts;
  readonly original: TableDefinition;
  readonly alter: Alter;
  readonly artifacts: ArtifactRefs;
  readonly inspection: Inspection;
  readonly warnings: readonly string[];
  /** How the server has done the ALTER by itself, so that nothing is left to do; null when it has not. */
  readonly directly: Directly | null;
}

/**
 * Inspects the servers and the original, and refuses by name what cannot be done safely. Where the operator asks for it the
 * server is first let try to do the ALTER by itself.
 * @throws Refusal, with nothing touched (a probe table for the privileges came and went).
 */
export async function survey(
  session: Session,
  parts: MigrationParts,
  topology: Topology,
  signal: AbortSignal,
): Promise<Survey> {
  const { config, clock } = parts;
  const names = (table: string) => artifactNames(table, config.names);
  const facts = await withLocksShown(session, topology.applied.facts, parts);
  const streamed = topology.inspected.facts;
  refuseServer({ topology, how: config.topology, schema: config.table.schema }, config.refusals);
  // A dead run may have left a RENAME that is still waiting: what is looked at from here on stays as it is.
  await endStatementsOn(session, [refsOf(config.table, names(config.table.name)).ghost], clock);
  const what = { ref: config.table, facts, artifacts: names(config.table.name), clock };
  let inspection = await inspectOriginal(session, what);
  if (inspection.ref.name !== config.table.name) {
    // The server spells the name in another way: the artifacts go by its spelling.
    inspection = await inspectOriginal(session, {
      ...what,
      ref: inspection.ref,
      artifacts: names(inspection.ref.name),
    });
  }
  refuseKind(inspection, config.refusals);
  const original = inspection.definition;
  if (!original) throw new Refusal('not-found', `the table ${config.table.name} cannot be read`);
  const foreignKeys = inspection.foreignKeys.own.map(({ name }) => name);
  const server = { mariadb: facts.flavor === 'mariadb', version: versionNumber(facts.version) };
  const reverts = config.names.revertOf !== undefined;
  const alter = reverts ? noAlter : parseAlter(config.alter, { foreignKeys, server });
  const artifacts = refsOf(original.ref, names(original.ref.name));
  const probe = { ...artifacts.changelog, name: artifacts.changelog.name.replace(/ghc$/, 'ghp') };
  const warnings: string[] = [];
  const found: Survey = { facts, streamed, original, alter, artifacts, inspection, warnings, directly: null };
  // A test leaves the table as it was.
  const directly =
    config.topology.testOnly || reverts
      ? null
      : await tryDirectly({ session, found, parts, scratch: probe, signal });
  if (directly !== null) return { ...found, directly };
  refuseTable(inspection, facts, config.refusals);
  if (!reverts) warnings.push(...checkAlter(alter, config));
  if (!config.refusals.resume && !reverts) await refuseUnfinishedSwap(session, found);
  // What a revert finds is judged by its checkpoint.
  refuseArtifacts(inspection, { ...config.refusals, resume: config.refusals.resume || reverts });
  await surveyStreamed(parts, streamed, original);
  const streams = !streamsElsewhere(config);
  const report = await checkPrivileges(session, { original: original.ref, probe, facts, streams }).catch(
    refuseReadOnly,
  );
  refusePrivileges(report);
  if (config.cutOver.kind === 'locked-rename') await refuseLockedRename(session, probe, artifacts.sentry);
  if (!inspection.foreignKeys.complete) {
    warnings.push(
      'foreign keys of schemas that this account may not see cannot be looked for (PROCESS is missing)',
    );
  }
  for (const { privilege, purpose } of report.missing)
    warnings.push(`the account lacks ${privilege}: ${purpose}`);
  return found;
}

/** A replica as a rule is read-only: who migrates on it must be allowed to write all the same. */
function refuseReadOnly(error: unknown): never {
  if (classify(error) !== 'read-only') throw error;
  throw refusal(
    'read-only',
    `The server is read-only, for this account too: ${messageOf(error)}.`,
    'Grant CONNECTION_ADMIN (MariaDB: READ_ONLY ADMIN) or set read_only=OFF; super_read_only must be OFF.',
  );
}

async function withLocksShown(
  session: Session,
  facts: ServerFacts,
  { config, log }: MigrationParts,
): Promise<ServerFacts> {
  if (!config.setUpInstruments || facts.lockSource === 'performance-schema') return facts;
  const why = await switchOnLockInstrument(session);
  if (why !== null) log.warn({}, `metadata locks cannot be made visible: ${why}`);
  return why === null ? await probeServer(session) : facts;
}

function refsOf(original: TableRef, names: ReturnType<typeof artifactNames>): ArtifactRefs {
  const ref = (name: string): TableRef => ({ schema: original.schema, name });
  return {
    ghost: ref(names.ghost),
    changelog: ref(names.changelog),
    old: ref(names.old),
    sentry: ref(names.sentry),
    checkpoint: ref(names.checkpoint),
  };
}

/** `9.7.4` as executable comments count: 90704. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = (/\d+\.\d+\.\d+/.exec(version)?.[0] ?? '').split('.').map(Number);
  return major * 10_000 + minor * 100 + patch;
}
