import type { Retry } from '../base/retry.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import { hashOf, isNothing, type VerifiedState } from '../core/checkpoint.ts';
import { type ComparedColumn, compareColumns } from '../core/comparison.ts';
import { ComparisonSql } from '../core/comparison-sql.ts';
import type { Gate } from '../core/gate.ts';
import type { Column, TableDefinition } from '../core/table.ts';
import type { VerifiedBefore } from '../core/verify-report.ts';
import type { VerifyChunks } from '../core/verify-store.ts';
import type { Visibility } from '../core/visibility.ts';
import { type KeyOrder, Watermark } from '../core/watermark.ts';
import type { SessionPool } from '../mysql/pool.ts';
import { SqlVerifyStore } from '../mysql/verify-store.ts';
import { Chunker, type ChunkerStore } from '../stages/chunker.ts';
import { Verifier } from '../stages/verifier.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';
import type { ResumePoint } from './resume-begin.ts';

/** Chunks of the comparison: two reads a row, without writes, so larger than those of the copy. */
const chunkSizing = { targetMs: () => 250, rowsStart: 2000, rowsMin: 100, rowsMax: 50_000 };

/** What a verifier shares with the rest of the data path. */
export interface VerifySurroundings {
  readonly store: ChunkerStore;
  readonly changes: ChangeSet;
  readonly visibility: Visibility;
  readonly turnstile: Turnstile;
  readonly gate: Gate;
  readonly retry: Retry;
  readonly sessions: SessionPool;
  readonly checkpoint: Pick<Checkpoint, 'writeNow'>;
}

/** What of a migration can be compared, and why the rest cannot. */
export interface Comparability {
  readonly columns: readonly ComparedColumn[];
  /** Names of columns that are copied and cannot be compared. */
  readonly leftOut: readonly string[];
  /** Why nothing can be compared; null where it can. */
  readonly obstacle: string | null;
}

/** Finds out which of the copied columns can be compared. */
export function comparabilityOf(original: TableDefinition, plan: Plan): Comparability {
  const columns: ComparedColumn[] = [];
  const leftOut: string[] = [];
  const column = (table: TableDefinition, name: string): Column =>
    table.columns.find((each) => each.name === name)!;
  for (const { from, to } of plan.mapping.shared) {
    const compared = compareColumns(column(original, from), column(plan.ghost, to));
    // What may lose data is no copy.
    if (compared === null || plan.lossy.has(to) || plan.uncompared?.has(to)) leftOut.push(from);
    else columns.push(compared);
  }
  // A key that loses trailing spaces on its way is not the same key to us on both sides.
  const trimmed = plan.key.columns.find(
    (from, i) => from.dataType === 'varchar' && plan.key.ghostColumns[i]!.dataType === 'char',
  );
  const obstacle = trimmed ? `key column ${trimmed.name} is converted from VARCHAR to CHAR` : null;
  return { columns, leftOut, obstacle };
}

/** A verifier, and what tells whether another one compares the same. */
export interface MadeVerifier {
  readonly verifier: Verifier;
  /** Fingerprint of what is compared, and how. */
  readonly comparison: string;
}

/**
 * Wires the verifier; null where the operator wants none, or nothing can be compared, which the log then
 * says.
 * @param point where an earlier run is continued; the stream is read from the position of its claim.
 */
export function makeVerifier(
  survey: Survey,
  plan: Plan,
  { config, clock, log }: MigrationParts,
  { store, sessions, checkpoint, ...shared }: VerifySurroundings,
  point: Pick<ResumePoint, 'verified' | 'rowsCopied'> | null,
): MadeVerifier | null {
  const { original, artifacts } = survey;
  if (config.verify.percent <= 0) return null;
  const { columns, leftOut, obstacle } = comparabilityOf(original, plan);
  if (obstacle !== null) {
    log.warn({}, `the ghost table cannot be verified: ${obstacle}`);
    return null;
  }
  if (leftOut.length > 0) log.warn({ columns: leftOut }, `cannot be verified: ${leftOut.join(', ')}`);
  const { key, codec, ghostCodec } = plan;
  const ghostRanges = key.ghostColumns.every(({ name }, i) => key.ghostIndex.parts[i]?.column === name);
  if (!ghostRanges)
    log.warn({}, 'rows that only the ghost has will not be looked for: its key is in another order');
  const { schema } = artifacts.ghost;
  const sql = new ComparisonSql({
    original: original.ref,
    ghost: artifacts.ghost,
    probe: { schema, name: '_poltergeist_probe_verify' },
    ...{ columns, ghostRanges, codec, ghostCodec },
    keyName: key.key.name,
    ghostIndexName: key.ghostIndex.name,
  });
  const compared = new Set(columns.map(({ to }) => to.name));
  const canProbe = key.ghostColumns.every(({ name }) => compared.has(name));
  const { percent } = config.verify;
  const comparison = hashOf(`${percent} ${sql.aggregate({ after: null, upTo: null })}`);
  const verifyStore = new SqlVerifyStore({ sql, codec, sessions, canProbe });
  const claimed = claimOf(point?.verified ?? null, comparison, log);
  const goesOn = claimed?.covered ?? null;
  // Columns whose expressions the earlier run found to be inexact.
  const inexact = goesOn ? point!.verified!.leftOut.filter((name) => !leftOut.includes(name)) : [];
  for (const column of inexact) verifyStore.leaveOut(column);
  if (goesOn) tellGoesOn(goesOn.compared.rows, (point!.rowsCopied * percent) / 100, log);
  const verifier = new Verifier(
    {
      ...shared,
      ...{ clock, log, leftOut: [...leftOut, ...inexact], order: codec },
      store: verifyStore,
      record: (signal) => checkpoint.writeNow(signal),
      chunks: chunksOf(store, codec),
      describe: (each) => {
        const literals = codec.literals(each);
        return codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
      },
    },
    { percent },
    claimed,
  );
  return { verifier, comparison };
}

/** What of an earlier run's claim holds for this one. */
function claimOf(
  before: VerifiedState | null,
  comparison: string,
  log: MigrationParts['log'],
): VerifiedBefore | null {
  if (before === null) return null;
  const { prefix, rows, chunks, chunksSkipped, repaired, repairedRows } = before;
  const repairs = { repaired, repairedRows };
  if (isNothing(prefix)) return { covered: null, notCompared: 0, repairs };
  if (before.comparison !== comparison) {
    log.warn(
      {},
      'the verification starts over: other columns are compared now, or another share of the rows',
    );
    return { covered: null, notCompared: 0, repairs };
  }
  return {
    covered: { prefix, compared: { rows, chunks, chunksSkipped } },
    notCompared: before.notCompared,
    repairs,
  };
}

function tellGoesOn(rows: number, of: number, log: MigrationParts['log']): void {
  const percent = of > 0 ? Math.min(100, (100 * rows) / of) : 100;
  log.info({ rows }, `the verification goes on at ${percent.toFixed(1)}%: ${rows} rows are compared already`);
}

/** Chunks of the verifier's own, from the start for each pass. */
function chunksOf(store: ChunkerStore, order: KeyOrder): VerifyChunks {
  let watermark = new Watermark(order);
  let chunker = new Chunker(store, watermark, { chunkRows: null }, chunkSizing);
  return {
    begin: (from) => {
      watermark = new Watermark(order);
      if (from?.complete) watermark.resumeComplete();
      else if (from && from.low !== null) watermark.resumeAfter(from.low);
      chunker = new Chunker(store, watermark, { chunkRows: null }, chunkSizing);
    },
    isAhead: (key) => order.comparable && watermark.isAbove(key),
    next: (signal) => chunker.next(signal),
    feedback: (chunk, rows, elapsedMs) => chunker.feedback(chunk, rows, elapsedMs),
    settle: (chunk) => watermark.settle(chunk),
  };
}
