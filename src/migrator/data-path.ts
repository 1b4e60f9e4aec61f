import type { Retry } from '../base/retry.ts';
import { Turnstile } from '../base/turnstile.ts';
import { markSql } from '../core/changelog-sql.ts';
import { ChangeSet } from '../core/changeset.ts';
import { makeKeyCodec } from '../core/key-codec.ts';
import { meteredStore } from '../core/meter.ts';
import { ReplaceableStore } from '../core/replaceable-store.ts';
import type { ChangeSink, Subscription } from '../core/stream.ts';
import type { Column } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { Watermark } from '../core/watermark.ts';
import { BinlogStream } from '../mysql/binlog/stream.ts';
import { judgeServerError } from '../mysql/explain.ts';
import type { LateRows } from '../mysql/late-rows.ts';
import type { SessionPool } from '../mysql/pool.ts';
import { Applier } from '../stages/applier.ts';
import { Chunker, type ChunkerOptions, chunkerDefaults } from '../stages/chunker.ts';
import { Conflicts } from '../stages/conflicts.ts';
import { Copier } from '../stages/copier.ts';
import { Heartbeat, type MarkPort } from '../stages/heartbeat.ts';
import type { Pacer } from '../stages/pacer.ts';
import { BacklogWatch } from './backlog.ts';
import type { MigrationParts } from './config.ts';
import { copyWorkersMax } from './copy-workers.ts';
import { planWhileDeferred } from './deferral.ts';
import { type IndexBuild, makeIndexBuild } from './index-build.ts';
import type { Survey } from './inspect.ts';
import { Intake } from './intake.ts';
import { makeLosses } from './losses.ts';
import { makePacer } from './pace.ts';
import type { Plan } from './plan.ts';
import { openPools } from './pools.ts';
import type { Beginning, ResumePoint } from './resume-begin.ts';
import { Replay } from './resume-replay.ts';
import { makeRetries } from './retries.ts';
import { makeLateRows, makeStore } from './stores.ts';
import type { Throttling } from './throttling.ts';
import { streamsElsewhere } from './topology.ts';
import { makeVerification, type Verification } from './verification.ts';
import { makeVerifier } from './verify.ts';

/** Keys that may wait for their sync. About 150 bytes each; when it is full the stream rests. */
export const changeSetCapacity = 500_000;
/** A mark needs the stream to come by; under a backlog that can take its time. */
const passTimeoutMs = { direct: 30_000, throughReplica: 600_000 } as const;
/** A replica may be started again while we wait: attempts to reach it, up to ten seconds apart. */
const replicaReconnects = 30;
const exclusiveBatchKeys = 5000;
/** Time that a chunk of the copy should take beside others: they wait while a large one is written to the binlog. */
const chunkBesideOthersMs = 100;

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
  /** Tells of keys that become more and more. */
  readonly backlog: BacklogWatch;
  /** Gives the workers of the copy their turns. */
  readonly pacer: Pacer;
  /** Workers that may copy beside each other. */
  readonly copyWorkers: number;
  readonly conflicts: Conflicts;
  readonly turnstile: Turnstile;
  readonly askSessions: SessionPool;
  /** Null where all indexes of the ghost are there from the start. */
  readonly indexBuild: IndexBuild | null;
  /** Null where nothing is verified. */
  readonly verification: Verification | null;
  /** Who receives the stream. */
  readonly sink: ChangeSink;
  /** How many sessions may apply beside each other, at the most. */
  readonly applySessions: number;
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
 * @param signal of the whole run.
 * @param fail ends the migration with an error.
 */
export function buildDataPath(
  { survey, plan, point, checkpoint }: Beginning,
  parts: MigrationParts,
  throttling: Throttling,
  signal: AbortSignal,
  fail: (error: Error) => void,
): DataPath {
  const { config, settings, clock, log } = parts;
  const { original, artifacts } = survey;
  // Keys that only the server can tell apart ('a' and 'A' are one row) must not be synced beside each other (I4).
  const applySessions = plan.codec.comparable ? config.applySessions : 1;
  const pools = openPools(survey, plan, parts, applySessions);
  const { retry, copyRetry } = makeRetries(parts, signal);
  const stream = makeStream(survey, parts);
  const watermark = makeWatermark(plan, point);
  const changes = new ChangeSet(watermark, { capacity: changeSetCapacity });
  const turnstile = new Turnstile();
  const pacer = makePacer(parts, {
    ...{ throttling, pools: Object.values(pools), changes },
    streamLagMs: () => heartbeat.streamLagMs,
    changesReceived: () => intake.rows,
  });
  const marks = markPort(pools.mark, artifacts.changelog, retry, pacer, signal);
  const heartbeat: Heartbeat = new Heartbeat(marks, changes, clock, point?.lastMark);
  const losses = makeLosses(plan, log);
  const tools = { ...pools, writer: losses.writer, flavor: survey.facts.flavor, clock };
  const makeGhostStore = (by: Plan) =>
    meteredStore(makeStore(original.ref, artifacts.ghost, by, tools), parts.meter, clock);
  const store = new ReplaceableStore(makeGhostStore(planWhileDeferred(survey, plan, parts)));
  const conflicts = new Conflicts(store, changes, heartbeat, turnstile, {
    attempts: config.retries,
    passTimeoutMs: streamsElsewhere(config) ? passTimeoutMs.throughReplica : passTimeoutMs.direct,
    addedUniqueness: plan.uniqueness === 'added',
    batchKeys: exclusiveBatchKeys,
  });
  const chunker = new Chunker(store, watermark, settings, chunkSizing(parts, point, pacer));
  const shared = {
    ...{ store, changes, watermark, conflicts, turnstile, retry },
    ...{ visibility: heartbeat, gate: throttling.bulk },
  };
  const intake: Intake = new Intake({
    ...{ original: original.ref, ghost: artifacts.ghost, changes, stream, fail, log },
    marked: (row) => heartbeat.marked(row),
    replay: point ? new Replay(point.lastMark, original.ref, artifacts, plan.deferred) : undefined,
  });
  const newTable = newTableSubscription(plan, original.ref, survey.facts.flavor);
  const around = { ...shared, sessions: pools.verify, checkpoint };
  const verification = makeVerification(makeVerifier(survey, plan, parts, around, point), parts);
  const heedUniqueKeys = (): void => store.replace(makeGhostStore(plan));
  const stage = { ...shared, heedUniqueKeys, attempts: config.retries };
  const indexBuild = makeIndexBuild(survey, plan, parts, { stage, pools, intake });
  const applier = new Applier({ ...shared, clock, gate: throttling, sizing: settings });
  return {
    verification,
    indexBuild,
    sink: verification?.observe(intake) ?? intake,
    ...{ stream, watermark, changes, intake, heartbeat, chunker, conflicts, turnstile, retry, applySessions },
    pacer,
    copyWorkers: copyWorkersMax(survey.facts, plan, config.copyWorkers, pacer.workersMax, log),
    copier: new Copier({ ...shared, pace: pacer, retry: copyRetry, chunks: chunker, clock }),
    applier,
    backlog: new BacklogWatch(parts, plan.codec, { changes, applier, heartbeat, applySessions }),
    askSessions: pools.ask,
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

function chunkSizing(
  { log }: MigrationParts,
  point: ResumePoint | null,
  pacer: Pacer,
): Partial<ChunkerOptions> {
  return {
    rowsStart: point?.chunkRows ?? chunkerDefaults.rowsStart,
    targetMs: () => (pacer.inCompany ? chunkBesideOthersMs : chunkerDefaults.targetMs()),
    onOutrun: (rows) =>
      log.warn({ rows }, `rows are appended as fast as they are copied: chunks are larger now, ${rows} rows`),
  };
}

function makeWatermark(plan: Plan, point: ResumePoint | null): Watermark {
  const watermark = new Watermark(plan.codec);
  if (point?.prefix.complete) watermark.resumeComplete();
  else if (point && point.prefix.low !== null) watermark.resumeAfter(point.prefix.low);
  return watermark;
}

function makeStream({ streamed }: Survey, { config, clock, log }: MigrationParts): BinlogStream {
  const maxReconnects = config.streamReconnectsMax ?? (streamsElsewhere(config) ? replicaReconnects : null);
  return new BinlogStream({
    connection: config.inspected,
    flavor: streamed.flavor,
    ...(maxReconnects === null ? {} : { maxReconnects }),
    gtid: config.gtid,
    clock,
    log,
    ...(config.replicaServerId === null ? {} : { serverId: config.replicaServerId }),
  });
}

/** Marks are idempotent: one whose answer was lost is written again under the same number. */
function markPort(
  pool: SessionPool,
  changelog: TableRef,
  retry: Retry,
  pacer: Pacer,
  signal: AbortSignal,
): MarkPort {
  const write = (sequence: number, atMs: number): Promise<void> =>
    pool
      .use(async (session) => {
        await session.execute(markSql(changelog, sequence, atMs), { signal });
      }, signal)
      .catch((error: unknown) => {
        throw judgeServerError(error);
      });
  return {
    writeMark: (sequence, atMs) => pacer.commit(() => retry('mark', () => write(sequence, atMs), signal)),
  };
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
