import type { Clock } from '../base/clock.ts';
import type { Retry } from '../base/retry.ts';
import { Turnstile } from '../base/turnstile.ts';
import { markSql } from '../core/changelog-sql.ts';
import { ChangeSet } from '../core/changeset.ts';
import type { Gates } from '../core/gate.ts';
import { GhostSql } from '../core/ghost-sql.ts';
import { makeKeyCodec } from '../core/key-codec.ts';
import type { ChangeSink, Subscription } from '../core/stream.ts';
import type { Column } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { Watermark } from '../core/watermark.ts';
import { BinlogStream } from '../mysql/binlog/stream.ts';
import { judgeServerError } from '../mysql/explain.ts';
import { SqlGhostStore } from '../mysql/ghost-store.ts';
import { LateRows } from '../mysql/late-rows.ts';
import type { RowWriter } from '../mysql/lossy-writer.ts';
import { SessionPool } from '../mysql/pool.ts';
import { Applier } from '../stages/applier.ts';
import { Chunker } from '../stages/chunker.ts';
import { Conflicts } from '../stages/conflicts.ts';
import { Copier } from '../stages/copier.ts';
import { Heartbeat, type MarkPort } from '../stages/heartbeat.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { Intake } from './intake.ts';
import { makeLosses } from './losses.ts';
import type { Plan } from './plan.ts';
import type { ResumePoint } from './resume-begin.ts';
import { Replay } from './resume-replay.ts';
import { makeRetries } from './retries.ts';
import { Verification } from './verification.ts';
import { makeVerifier } from './verify.ts';

/** Keys that may wait for their sync. About 150 bytes each; when it is full the stream rests. */
const changeSetCapacity = 500_000;
/** A mark needs the stream to come by; under a backlog that can take its time. */
const passTimeoutMs = 30_000;
const exclusiveBatchKeys = 5000;

/** The running parts between original and ghost, wired. */
export interface DataPath {
  readonly stream: BinlogStream;
  readonly watermark: Watermark;
  readonly changes: ChangeSet;
  readonly intake: Intake;
  readonly heartbeat: Heartbeat;
  readonly chunker: Chunker;
  readonly copier: Copier;
  readonly applier: Applier;
  readonly conflicts: Conflicts;
  readonly turnstile: Turnstile;
  readonly askSessions: SessionPool;
  /** Null where nothing is verified. */
  readonly verification: Verification | null;
  /** Who receives the stream. */
  readonly sink: ChangeSink;
  /** How many sessions may apply beside each other. */
  readonly applySessions: number;
  /** An earlier run is continued. */
  readonly resumed: boolean;
  /** Rows that earlier runs have copied. */
  readonly rowsBefore: number;
  /** For what slipped into the old table (I7). */
  readonly lateRows: LateRows;
  readonly retry: Retry;
  /** Aborted when the tables are swapped: the applier must never run again. */
  readonly retired: AbortController;
  /** Our RENAME may come in the stream from now on: behind it the original's name means the new table (I7). */
  expectSwap(): void;
  /** False where changes of the new table cannot be told by the same keys: then nothing is carried over after the swap. */
  readonly followsNewTable: boolean;
  close(): Promise<void>;
}

/**
 * Wires the data path; nothing runs yet.
 * @param point where an earlier run is continued; null for a migration that begins.
 * @param signal of the whole run.
 * @param fail ends the migration with an error.
 */
export function buildDataPath(
  survey: Survey,
  plan: Plan,
  point: ResumePoint | null,
  parts: MigrationParts,
  gates: Gates,
  signal: AbortSignal,
  fail: (error: Error) => void,
): DataPath {
  const { config, settings, clock, log } = parts;
  const { original, artifacts } = survey;
  // Keys that only the server can tell apart ('a' and 'A' are one row) must not be synced beside each other (I4).
  const applySessions = plan.codec.comparable ? config.applySessions : 1;
  const pools = openPools(plan, parts, applySessions);
  const { retry, copyRetry } = makeRetries(parts, signal);
  const stream = makeStream(survey, parts);
  const watermark = makeWatermark(plan, point);
  const changes = new ChangeSet(watermark, { capacity: changeSetCapacity });
  const turnstile = new Turnstile();
  const marks = markPort(pools.mark, artifacts.changelog, retry, signal);
  const heartbeat = new Heartbeat(marks, changes, clock, point?.lastMark);
  const losses = makeLosses(plan, log);
  const tools = { ...pools, writer: losses.writer, flavor: survey.facts.flavor, clock };
  const store = makeStore(original.ref, artifacts.ghost, plan, tools);
  const conflicts = new Conflicts(store, changes, heartbeat, turnstile, {
    attempts: config.retries,
    passTimeoutMs,
    addedUniqueness: plan.uniqueness === 'added',
    batchKeys: exclusiveBatchKeys,
  });
  const chunker = new Chunker(store, watermark, settings, point ? { rowsStart: point.chunkRows } : {});
  const shared = {
    store,
    changes,
    watermark,
    visibility: heartbeat,
    conflicts,
    turnstile,
    gate: gates.bulk,
    retry,
  };
  const intake = new Intake({
    ...{ original: original.ref, ghost: artifacts.ghost, changes, stream, fail, log },
    marked: (row) => heartbeat.marked(row),
    replay: point ? new Replay(point.lastMark, artifacts) : undefined,
  });
  const newTable = newTableSubscription(plan, original.ref, survey.facts.flavor);
  const verifier = makeVerifier(survey, plan, parts, { ...shared, sessions: pools.verify });
  const verification = verifier && new Verification(verifier, parts);
  return {
    verification,
    sink: verification?.observe(intake) ?? intake,
    ...{ stream, watermark, changes, intake, heartbeat, chunker, conflicts, turnstile, retry, applySessions },
    copier: new Copier({ ...shared, retry: copyRetry, chunks: chunker, clock }),
    applier: new Applier({ ...shared, gate: gates, sizing: settings }),
    askSessions: pools.ask,
    resumed: point !== null,
    rowsBefore: point?.rowsCopied ?? 0,
    retired: new AbortController(),
    expectSwap: () => intake.expectSwap(() => stream.subscribe(original.ref, newTable)),
    followsNewTable: newTable !== null,
    lateRows: makeLateRows(artifacts.old, original.ref, plan, { ...pools, writer: losses.writer }),
    close: async () => {
      losses.report();
      await Promise.all(Object.values(pools).map((pool) => pool.close()));
    },
  };
}

function makeWatermark(plan: Plan, point: ResumePoint | null): Watermark {
  const watermark = new Watermark(plan.codec);
  if (point?.prefix.complete) watermark.resumeComplete();
  else if (point && point.prefix.low !== null) watermark.resumeAfter(point.prefix.low);
  return watermark;
}

/** Sessions by what they are for: none waits for another kind. */
interface Pools {
  readonly copy: SessionPool;
  readonly sync: SessionPool;
  readonly ask: SessionPool;
  readonly mark: SessionPool;
  readonly verify: SessionPool;
}

/**
 * How long a statement may take before its connection counts as dead, ms. A retry is safe: the old statement is seen to end
 * first. Copy and comparison of a chunk may be slow; a sync waits for row locks at the most.
 */
const statementMs = { copy: 1_800_000, sync: 60_000, ask: 120_000, mark: 60_000, verify: 600_000 } as const;

function openPools(plan: Plan, { config, clock }: MigrationParts, applySessions: number): Pools {
  const pool = (name: string, size: number, statementTimeoutMs: number): SessionPool =>
    new SessionPool(config.connection, {
      name,
      size,
      profile: { ...plan.profile, statementTimeoutMs },
      clock,
    });
  return {
    copy: pool('copier', config.copyWorkers, statementMs.copy),
    sync: pool('applier', applySessions, statementMs.sync),
    ask: pool('questions', 3, statementMs.ask),
    mark: pool('heartbeat', 1, statementMs.mark),
    // One more for the rows that are looked at again.
    verify: pool('verifier', config.verify.workers + 1, statementMs.verify),
  };
}

function makeStream({ facts }: Survey, { config, clock, log }: MigrationParts): BinlogStream {
  return new BinlogStream({
    connection: config.connection,
    flavor: facts.flavor,
    gtid: config.gtid,
    clock,
    log,
    ...(config.replicaServerId === null ? {} : { serverId: config.replicaServerId }),
  });
}

/** A mark that is not answered in this time is written again on another connection: all that goes on waits for it. */
const markTimeoutMs = 15_000;

/** Marks are idempotent: one whose answer was lost is written again under the same number. */
function markPort(pool: SessionPool, changelog: TableRef, retry: Retry, signal: AbortSignal): MarkPort {
  const write = (sequence: number, atMs: number): Promise<void> =>
    pool
      .use(async (session) => {
        await session.execute(markSql(changelog, sequence, atMs), { timeoutMs: markTimeoutMs, signal });
      }, signal)
      .catch((error: unknown) => {
        throw judgeServerError(error);
      });
  return { writeMark: (sequence, atMs) => retry('mark', () => write(sequence, atMs), signal) };
}

/** What a store works with besides the plan. */
interface StoreTools extends Pools {
  readonly writer: RowWriter;
  readonly flavor: 'mysql' | 'mariadb';
  readonly clock: Clock;
}

function makeStore(from: TableRef, to: TableRef, plan: Plan, tools: StoreTools): SqlGhostStore {
  const common = {
    original: from,
    ghost: to,
    shared: plan.mapping.shared,
    filled: plan.filled,
    copied: plan.copied,
  };
  const codecs = { codec: plan.codec, ghostCodec: plan.ghostCodec };
  return new SqlGhostStore({
    sql: new GhostSql({ ...common, ...codecs, keyName: plan.key.key.name, keysMayMerge: plan.key.mayMerge }),
    codec: plan.codec,
    ghostName: to.name,
    uniqueness: plan.uniqueness,
    ghostColumns: new Set(plan.ghost.columns.map(({ name }) => name)),
    sameOrder: plan.key.sameComparison,
    copySessions: tools.copy,
    syncSessions: tools.sync,
    askSessions: tools.ask,
    collision: {
      ...{ ...common, ...codecs, addedKeys: plan.key.addedUnique },
      uniqueKeys: plan.ghost.indexes.filter(({ unique }) => unique),
      counted: plan.ghost.columns.find(({ autoIncrement }) => autoIncrement)?.name ?? null,
    },
    writer: tools.writer,
    flavor: tools.flavor,
    clock: tools.clock,
  });
}

function makeLateRows(
  old: TableRef,
  newTable: TableRef,
  plan: Plan,
  tools: Pick<StoreTools, 'sync' | 'writer'>,
): LateRows {
  const { codec, ghostCodec, filled, copied, mapping } = plan;
  const common = {
    original: old,
    ghost: newTable,
    shared: mapping.shared,
    filled,
    copied,
    codec,
    ghostCodec,
  };
  const sql = new GhostSql({ ...common, keyName: plan.key.key.name, keysMayMerge: plan.key.mayMerge });
  return new LateRows({ sql, newName: newTable.name, sessions: tools.sync, writer: tools.writer });
}

/** How the new table is followed under the original's name; null where its keys would not be the same keys to us. */
function newTableSubscription(plan: Plan, name: TableRef, flavor: 'mysql' | 'mariadb'): Subscription | null {
  const alike = plan.key.columns.every((column, i) => sameKeys(column, plan.key.ghostColumns[i]!));
  if (!alike) return null;
  const { key, ghost } = plan;
  const codec = makeKeyCodec(key.ghostColumns, {
    flavor,
    timestampZone: 'utc',
    sameComparison: key.sameComparison,
  });
  return { role: 'new', definition: { ...ghost, ref: name }, codec };
}

/** Whether two columns carry equal values in equal bytes. */
function sameKeys(a: Column, b: Column): boolean {
  return a.columnType === b.columnType && a.charset === b.charset && a.collation === b.collation;
}
