import { Transient } from '../base/errors.ts';
import { hashOf, keyToText } from './checkpoint.ts';
import type { Key } from './key.ts';
import { differsAgain, tooManyDiffer } from './verify-failures.ts';
import type { VerifierParts } from './verify-parts.ts';

/** What is kept of repairs from one run to the next. */
export interface RepairsBefore {
  /** Rows that were repaired and found right since. */
  readonly repaired: number;
  /** Their names, as `rowName` makes them; fewer where an older version wrote them. */
  readonly repairedRows: readonly string[];
}

/** Lines about single rows in the log; the report has their number. */
const linesMax = 100;
/** Characters of a row's name. */
const nameLength = 24;

/** The name of a row that is kept, of one size whatever the key: a checkpoint is bounded. */
export function rowName(key: Key): string {
  return hashOf(keyToText(key)).slice(0, nameLength);
}

/**
 * The rows of the ghost that differed without a change to explain it, in this run and in those before.
 *
 * Each is outstanding (its sync was asked for) -> right (it was found equal since). A row that differs once more after it has been
 * outstanding is beyond repair: the migration fails. Of an outstanding row that a run leaves behind when it dies nobody knows
 * whether its sync came to pass: to the next run it is like any other.
 */
export class Repairs {
  readonly #parts: Pick<VerifierParts, 'describe' | 'log'>;
  readonly #max: number;
  readonly #rows = new Map<string, 'outstanding' | 'right'>();
  readonly #unnamed: number;
  #outstanding = 0;
  /** Rows that had been found when the last pass began that found none; null before its end. */
  #foundBefore: number | null = null;
  #told = 0;

  /** @param max rows that may be repaired, those of earlier runs included. */
  constructor(parts: Pick<VerifierParts, 'describe' | 'log'>, max: number, before?: RepairsBefore) {
    this.#parts = parts;
    this.#max = max;
    for (const name of before?.repairedRows ?? []) this.#rows.set(name, 'right');
    this.#unnamed = Math.max(0, (before?.repaired ?? 0) - this.#rows.size);
  }

  /** Rows that were found. */
  get found(): number {
    return this.#unnamed + this.#rows.size;
  }
  /** Rows that were not found right yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Rows were repaired since the last pass over all rows that found none, or there was none. */
  get castDoubt(): boolean {
    return this.found !== this.#foundBefore;
  }

  /** Why nobody should cut over yet; null where nothing is against it. */
  get obstacle(): string | null {
    const rows = this.#outstanding;
    if (rows > 0) return `${rows} rows of the ghost table are being repaired`;
    return this.castDoubt ? 'rows of the ghost table were repaired: everything is compared once more' : null;
  }

  /** @throws Transient where something is against a cut-over. */
  refuseDoubt(): void {
    if (this.obstacle !== null) throw new Transient(this.obstacle);
  }

  /** A pass over all rows has ended. @param found what had been found when it began. */
  passed(found: number): void {
    this.#foundBefore = found;
  }

  /** What the next run has to know. */
  get record(): RepairsBefore {
    const repairedRows = [...this.#rows].filter(([, state]) => state === 'right').map(([name]) => name);
    return { repaired: this.found - this.#outstanding, repairedRows };
  }

  /**
   * A row differs and no change explains it: it is to be repaired.
   * @throws Failure where it had been repaired, or too many were.
   */
  begin(key: Key, columns: readonly string[]): void {
    const name = rowName(key);
    if (this.#rows.has(name)) throw differsAgain(this.#parts.describe(key), columns);
    if (this.found >= this.#max) throw tooManyDiffer(this.found);
    this.#rows.set(name, 'outstanding');
    this.#outstanding += 1;
  }

  /** Tells of a row that is being repaired. */
  tell(key: Key, columns: readonly string[]): void {
    const { describe, log } = this.#parts;
    const facts = { key: describe(key), columns };
    if (this.#told++ < linesMax)
      log.warn(facts, 'a row of the ghost differs from the original, and no change explains it: repairing');
  }

  /** These rows are equal on both sides. @returns whether one of them had been outstanding. */
  confirm(keys: readonly Key[]): boolean {
    const before = this.#outstanding;
    if (before === 0) return false;
    for (const key of keys) {
      const name = rowName(key);
      if (this.#rows.get(name) !== 'outstanding') continue;
      this.#rows.set(name, 'right');
      this.#outstanding -= 1;
    }
    return this.#outstanding < before;
  }
}
