import { Refusal } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { Session } from '../mysql/session.ts';
import type { CutOverKind } from '../mysql/swap-ways.ts';
import type { MigrationConfig, MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { lookAround, type Outlook } from './outlook.ts';
import type { Plan } from './plan.ts';

const uniquenessTexts = {
  sole: 'the migration key is the only unique key of the new table: changes are applied by REPLACE',
  enforced: 'the new table has other unique keys, which the original enforces too: DELETE and INSERT',
  added: 'the ALTER adds uniqueness: rows that collide under it end the migration and are named',
} as const;

const swapTexts: Readonly<Record<CutOverKind, string>> = {
  atomic: 'swap behind a sentry table',
  'locked-rename': 'swap by one RENAME of locked tables',
  'two-step': 'swap in two steps, between which there is no such table',
};

const algorithmTexts: Readonly<Record<Outlook['algorithm'], string>> = {
  INSTANT: 'instantly (ALGORITHM=INSTANT)',
  NOCOPY: 'in place without a rebuild (ALGORITHM=NOCOPY, LOCK=NONE)',
  INPLACE: 'in place, beside the writers (ALGORITHM=INPLACE, LOCK=NONE); replicas would wait for all of it',
  COPY: 'only by a copy that stops the writers (ALGORITHM=COPY)',
  unknown: 'in a way that could not be found out',
};

/**
 * Data copied a second, bytes: on an idle server with two workers, and beside busy writers or with indexes larger than the
 * buffer pool (measured on two cores, DESIGN 4). For an order of magnitude, no more.
 */
const copyRate = { idle: 40 * 2 ** 20, busy: 7 * 2 ** 20 } as const;
/** More names than this are counted only. */
const namesMax = 50;

/** Prints the plan, and leaves nothing of what was made for it. */
export async function showPlan(
  session: Session,
  found: Survey,
  plan: Plan,
  parts: MigrationParts,
): Promise<void> {
  const outlook = await lookAround(session, found, parts);
  const reverts = parts.config.names.revertOf !== undefined;
  const describe = reverts ? describeRevert : describePlan;
  for (const line of describe(found, plan, outlook, parts.config)) parts.print(line);
}

/** Prints in place of a plan what stands in its way; only where a plan was asked for. @param found null: not even looked at. */
export function showBlockers(error: Error, found: Survey | null, { config, print }: MigrationParts): void {
  if (config.execute || !(error instanceof Refusal)) return;
  const blockers = [error, ...error.also];
  const on = found === null ? '' : ` on ${found.facts.hostname}:${found.facts.port} (${found.facts.version})`;
  const lines = [
    `# No plan for ${quoteTable(found?.original.ref ?? config.table)}${on}: ${blockers.length} blocker${blockers.length === 1 ? '' : 's'}`,
    ...(config.alter === '' ? [] : [`#   alter:           ${config.alter.replace(/\s+/g, ' ')}`]),
    ...(found === null ? [] : [rowsLine(found)]),
    ...blockers.flatMap(({ code, message, hint }) => [
      `#   blocker:         ${code}: ${message}`,
      ...(hint === undefined ? [] : [`#     hint:          ${hint}`]),
    ]),
    ...(found?.warnings ?? []).map((warning) => `#   warning:         ${warning}`),
  ];
  for (const line of lines) print(line);
}

function rowsLine({ original: { rowsEstimate, dataBytes, indexBytes } }: Survey): string {
  return `#   rows:            about ${rowsEstimate}, ${megabytes(dataBytes)} of data, ${megabytes(indexBytes)} of indexes`;
}

/** The plan of a migration, line by line, for a reviewer: what a run without --execute prints. */
function describePlan(survey: Survey, plan: Plan, outlook: Outlook, config: MigrationConfig): string[] {
  const { original, artifacts, alter, facts } = survey;
  const { key, filled } = plan;
  const { dataBytes, indexBytes } = original;
  const columns = key.columns.map(({ name }) => name).join(', ');
  const order = plan.codec.comparable ? 'ordered by us' : 'ordered by the server';
  return [
    `# Plan for ${quoteTable(original.ref)} on ${facts.hostname}:${facts.port} (${facts.version})`,
    `#   alter:           ${alter.text.replace(/\s+/g, ' ')}`,
    `#   strategy:        copy into ${quoteTable(artifacts.ghost)}, follow the binlog, ${swapTexts[config.cutOver.kind]}`,
    `#   the server:      would do it ${algorithmTexts[outlook.algorithm]}, as tried on an empty twin`,
    rowsLine(survey),
    `#   time:            about ${copyTime(dataBytes)}, verification and throttling not counted`,
    `#   extra disk:      about ${megabytes(dataBytes + indexBytes)} until the old table is dropped, ${megabytes(dataBytes)} of binlog`,
    `#   migration key:   ${key.key.name} (${columns}); ${order}; the first of the unique keys that both tables share`,
    `#   applying:        ${uniquenessTexts[plan.uniqueness]}`,
    ...columnLines(plan),
    `#   filled:          ${list(filled.map(({ column, literal }) => `${column} = ${literal}`))}`,
    `#   old table:       ${quoteTable(artifacts.old)}, ${config.okToDropTable ? 'dropped at the end' : 'kept'}`,
    ...surroundings(survey, outlook),
    '# New table:',
    plan.ghost.createSql,
  ];
}

/** The plan of a revert. */
function describeRevert(survey: Survey, plan: Plan, outlook: Outlook, config: MigrationConfig): string[] {
  const { original, artifacts, facts } = survey;
  const { key, uncompared } = plan;
  const [now, old] = [original.ref, artifacts.ghost].map(quoteTable);
  return [
    `# Plan for the revert of ${now} to ${old} on ${facts.hostname}:${facts.port} (${facts.version})`,
    `#   strategy:        bring ${old} up to date from the binlog since the cut-over, ${swapTexts[config.cutOver.kind]}`,
    `#   rows:            about ${original.rowsEstimate}; nothing is copied`,
    `#   migration key:   ${key.key.name} (${key.columns.map(({ name }) => name).join(', ')})`,
    `#   applying:        ${uniquenessTexts[plan.uniqueness]}`,
    ...columnLines(plan),
    `#   not compared:    ${list([...(uncompared ?? [])])}`,
    `#   new table:       ${quoteTable(artifacts.old)}, ${config.okToDropTable ? 'dropped at the end' : 'kept'}`,
    ...surroundings(survey, outlook),
    '# Table after the revert:',
    plan.ghost.createSql,
  ];
}

function columnLines({ mapping, lossy }: Plan): string[] {
  const renamed = mapping.shared.filter(({ from, to }) => from !== to);
  const names = mapping.shared.map(({ to }) => to);
  return [
    `#   columns copied:  ${names.length}${names.length > namesMax ? '' : `: ${list(names)}`}`,
    `#   columns renamed: ${list(renamed.map(({ from, to }) => `${from} -> ${to}`))}`,
    `#   columns dropped: ${list(mapping.dropped)}; added: ${list(mapping.added)}`,
    ...(lossy.size === 0
      ? []
      : [
          `#   columns lossy:   ${list([...lossy])}: values that do not fit are cut or changed, none is verified`,
        ]),
  ];
}

/** What else is there: replicas, what would be in the way, warnings. */
function surroundings({ facts, inspection, warnings }: Survey, outlook: Outlook): string[] {
  const { holders, controlReplicas, replicas } = outlook;
  const sources = facts.channels?.map(({ sourceHost, sourcePort }) => `${sourceHost}:${sourcePort}`) ?? [];
  const discarded = inspection.foreignKeys.own.map(({ name }) => name);
  return [
    `#   replicas:        ${replicas === null ? 'not known: REPLICATION SLAVE is missing' : list(replicas)}`,
    ...controlReplicas.map((replica) => `#   control replica: ${replica}`),
    ...sources.map((source) => `#   replicates from: ${source}`),
    ...discarded.map((name) => `#   foreign key:     ${name} will not be there in the new table`),
    ...inspection.triggers.map(
      ({ name, timing, event }) => `#   trigger:         ${name} ${timing} ${event}`,
    ),
    ...holders.map((holder) => `#   blocker:         a transaction would hold up the cut-over: ${holder}`),
    ...(holders.length === 0 ? ['#   blockers:        none'] : []),
    ...warnings.map((warning) => `#   warning:         ${warning}`),
  ];
}

function list(names: readonly string[]): string {
  return names.length === 0 ? '-' : names.join(', ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function copyTime(bytes: number): string {
  const [quick, slow] = [duration(bytes / copyRate.idle), duration(bytes / copyRate.busy)];
  return quick === slow ? quick : `${quick} (idle) to ${slow} (busy)`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
