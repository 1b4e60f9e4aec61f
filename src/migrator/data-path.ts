import { makeRetry, type Retry } from '../base/retry.ts';
import { Turnstile } from '../base/turnstile.ts';
import { markSql } from '../core/changelog-sql.ts';
import { ChangeSet } from '../core/changeset.ts';
import type { Gate } from '../core/gate.ts';
import { GhostSql } from '../core/ghost-sql.ts';
import { makeKeyCodec } from '../core/key-codec.ts';
import type { Subscription } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import { Watermark } from '../core/watermark.ts';
import { BinlogStream } from '../mysql/binlog/stream.ts';
import { SqlGhostStore } from '../mysql/ghost-store.ts';
import { SessionPool } from '../mysql/pool.ts';
import type { SessionProfile } from '../mysql/profile.ts';
import { Applier } from '../stages/applier.ts';
import { Chunker } from '../stages/chunker.ts';
import { Conflicts } from '../stages/conflicts.ts';
import { Copier } from '../stages/copier.ts';
import { Heartbeat } from '../stages/heartbeat.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { Intake } from './intake.ts';
import type { Plan } from './plan.ts';

/** Keys that may wait for their sync. About 150 bytes each; when it is full the stream rests. */
const changeSetCapacity = 500_000;
/** A mark needs the stream to come by; under a backlog that can take its time. */
const passTimeoutMs = 600_000;
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
  /** The old table as original, the new one as ghost: for what slipped in (I7). */
  readonly lateStore: SqlGhostStore;
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
  survey: Survey,
  plan: Plan,
  parts: MigrationParts,
  gate: Gate,
  signal: AbortSignal,
  fail: (error: Error) => void,
): DataPath {
  const { config, settings, clock, log } = parts;
  const { original, artifacts, facts } = survey;
  const pool = (name: string, size: number, profile: SessionProfile = plan.profile): SessionPool =>
    new SessionPool(config.connection, { name, size, profile, clock });
  const pools = {
    copy: pool('copier', config.copyWorkers),
    sync: pool('applier', config.applySessions),
    ask: pool('questions', 3),
    mark: pool('heartbeat', 1),
  };
  const retry = makeRetry(clock, {
    attempts: config.retries,
    delayMs: 50,
    delayMsMax: 5000,
    onRetry: (what, attempt, error) => log.warn({ attempt, error: error.message }, `${what} is tried again`),
  });
  const stream = new BinlogStream({
    connection: config.connection,
    flavor: facts.flavor,
    gtid: config.gtid,
    clock,
    log,
    ...(config.replicaServerId === null ? {} : { serverId: config.replicaServerId }),
  });
  const watermark = new Watermark(plan.codec);
  const changes = new ChangeSet(watermark, { capacity: changeSetCapacity });
  const turnstile = new Turnstile();
  const heartbeat = new Heartbeat(
    {
      writeMark: (sequence, atMs) =>
        retry(
          'mark',
          () =>
            pools.mark.use(async (session) => {
              await session.execute(markSql(artifacts.changelog, sequence, atMs));
            }, signal),
          signal,
        ),
    },
    changes,
    clock,
  );
  const storeOf = (from: typeof original.ref, to: typeof original.ref): SqlGhostStore => {
    const common = { original: from, ghost: to, shared: plan.mapping.shared, filled: plan.filled };
    const codecs = { codec: plan.codec, ghostCodec: plan.ghostCodec };
    return new SqlGhostStore({
      sql: new GhostSql({ ...common, ...codecs, keyName: plan.key.key.name }),
      codec: plan.codec,
      ghostName: to.name,
      uniqueness: plan.uniqueness,
      copySessions: pools.copy,
      syncSessions: pools.sync,
      askSessions: pools.ask,
      collision: { ...common, ...codecs, uniqueKeys: plan.ghost.indexes.filter(({ unique }) => unique) },
      clock,
    });
  };
  const newTable = newTableSubscription(plan, original.ref, facts.flavor);
  const store = storeOf(original.ref, artifacts.ghost);
  const conflicts = new Conflicts(store, changes, heartbeat, turnstile, {
    attempts: config.retries,
    passTimeoutMs,
    addedUniqueness: plan.uniqueness === 'added',
    batchKeys: exclusiveBatchKeys,
  });
  const chunker = new Chunker(store, watermark, settings);
  const shared = { store, changes, watermark, visibility: heartbeat, conflicts, turnstile, gate, retry };
  const copier = new Copier({ ...shared, chunks: chunker, clock });
  const applier = new Applier({ ...shared, sizing: settings });
  const intake = new Intake({
    original: original.ref,
    ghost: artifacts.ghost,
    changes,
    stream,
    marked: (row) => heartbeat.marked(row),
    fail,
    log,
  });
  return {
    ...{
      stream,
      watermark,
      changes,
      intake,
      heartbeat,
      chunker,
      copier,
      applier,
      conflicts,
      turnstile,
      retry,
    },
    askSessions: pools.ask,
    retired: new AbortController(),
    expectSwap: () => intake.expectSwap(() => stream.subscribe(original.ref, newTable)),
    followsNewTable: newTable !== null,
    lateStore: storeOf(artifacts.old, original.ref),
    close: async () => {
      await Promise.all(Object.values(pools).map((each) => each.close()));
    },
  };
}

/** How the new table is followed under the original's name; null where its keys would not be the same keys to us. */
function newTableSubscription(plan: Plan, name: TableRef, flavor: 'mysql' | 'mariadb'): Subscription | null {
  const alike = plan.key.columns.every(
    (column, i) => column.columnType === plan.key.ghostColumns[i]!.columnType,
  );
  if (!alike) return null;
  const { key, ghost } = plan;
  const codec = makeKeyCodec(key.ghostColumns, {
    flavor,
    timestampZone: 'utc',
    sameComparison: key.sameComparison,
  });
  return { role: 'new', definition: { ...ghost, ref: name }, codec };
}
