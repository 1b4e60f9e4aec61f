import { messageOf } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { dataProfile } from '../mysql/profile.ts';
import { numberOrNull } from '../mysql/row.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';

/** A count of a table that nobody is in a hurry for may take this long, ms. */
const countTimeoutMs = 7 * 86_400_000;

/** How the rows of the original are counted: not at all, beside the copy, or before it. */
export type RowCounting = 'off' | 'beside' | 'before';

/**
 * Counts the rows of the original, so that the progress is exact (`--exact-rowcount`).
 *
 * States: idle -> counting -> counted | given up (it failed, or `stop` was called: the server's estimate stays in use).
 * Once counted, what the stream says of rows that come and go is added.
 */
export class RowCount {
  readonly #parts: MigrationParts;
  readonly #stopping = new AbortController();
  #growth: () => number = () => 0;
  #growthBefore = 0;
  #counted: number | null = null;
  #waitedFor = false;
  #counting: Promise<void> = Promise.resolve();

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  /** Rows of the original now; null while that is not known. */
  get rows(): number | null {
    if (this.#counted === null) return null;
    return Math.max(0, this.#counted + this.#growth() - this.#growthBefore);
  }

  /** The run waits for the count. */
  get waitedFor(): boolean {
    return this.#waitedFor;
  }

  /**
   * Counts, as the options want it.
   * @param growth rows that have come less those that have gone, as the stream has seen them.
   * @throws what counting throws, or a hook, where the count is waited for; the signal's reason.
   */
  async run(original: TableRef, growth: () => number, signal: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    this.#growth = growth;
    if (config.rowCounting === 'off') return;
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    const counting = this.#count(original, stop);
    if (config.rowCounting === 'beside') {
      const complain = (error: unknown): void => {
        if (!stop.aborted) log.warn({}, `while the rows were counted: ${messageOf(error)}`);
      };
      // The cut-over does not wait for what the operator does with the count.
      const tell = (): void => void this.#tell(signal).catch(complain);
      this.#counting = counting.then(tell, complain);
      return;
    }
    this.#waitedFor = true;
    try {
      await counting;
      await this.#tell(signal);
    } finally {
      this.#waitedFor = false;
    }
  }

  /** Ends a count that is under way: it would hold the table that is to be swapped. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the count is not waited for any longer'));
    await this.#counting;
  }

  async #count(original: TableRef, signal: AbortSignal): Promise<void> {
    const { config, clock, log } = this.#parts;
    const profile = { ...dataProfile, statementTimeoutMs: countTimeoutMs };
    // The server whose stream says what comes and goes; where that is a replica the primary is spared.
    const session = await Session.open(config.inspected, { profile, clock, name: 'row count', signal });
    try {
      // What the count sees is what is committed now; what comes after it comes in the stream.
      this.#growthBefore = this.#growth();
      const [row] = await session.query(`SELECT COUNT(*) AS n FROM ${quoteTable(original)}`, { signal });
      this.#counted = (row && numberOrNull(row, 'n')) ?? 0;
    } finally {
      await session.close();
    }
    log.info({ rows: this.#counted }, 'the rows are counted');
  }

  async #tell(signal: AbortSignal): Promise<void> {
    await this.#parts.moments?.reach('rowcount-complete', signal);
  }
}
