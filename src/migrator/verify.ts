import type { Retry } from '../base/retry.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import { type ComparedColumn, compareColumns } from '../core/comparison.ts';
import { ComparisonSql } from '../core/comparison-sql.ts';
import type { Gate } from '../core/gate.ts';
import type { Column, TableDefinition } from '../core/table.ts';
import type { VerifyChunks } from '../core/verify-store.ts';
import type { Visibility } from '../core/visibility.ts';
import { type KeyOrder, Watermark } from '../core/watermark.ts';
import type { SessionPool } from '../mysql/pool.ts';
import { SqlVerifyStore } from '../mysql/verify-store.ts';
import { Chunker, type ChunkerStore } from '../stages/chunker.ts';
import { Verifier } from '../stages/verifier.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';

/** Chunks of the comparison: two reads a row, without writes, so larger than those of the copy. */
const chunkSizing = { targetMs: 250, rowsStart: 2000, rowsMin: 100, rowsMax: 50_000 };

/** What a verifier shares with the rest of the data path. */
export interface VerifySurroundings {
  readonly store: ChunkerStore;
  readonly changes: ChangeSet;
  readonly visibility: Visibility;
  readonly turnstile: Turnstile;
  readonly gate: Gate;
  readonly retry: Retry;
  readonly sessions: SessionPool;
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

/**
 * Wires the verifier; null where the operator wants none, or nothing can be compared, which the log then
 * says.
 */
export function makeVerifier(
  survey: Survey,
  plan: Plan,
  { config, clock, log }: MigrationParts,
  { store, sessions, ...shared }: VerifySurroundings,
): Verifier | null {
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
  return new Verifier(
    {
      ...shared,
      ...{ clock, log, leftOut, order: codec },
      store: new SqlVerifyStore({ sql, codec, sessions, canProbe }),
      chunks: chunksOf(store, codec),
      describe: (each) => {
        const literals = codec.literals(each);
        return codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
      },
    },
    { percent: config.verify.percent },
  );
}

/** Chunks of the verifier's own, from the start for each pass. */
function chunksOf(store: ChunkerStore, order: KeyOrder): VerifyChunks {
  let watermark = new Watermark(order);
  let chunker = new Chunker(store, watermark, { chunkRows: null }, chunkSizing);
  return {
    begin: () => {
      watermark = new Watermark(order);
      chunker = new Chunker(store, watermark, { chunkRows: null }, chunkSizing);
    },
    next: (signal) => chunker.next(signal),
    feedback: (chunk, rows, elapsedMs) => chunker.feedback(chunk, rows, elapsedMs),
    settle: (chunk) => watermark.settle(chunk),
  };
}
