import { setTimeout as sleep } from 'node:timers/promises';
import type { RowDataPacket } from 'mysql2/promise';
import { Histogram } from './histogram.ts';
import type { LedgerModel, Step } from './ledger-model.ts';
import { type LoadMix, Planner, type Serials } from './ledger-plan.ts';
import { LedgerSession, openTextConnection, type TransactionResult } from './ledger-session.ts';
import type { LedgerSql } from './ledger-sql.ts';
import type { LedgerTable, TextRow } from './ledger-table.ts';
import type { Random } from './random.ts';
import type { ServerAddress } from './server.ts';

const READER_PAUSE_AFTER_ERROR_MS = 20;

/** What writers and readers have done so far. */
export class Tally {
  /** Acknowledged row changes, and the transactions they were in. */
  writes = 0;
  transactions = 0;
  reads = 0;
  /** Transactions whose outcome is not known. */
  unknown = 0;
  /** Errors by their code. */
  readonly errors: Record<string, number> = {};
  readonly writerMs = new Histogram();
  readonly readerMs = new Histogram();
  /** The longest time in which no writer at all had an acknowledged write, in milliseconds. */
  writeGapMs = 0;
  #lastWriteMs: number | undefined;

  wrote(steps: number): void {
    this.writes += steps;
    this.transactions++;
    this.#gapUntil(performance.now());
  }

  failed(code: string): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  /** The load begins or ends: a gap is counted up to here, and none across a pause between two loads. */
  mark(running: boolean): void {
    this.#gapUntil(performance.now());
    if (!running) this.#lastWriteMs = undefined;
  }

  #gapUntil(nowMs: number): void {
    if (this.#lastWriteMs !== undefined)
      this.writeGapMs = Math.max(this.writeGapMs, nowMs - this.#lastWriteMs);
    this.#lastWriteMs = nowMs;
  }
}

/** What writers and readers work with. */
export interface LoadSource {
  readonly table: LedgerTable;
  readonly model: LedgerModel;
  readonly serials: Serials;
  readonly sql: LedgerSql;
  readonly tally: Tally;
  /** Rows without their key whose insert may or may not have happened. */
  readonly maybeInserted: TextRow[];
}

/** How writers and readers work. */
export interface LoadSpec {
  /** Where they connect: the server, or a proxy before it. */
  readonly server: ServerAddress;
  readonly mix: LoadMix;
  /** Mean pause between two transactions of one writer or reads of one reader, in milliseconds; 0 is none. */
  readonly writerPauseMs: number;
  readonly readerPauseMs: number;
}

/** One writer: transactions one after another until it is stopped. */
export async function runWriter(
  source: LoadSource,
  spec: LoadSpec,
  planner: Planner,
  random: Random,
  stopped: () => boolean,
): Promise<void> {
  const session = new LedgerSession(spec.server, stopped);
  let startedMs = performance.now();
  let waiting = false;
  while (!stopped()) {
    await session.connection();
    if (stopped()) break;
    // A stop goes on until the server has taken a transaction again, over errors and new connections.
    if (!waiting) startedMs = performance.now();
    const plan = planner.next();
    const result = await session.transaction(
      plan.steps.map((step) => source.sql.of(step)),
      plan.rollBack,
    );
    account(source, planner, plan.steps, result);
    waiting = !(result.outcome === 'committed' || ['ASKED', 'ER_DUP_ENTRY'].includes(result.code));
    if (waiting) continue;
    source.tally.writerMs.add(performance.now() - startedMs);
    if (spec.writerPauseMs > 0) await sleep(spec.writerPauseMs * (0.5 + random.next()));
  }
  await session.end();
}

function account(
  source: LoadSource,
  planner: Planner,
  planned: readonly Step[],
  result: TransactionResult,
): void {
  const { tally, model } = source;
  if (result.outcome === 'committed') tally.wrote(planned.length);
  if (result.outcome === 'unknown') tally.unknown++;
  if (!['', 'ASKED', 'STOPPED'].includes(result.code)) tally.failed(result.code);
  if (result.outcome === 'rolled-back') return;
  const steps = withKeys(source, planned, result.insertIds);
  model.settle(steps, result.outcome, result.affected);
  planner.settled(steps);
}

/** Fills in the keys that the server has given; a row without one is kept for the comparison. */
function withKeys(source: LoadSource, steps: readonly Step[], insertIds: readonly string[]): Step[] {
  const column = source.table.key[0] as string;
  return steps.flatMap((step, index) => {
    if (step.kind !== 'insert' || !source.table.autoKey || step.values[column] !== undefined) return [step];
    const id = insertIds[index];
    if (id !== undefined) return [{ ...step, values: { ...step.values, [column]: id } }];
    source.maybeInserted.push(step.values);
    return [];
  });
}

/** One reader: reads of single rows by key until it is stopped. */
export async function runReader(
  source: LoadSource,
  spec: LoadSpec,
  keys: readonly TextRow[],
  random: Random,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    const connection = await openTextConnection(spec.server).catch(() => undefined);
    if (connection === undefined) {
      await sleep(READER_PAUSE_AFTER_ERROR_MS);
      continue;
    }
    try {
      while (!stopped()) {
        const { sql, values } = source.sql.selectOne(random.pick(keys));
        const startedMs = performance.now();
        await connection.query<RowDataPacket[]>(sql, [...values]);
        source.tally.readerMs.add(performance.now() - startedMs);
        source.tally.reads++;
        if (spec.readerPauseMs > 0) await sleep(spec.readerPauseMs * (0.5 + random.next()));
      }
      await connection.end();
    } catch (error) {
      source.tally.failed((error as NodeJS.ErrnoException).code ?? 'UNKNOWN');
      connection.destroy();
      await sleep(READER_PAUSE_AFTER_ERROR_MS);
    }
  }
}

/** Makes the planner of one writer. */
export function plannerFor(
  source: LoadSource,
  spec: LoadSpec,
  random: Random,
  rows: readonly number[],
  hotKeys: readonly { readonly row: number; readonly key: TextRow }[],
): Planner {
  return new Planner(source, random, rows, hotKeys, spec.mix);
}
