import { randomInt } from 'node:crypto';
import { Failure } from '../base/errors.ts';
import { Refusals } from '../base/refusals.ts';
import { barrierSql, readBarrierSql } from '../core/changelog-sql.ts';
import { quoteTable } from '../core/quote.ts';
import type { Column, TableDefinition } from '../core/table.ts';
import { readTableDefinition } from '../mysql/inspector/definition.ts';
import { checkStreamPrivileges } from '../mysql/inspector/privileges.ts';
import { refusal } from '../mysql/inspector/refusal.ts';
import { refusePrivileges } from '../mysql/inspector/refusals.ts';
import { registeredReplicas } from '../mysql/replicas.ts';
import { controlReplication, countReplicas, setRowFormat } from '../mysql/replication-control.ts';
import type { ServerFacts } from '../mysql/server.ts';
import { classify } from '../mysql/server-error.ts';
import type { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { addressOf, streamsElsewhere, withInspected } from './topology.ts';

const pollMs = 100;
const arrivalTimeoutMs = 600_000;
const tellMs = 10_000;

/**
 * Looks at the server whose binlog is read, where it is not the one that is written to: the account, and whether
 * its table is the primary's.
 * @throws Refusal `columns-differ`, `privileges`, `switch-to-rbr`, `replica-server-id`.
 */
export async function surveyStreamed(
  parts: MigrationParts,
  facts: ServerFacts,
  original: TableDefinition,
): Promise<void> {
  const switching = needsSwitch(parts, facts);
  const elsewhere = streamsElsewhere(parts.config);
  const { replicaServerId: readerId } = parts.config;
  if (!switching && !elsewhere && readerId === null) return;
  const refusals = new Refusals();
  await withInspected(parts, async (session) => {
    if (readerId !== null) await refusals.judgeAsync(() => refuseReaderId(session, facts, readerId));
    if (switching) await refusals.judgeAsync(() => refuseSwitch(session, facts));
    if (!elsewhere) return;
    const report = await checkStreamPrivileges(session, { original: original.ref, facts });
    refusals.judge(() => refusePrivileges(report));
    const copy = await readTableDefinition(session, original.ref);
    const why = copy === null ? 'it has no such table' : differing(original.columns, copy.columns);
    if (why === null) return;
    refusals.add(
      refusal(
        'columns-differ',
        `The table ${quoteTable(original.ref)} on ${addressOf(parts.config.inspected)} is not that of ` +
          `${addressOf(parts.config.connection)}: ${why}.`,
        'If an ALTER has not reached the replica yet, wait for it; otherwise point --host at a faithful replica.',
      ),
    );
  });
  refusals.throwIfAny();
}

/** What differs, in words. Row images are read by the places and types of columns. */
function differing(ours: readonly Column[], copies: readonly Column[]): string | null {
  if (ours.length !== copies.length) return `${copies.length} columns there, ${ours.length} here`;
  const shape = ({ name, columnType, charset }: Column): string =>
    `${name} ${columnType} ${charset ?? ''}`.trim();
  const at = ours.findIndex((column, i) => shape(column) !== shape(copies[i]!));
  return at < 0 ? null : `column ${at + 1} is ${shape(copies[at]!)} there, ${shape(ours[at]!)} here`;
}

function needsSwitch({ config }: MigrationParts, facts: ServerFacts): boolean {
  return config.topology.switchToRbr && facts.binlogFormat !== 'ROW';
}

/** MariaDB would push the replica out, again and again. */
async function refuseReaderId(session: Session, facts: ServerFacts, id: number): Promise<void> {
  // Who may not ask is told so by the check of the privileges.
  const replicas = await registeredReplicas(session).catch((error: unknown) => {
    if (classify(error) === 'privilege') return [];
    throw error;
  });
  const replica = replicas.find(({ serverId }) => serverId === id);
  if (replica === undefined && facts.serverId !== id) return;
  const whose =
    replica === undefined ? 'is its own' : `is that of its replica ${replica.addresses.join(' or ')}`;
  throw refusal(
    'replica-server-id',
    `--replica-server-id=${id}: this server id, by which the binlog of ${facts.hostname}:${facts.port} would be read, ${whose}.`,
    'Give one that no server and no other run has, or leave the option out: then a free one is picked.',
  );
}

async function refuseSwitch(session: Session, { hostname, port }: ServerFacts): Promise<void> {
  const replicas = await countReplicas(session);
  if (replicas === 0) return;
  throw refusal(
    'switch-to-rbr',
    `--switch-to-rbr: ${hostname}:${port} has ${replicas} replicas, which would get another format of binlog.`,
    'Set binlog_format=ROW there yourself, or point --host at a replica that has none.',
  );
}

/**
 * Makes the streamed server ready to be read from: its format, and our tables, which must have arrived there before its
 * position is taken. A run that goes on where an earlier one stopped finds them in its stream.
 * @throws Failure when they do not arrive.
 */
export async function prepareStreamed(
  parts: MigrationParts,
  { streamed, artifacts }: Survey,
  writeBarrier: (sql: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { config, log } = parts;
  if (needsSwitch(parts, streamed)) {
    log.warn({}, `binlog_format of ${addressOf(config.inspected)} is set to ROW, and is not set back`);
    await withInspected(parts, (session) => switchFormat(session, streamed));
  }
  if (!streamsElsewhere(config)) return;
  const token = randomInt(2 ** 47);
  await writeBarrier(barrierSql(artifacts.changelog, token));
  await withInspected(
    parts,
    (session) => arrive(session, parts, readBarrierSql(artifacts.changelog, token), signal),
    signal,
  );
}

/** The threads that apply keep the format that they have started with, and MySQL does not change it under them. */
async function switchFormat(session: Session, { flavor, channels }: ServerFacts): Promise<void> {
  const applies = (channels ?? []).some(({ applying }) => applying);
  if (applies) await controlReplication(session, flavor, 'stop');
  try {
    await setRowFormat(session);
  } finally {
    if (applies) await controlReplication(session, flavor, 'start');
  }
}

async function arrive(
  session: Session,
  { config, clock, log }: MigrationParts,
  sql: string,
  signal: AbortSignal,
): Promise<void> {
  const startMs = clock.nowMs();
  for (let toldMs = startMs; ; ) {
    const rows = await session.query(sql, { signal }).catch((error: unknown) => {
      if (classify(error) === 'missing') return [];
      throw error;
    });
    if (rows.length > 0) return;
    const nowMs = clock.nowMs();
    if (nowMs - startMs > arrivalTimeoutMs) {
      throw new Failure(
        `our tables have not arrived on ${addressOf(config.inspected)} within ${arrivalTimeoutMs / 1000} s`,
        {
          hint: 'The original is untouched. Does that server replicate, and is it near its primary? Or point --host at another one.',
        },
      );
    }
    if (nowMs - toldMs > tellMs) {
      log.info({}, `waiting for our tables to arrive on ${addressOf(config.inspected)}`);
      toldMs = nowMs;
    }
    await clock.sleep(pollMs, signal);
  }
}
