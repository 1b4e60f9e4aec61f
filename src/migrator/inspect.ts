import { messageOf, Refusal } from '../base/errors.ts';
import { Refusals } from '../base/refusals.ts';
import { checkAlter } from '../core/alter/check.ts';
import { type Alter, parseAlter } from '../core/alter/clauses.ts';
import { artifactNames } from '../core/names.ts';
import type { TableDefinition } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { endStatementsOn } from '../mysql/checkpoint-quiet.ts';
import { type Inspection, type InspectWhat, inspectOriginal } from '../mysql/inspector/inspection.ts';
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
import { scratchOf } from '../mysql/scratch.ts';
import { probeServer, type ServerFacts } from '../mysql/server.ts';
import { classify } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import type { Topology } from '../mysql/topology.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';
import { type Directly, tryDirectly } from './direct.ts';
import { judgeRemains, refuseUnfinishedSwap } from './resume.ts';
import { noAlter } from './revert-plan.ts';
import { surveyStreamed } from './streamed-server.ts';
import { streamsElsewhere } from './topology.ts';
import { judgeOnTwin } from './twin.ts';

/** What is known before anything is touched. */
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
  /** All that stands in the way: with any of them nothing may be begun. */
  readonly blockers: Refusals;
  /** How the server has done the ALTER by itself, so that nothing is left to do; null when it has not. */
  readonly directly: Directly | null;
}

/**
 * Inspects the servers and the original, and finds by name all that cannot be done safely. Where the operator asks for it the
 * server is first let try to do the ALTER by itself.
 * @throws Refusal where there is no such table to look at any closer; with nothing touched (a probe table for the privileges
 *   came and went).
 */
export async function survey(
  session: Session,
  parts: MigrationParts,
  topology: Topology,
  signal: AbortSignal,
): Promise<Survey> {
  const { config, clock } = parts;
  const blockers = new Refusals();
  const facts = await withLocksShown(session, topology.applied.facts, parts);
  const streamed = topology.inspected.facts;
  const question = { topology, how: config.topology, schema: config.table.schema };
  blockers.judge(() => refuseServer(question, config.refusals));
  const unfit = blockers.found.length > 0;
  // A dead run may have left a RENAME that is still waiting: what is looked at from here on stays as it is.
  if (!unfit) {
    const { ghost, changelog } = artifactRefs(config, config.table);
    await endStatementsOn(session, [ghost, scratchOf(changelog).twin], clock);
  }
  const inspection = await inspectAsSpelled(session, { ref: config.table, facts, clock }, config);
  blockers.judge(() => refuseKind(inspection, config.refusals));
  const original = inspection.definition;
  if (inspection.kind !== 'table' || !original) blockers.throwIfAny();
  if (!original) throw new Refusal('not-found', `the table ${config.table.name} cannot be read`);
  const foreignKeys = inspection.foreignKeys.own.map(({ name }) => name);
  const server = { mariadb: facts.flavor === 'mariadb', version: versionNumber(facts.version) };
  const reverts = config.names.revertOf !== undefined;
  const alter = reverts ? noAlter : parseAlter(config.alter, { foreignKeys, server });
  const artifacts = artifactRefs(config, original.ref);
  const found = { facts, streamed, original, alter, artifacts, inspection, warnings: [], blockers };
  // A test leaves the table as it was.
  const directly =
    config.topology.testOnly || reverts || blockers.found.length > 0
      ? null
      : await tryDirectly({
          session,
          found: { ...found, directly: null },
          parts,
          signal,
          scratch: scratchOf(artifacts.changelog).probe,
        });
  if (directly !== null) return { ...found, directly };
  const warnings = await judge(session, { ...found, directly }, parts);
  return { ...found, directly, warnings };
}

/** Judges what was found, into its blockers. @returns warnings. */
async function judge(session: Session, found: Survey, parts: MigrationParts): Promise<readonly string[]> {
  const { config } = parts;
  const { blockers, inspection, facts, alter } = found;
  const unfit = blockers.found.some(({ code }) => code !== 'allow-on-master');
  const reverts = config.names.revertOf !== undefined;
  const warnings: string[] = [];
  blockers.judge(() => refuseTable(inspection, facts, config.refusals));
  const checked = reverts ? undefined : blockers.judge(() => checkAlter(alter, config));
  warnings.push(...(checked ?? []));
  if (!config.refusals.resume && !reverts)
    await blockers.judgeAsync(() => refuseUnfinishedSwap(session, found));
  // What a revert finds is judged by its checkpoint.
  blockers.judge(() =>
    refuseArtifacts(inspection, { ...config.refusals, resume: config.refusals.resume || reverts }),
  );
  await blockers.judgeAsync(() => surveyStreamed(parts, found.streamed, found.original));
  // On a server that may not be written to nothing is tried; nor where replicas could not do what is tried, and would stop.
  const untouchable = unfit || blockers.found.some(({ code }) => code === 'columns-differ');
  const tried = untouchable ? null : await tryOut(session, found, parts);
  warnings.push(...(tried ?? []));
  if (blockers.found.length === 0 || reverts || checked === undefined) return warnings;
  // What is looked at once there are no blockers is looked at now, so that they are all told at once.
  if (config.refusals.resume) await blockers.judgeAsync(() => judgeRemains(session, found, parts));
  else if (tried !== null) await judgeOnTwin(session, found, parts);
  return warnings;
}

/**
 * Finds out by doing it on a table of ours what the account may do.
 * @returns warnings; null where that table could not be made.
 */
async function tryOut(
  session: Session,
  found: Survey,
  { config }: MigrationParts,
): Promise<readonly string[] | null> {
  const { blockers, inspection, facts, original, artifacts } = found;
  const scratch = scratchOf(artifacts.changelog);
  const question = { original: original.ref, scratch, facts, streams: !streamsElsewhere(config) };
  const report = await blockers.judgeAsync(() => checkPrivileges(session, question).catch(refuseReadOnly));
  if (report === undefined) return null;
  blockers.judge(() => refusePrivileges(report));
  const mayTry = report.missing.every(({ required }) => !required);
  if (mayTry && config.cutOver.kind === 'locked-rename')
    await blockers.judgeAsync(() => refuseLockedRename(session, scratch));
  const unseen = inspection.foreignKeys.complete
    ? []
    : ['foreign keys of schemas that this account may not see cannot be looked for (PROCESS is missing)'];
  return [
    ...unseen,
    ...report.missing
      .filter(({ required }) => !required)
      .map(({ privilege, purpose }) => `the account lacks ${privilege}: ${purpose}`),
  ];
}

async function inspectAsSpelled(
  session: Session,
  what: Omit<InspectWhat, 'artifacts'>,
  { names }: MigrationConfig,
): Promise<Inspection> {
  const artifacts = artifactNames(what.ref.name, names);
  const inspection = await inspectOriginal(session, { ...what, artifacts });
  if (inspection.ref.name === what.ref.name) return inspection;
  // The server spells the name in another way: the artifacts go by its spelling.
  const { ref } = inspection;
  return await inspectOriginal(session, { ...what, ref, artifacts: artifactNames(ref.name, names) });
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

function artifactRefs(config: MigrationConfig, original: TableRef): ArtifactRefs {
  const names = artifactNames(original.name, config.names);
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
