// The shape of one case of the fidelity matrix: an ALTER, the data it meets, and what shall come of it.
import type { Flavor } from '../lab/lab.ts';

/** What shall come of a case. */
export type Expectation =
  /** Definition and rows are those that the server's own ALTER makes. */
  | {
      readonly kind: 'equal';
      /** What differs all the same, and why that is right or cannot be helped. */
      readonly except?: Difference;
    }
  /** The migration fails, the original is as it was, and so is everything beside it. */
  | {
      readonly kind: 'fails';
      /** What the message says: the column, the row. */
      readonly says: readonly (string | RegExp)[];
      /** Where the server's own ALTER would go through: why ours does not. Absent: the server fails too. */
      readonly stricter?: string;
    };

/** A difference to the server's own ALTER that stays. */
export interface Difference {
  readonly reason: string;
  /** Columns whose values are not compared. */
  readonly columns?: readonly string[];
  /** Makes the new table's SHOW CREATE TABLE equal to the reference's. */
  readonly definition?: (createSql: string) => string;
  /** The next AUTO_INCREMENT may be greater than the reference's. */
  readonly counter?: boolean;
}

/** One row of the matrix. Statements name the table `t`, unless `table` says otherwise. */
export interface FidelityCase {
  readonly name: string;
  /** Default: both. */
  readonly flavors?: readonly Flavor[];
  /** Name of the table. Default `t`. */
  readonly table?: string;
  /** CREATE TABLE, whole. */
  readonly create: string;
  /** Statements that fill it, under modes that let everything in. */
  readonly data: readonly string[];
  /**
   * Changes while rows are copied, and while the cut-over is put off: these go through sync. Default, for
   * tables with an integer key `id`: rows are copied under new ids, moved to other ids, and deleted.
   */
  readonly copying?: readonly string[];
  readonly postponed?: readonly string[];
  readonly alter: string;
  readonly options?: readonly string[];
  /** The mode of the server's own ALTER. Default: that of our sessions (strict). */
  readonly sqlMode?: string;
  /** Default: equal, without exception. */
  readonly expect?: Expectation;
}

/** Shorthand for a case whose ALTER must fail. */
export function fails(...says: readonly (string | RegExp)[]): Expectation {
  return { kind: 'fails', says };
}

/** Shorthand for a case in which we refuse what the server would do. */
export function stricter(reason: string, ...says: readonly (string | RegExp)[]): Expectation {
  return { kind: 'fails', says, stricter: reason };
}

/** Shorthand for a case in which something differs. */
export function equalExcept(except: Difference): Expectation {
  return { kind: 'equal', except };
}

/** `INSERT INTO t (id, columns..) VALUES (1, ..), (2, ..)`: one row for each of the given tuples. */
export function insert(columns: string, tuples: readonly string[], firstId = 1): string {
  const rows = tuples.map((tuple, i) => `(${firstId + i}, ${tuple})`);
  return `INSERT INTO t (id, ${columns}) VALUES ${rows.join(', ')}`;
}

/** The only flavor of a case. */
export const mysqlOnly = { flavors: ['mysql'] } as const;
export const mariadbOnly = { flavors: ['mariadb'] } as const;
