/** Rows for which a column's expression may be wrong until the column is left out. */
const rowsMax = 50;

/** Columns of which the expression saw differences where the server's own conversion makes none. */
export class Doubts {
  /** Names of columns that are not compared. */
  readonly leftOut: string[];
  readonly #rows = new Map<string, number>();

  /** @param leftOut columns that cannot be compared at all. */
  constructor(leftOut: readonly string[]) {
    this.leftOut = [...leftOut];
  }

  /** @returns true when the column is to be left out from now on: it is in `leftOut` then. */
  raise(column: string, rows: number): boolean {
    const count = (this.#rows.get(column) ?? 0) + rows;
    this.#rows.set(column, count);
    if (count < rowsMax || this.leftOut.includes(column)) return false;
    this.leftOut.push(column);
    return true;
  }
}
