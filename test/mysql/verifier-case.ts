// What the cases of the comparison are made of.

/** One column of the original and what the ALTER makes of it. Values are SQL. */
export interface ColumnCase {
  readonly from: string;
  readonly to: string;
  readonly values: readonly string[];
  /** For the row with that number (from 1), something that the ghost must not hold. */
  readonly wrong: readonly (readonly [row: number, value: string])[];
  readonly only?: 'mysql' | 'mariadb';
  /** The chunk comparison is known to be too strict here: the server's own conversion must judge. */
  readonly judged?: boolean;
}
