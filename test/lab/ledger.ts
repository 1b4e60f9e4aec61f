import { toError } from '../../src/base/errors.ts';
import type { StopTimes } from './histogram.ts';
import { Comparison, type Differences, streamTexts } from './ledger-compare.ts';
import { LedgerModel } from './ledger-model.ts';
import { DEFAULT_MIX, type LoadMix } from './ledger-plan.ts';
import { openTextConnection } from './ledger-session.ts';
import { LedgerSql } from './ledger-sql.ts';
import { expectedRow, keyText, type LedgerTable, rowText, type Text, type TextRow } from './ledger-table.ts';
import { type LoadSource, type LoadSpec, plannerFor, runReader, runWriter, Tally } from './load.ts';
import { Random } from './random.ts';
import { RowIndex } from './row-index.ts';
import type { ServerAddress } from './server.ts';

export type { LedgerTable, Text, TextRow } from './ledger-table.ts';

/** How a ledger keeps its books. */
export interface LedgerOptions {
  /** Decides everything that writers do, up to their interleaving. Default 1. */
  readonly seed?: number;
  /** Rows of the start that writers may touch. Default 20,000. */
  readonly sampleRows?: number;
  /** Rows of those that all writers count up together. Default 16. */
  readonly hotRows?: number;
  /** First of the serial numbers that rows are made with: differs between ledgers on the same table. */
  readonly firstSerial?: number;
}

/** Writers and readers. */
export interface LoadOptions {
  /** Default 8. */
  readonly writers?: number;
  /** Default 2. */
  readonly readers?: number;
  /** Mean pause of a writer between two transactions, in milliseconds; 0, the default, is unthrottled. */
  readonly pauseMs?: number;
  /** The same of a reader. Default: as the writers. */
  readonly readerPauseMs?: number;
  readonly mix?: Partial<LoadMix>;
  /** Where they connect instead of the server itself: a proxy. */
  readonly through?: Pick<ServerAddress, 'host' | 'port'>;
}

/** What came out. Times are in milliseconds. */
export interface LedgerResult extends Differences {
  /** Acknowledged row changes. */
  readonly writes: number;
  readonly transactions: number;
  readonly reads: number;
  /** Transactions of unknown outcome: accounted as either-or. */
  readonly unknown: number;
  /** Acknowledgements that cannot be: a writer did not find a row of its own. */
  readonly surprises: number;
  /** Errors that writers and readers met, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** From the call of a transaction until the server took it (or one after it, if it failed). */
  readonly writerStopMs: StopTimes;
  readonly readerStopMs: StopTimes;
  /** The longest time without any acknowledged write of any writer. */
  readonly writeGapMs: number;
}

/** Work that goes on until it is stopped. */
export interface Load {
  /** Lets everybody finish what they are at. Throws what a writer or reader failed with, if one did. */
  stop(): Promise<void>;
}

/**
 * Keeps account of every write that a server has acknowledged, on one table that may be changed and renamed
 * meanwhile, and compares the table with it afterwards, row by row.
 *
 * At `open` all rows are read once: each is kept as a fingerprint, and a sample of them in full. Writers work on
 * that sample, each on its own part (see `LedgerModel`), and on rows that they insert; the hot rows are for all.
 * `compare` reads all rows again. Nobody else may write to the table between the two.
 */
export class Ledger {
  readonly table: LedgerTable;
  readonly tally = new Tally();
  readonly #server: ServerAddress;
  readonly #model: LedgerModel;
  readonly #index = new RowIndex();
  readonly #source: LoadSource;
  readonly #random: Random;
  readonly #owned: number[] = [];
  readonly #hotKeys: { row: number; key: TextRow }[] = [];
  readonly #keys: TextRow[] = [];
  #nextSerial: number;
  #nextRow = 0;

  private constructor(server: ServerAddress, table: LedgerTable, sql: LedgerSql, options: LedgerOptions) {
    this.#server = server;
    this.table = table;
    this.#model = new LedgerModel(table);
    this.#random = new Random(options.seed ?? 1);
    this.#nextSerial = options.firstSerial ?? 1;
    const serials = { row: () => this.#nextRow++, serial: () => this.#nextSerial++ };
    const { tally } = this;
    this.#source = { table, model: this.#model, serials, sql, tally, maybeInserted: [] };
  }

  /** Reads the table as it is now; from here on only this ledger's writers may change it. */
  static async open(server: ServerAddress, table: LedgerTable, options: LedgerOptions = {}): Promise<Ledger> {
    const connection = await openTextConnection(server);
    try {
      const ledger = new Ledger(server, table, await LedgerSql.of(connection, table), options);
      const sample = new Map<number, TextRow>();
      const sampleRows = options.sampleRows ?? 20_000;
      await streamTexts(connection, ledger.#source.sql.selectAll(), (values) => {
        ledger.#enter(values, sample, sampleRows);
      });
      ledger.#share(sample, options.hotRows ?? 16);
      return ledger;
    } finally {
      await connection.end();
    }
  }

  /** The number of rows at the start. */
  get initialRows(): number {
    return this.#index.count;
  }

  /** Starts writers and readers. One load at a time. */
  start(options: LoadOptions = {}): Load {
    const { writers = 8, readers = 2, pauseMs = 0, readerPauseMs = pauseMs } = options;
    const { host, port } = options.through ?? this.#server;
    const server = { ...addressOf(this.#server), host, port };
    const mix = { ...DEFAULT_MIX, ...options.mix };
    const spec: LoadSpec = { server, mix, writerPauseMs: pauseMs, readerPauseMs };
    let stop = false;
    const stopped = (): boolean => stop;
    const work: Promise<void>[] = [];
    this.tally.mark(true);
    for (let writer = 0; writer < writers; writer++) {
      const random = this.#fork();
      const rows = this.#owned.filter((_, place) => place % writers === writer);
      const planner = plannerFor(this.#source, spec, random, rows, this.#hotKeys);
      work.push(runWriter(this.#source, spec, planner, random, stopped));
    }
    const keys = this.#keys;
    for (let reader = 0; reader < readers && keys.length > 0; reader++) {
      work.push(runReader(this.#source, spec, keys, this.#fork(), stopped));
    }
    const ended = Promise.allSettled(work);
    return {
      stop: async () => {
        stop = true;
        const results = await ended;
        this.tally.mark(false);
        for (const result of results) if (result.status === 'rejected') throw toError(result.reason);
      },
    };
  }

  /**
   * Compares the table with the account. The load must have been stopped.
   * @param options `from`: another table to read, quoted; `expressions`: what to read for a column instead of it;
   *   `server`: where to read, for example a replica; `changed`: false where the change was not made after all, so
   *   that `expect` of the table does not hold; default true.
   */
  async compare(
    options: {
      readonly from?: string;
      readonly expressions?: Readonly<Record<string, string>>;
      readonly server?: ServerAddress;
      readonly changed?: boolean;
    } = {},
  ): Promise<LedgerResult> {
    const connection = await openTextConnection(options.server ?? this.#server);
    const { maybeInserted, sql } = this.#source;
    const { table } = this;
    const { changed = true } = options;
    const books = { table, model: this.#model, index: this.#index, maybeInserted };
    const comparison = new Comparison({ ...books, changed });
    try {
      await streamTexts(connection, sql.selectAll(options.from, options.expressions), (values) =>
        comparison.take(values),
      );
    } finally {
      await connection.end();
    }
    const { writes, transactions, reads, unknown, errors, writerMs, readerMs, writeGapMs } = this.tally;
    return {
      ...comparison.finish(),
      ...{ writes, transactions, reads, unknown, errors, surprises: this.#model.surprises },
      writerStopMs: writerMs.times(),
      readerStopMs: readerMs.times(),
      writeGapMs: Math.round(writeGapMs),
    };
  }

  #enter(values: readonly Text[], sample: Map<number, TextRow>, sampleRows: number): void {
    const row: Record<string, Text> = {};
    for (const [place, column] of this.table.columns.entries()) row[column] = values[place] ?? null;
    const expected = expectedRow(this.table, row);
    const id = this.#index.add(keyText(this.table, expected), rowText(this.table.columns, expected));
    // Reservoir sampling: each row has the same chance, however many there are.
    const place = id < sampleRows ? id : this.#random.below(id + 1);
    if (place < sampleRows) sample.set(place, { ...row, '\u0000id': String(id) });
  }

  #share(sample: ReadonlyMap<number, TextRow>, hotRows: number): void {
    this.#nextRow = this.#index.count;
    for (const { '\u0000id': id, ...row } of sample.values()) {
      const number = Number(id);
      const key = Object.fromEntries(this.table.key.map((column) => [column, row[column] ?? null]));
      this.#model.certain.set(number, row);
      this.#keys.push(key);
      if (this.table.counter !== undefined && this.#hotKeys.length < hotRows) {
        this.#hotKeys.push({ row: number, key });
        this.#model.hot.set(number, { committed: 0, unknown: 0 });
      } else {
        this.#owned.push(number);
      }
    }
  }

  #fork(): Random {
    return new Random(Math.floor(this.#random.next() * 4_294_967_296));
  }
}

function addressOf(server: ServerAddress): ServerAddress {
  const { host, port, user, password } = server;
  return { host, port, user, password };
}
