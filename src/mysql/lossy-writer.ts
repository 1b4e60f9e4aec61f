import { Transient } from '../base/errors.ts';
import { columnsNamed, isTolerated } from '../core/lossy.ts';
import { numberOrNull, text } from './row.ts';
import { ServerError } from './server-error.ts';
import type { Outcome, Session } from './session.ts';

/** How rows are put into the ghost: one statement. @returns rows affected. */
export interface RowWriter {
  /** True where the statement must be in a transaction that can be rolled back when it throws. */
  readonly needsTransaction: boolean;
  /** Keys of one statement at the most; null for any number. */
  readonly keysMax: number | null;
  write(session: Session, sql: string, signal: AbortSignal): Promise<number>;
}

/** In strict mode the server itself refuses what does not fit. */
export const strictWriter: RowWriter = {
  needsTransaction: false,
  keysMax: null,
  write: async (session, sql, signal) => rowsOf(await session.execute(sql, { signal })),
};

/** Rows put: `affectedRows` counts a row that REPLACE displaces as well. */
function rowsOf({ affectedRows, info }: Outcome): number {
  const records = /^Records: (\d+)/.exec(info)?.[1];
  return records === undefined ? affectedRows : Number(records);
}

/** What the OK packet can count, and what `max_error_count` can keep. */
const warningsMax = 65_535;

/**
 * SET clauses for the sessions of a `LossyWriter`: every warning can be read, and notes do not stand in their
 * way.
 */
export const lossySettings: readonly string[] = [`max_error_count=${warningsMax}`, 'sql_notes=0'];

/** A warning that --allow-lossy does not cover: the error that it would be in strict mode. */
export class UntoleratedLoss extends ServerError {}

/** A statement had more warnings than can be read: do it in smaller pieces. It has to be rolled back. */
export class TooManyWarnings extends Transient {}

/** The values that lost something, by column of the ghost. A row that is copied and synced counts twice. */
export class LossTally {
  readonly #counts = new Map<string, number>();
  readonly #onFirst: (column: string, message: string) => void;

  /** @param onFirst is told the first loss of each column. */
  constructor(onFirst: (column: string, message: string) => void) {
    this.#onFirst = onFirst;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  add(column: string, message: string): void {
    const count = this.#counts.get(column) ?? 0;
    if (count === 0) this.#onFirst(column, message);
    this.#counts.set(column, count + 1);
  }
}

/** Without strict mode: see core/lossy.ts. */
export class LossyWriter implements RowWriter {
  readonly needsTransaction = true;
  readonly keysMax: number;
  readonly #columns: ReadonlySet<string>;
  readonly #tolerated: ReadonlySet<string>;
  readonly #tally: LossTally;

  /** @param columns all columns of the ghost. @param tolerated those that may lose data. */
  constructor(columns: ReadonlySet<string>, tolerated: ReadonlySet<string>, tally: LossTally) {
    // A value has one warning as a rule; half of what can be read is left for exceptions.
    this.keysMax = Math.max(1, Math.min(1000, Math.floor(warningsMax / 2 / columns.size)));
    this.#columns = columns;
    this.#tolerated = tolerated;
    this.#tally = tally;
  }

  /** @throws UntoleratedLoss; TooManyWarnings. The caller's transaction is then to be rolled back. */
  async write(session: Session, sql: string, signal: AbortSignal): Promise<number> {
    const outcome = await session.execute(sql, { signal });
    const { warningCount } = outcome;
    if (warningCount === 0) return rowsOf(outcome);
    const warnings = await session.query('SHOW WARNINGS', { signal });
    if (warningCount >= warningsMax || warnings.length < warningCount)
      throw new TooManyWarnings(`a statement had ${warningCount} warnings or more: too many to read`);
    for (const warning of warnings) {
      const message = text(warning, 'Message');
      if (!isTolerated(message, this.#columns, this.#tolerated)) {
        const errno = numberOrNull(warning, 'Code') ?? 0;
        throw new UntoleratedLoss(Object.assign(new Error(message), { errno }), 'without strict mode');
      }
      for (const column of columnsNamed(message, this.#columns)) this.#tally.add(column, message);
    }
    return rowsOf(outcome);
  }
}
