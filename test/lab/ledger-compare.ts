import type { Connection } from 'mysql2/promise';
import type { Group, HotCount, LedgerModel, RowState } from './ledger-model.ts';
import { expectedRow, keyText, type LedgerTable, rowText, type Text, type TextRow } from './ledger-table.ts';
import type { RowIndex } from './row-index.ts';

const EXAMPLES_MAX = 10;

/** What the comparison has found, in rows. */
export interface Differences {
  /** Rows that must be there and are not. */
  lost: number;
  /** Rows that are there and must not be. */
  phantom: number;
  /** Rows that are there with other values. */
  differing: number;
  /** Up to ten of them, described. */
  readonly examples: string[];
}

/** What is known when the comparison starts. */
export interface Expectation {
  readonly table: LedgerTable;
  readonly model: LedgerModel;
  readonly index: RowIndex;
  readonly maybeInserted: readonly TextRow[];
  /** False while the change has not been made: rows are then read as it would make them. */
  readonly changed: boolean;
}

/** JSON is text in UTF-8, which the driver takes for bytes unless it is told. */
function textOf(field: { readonly type: string; string(encoding?: BufferEncoding): string | null }): Text {
  return field.type === 'JSON' ? field.string('utf8') : field.string();
}

/** Reads the rows of a statement, one by one, as texts by position; memory does not grow with their number. */
export function streamTexts(
  connection: Connection,
  sql: string,
  onRow: (values: readonly Text[]) => void,
): Promise<void> {
  const core = (connection as unknown as { connection: import('mysql2').Connection }).connection;
  return new Promise((resolve, reject) => {
    const query = core.query({ sql, rowsAsArray: true, typeCast: textOf });
    query.on('result', (row) => onRow(row as unknown as Text[]));
    query.on('error', reject);
    query.on('end', () => resolve());
  });
}

/** Compares each row that is given to it, and at the end those that were not. */
export class Comparison {
  readonly differences: Differences = { lost: 0, phantom: 0, differing: 0, examples: [] };
  readonly #expectation: Expectation;
  readonly #known = new Map<string, number>();
  readonly #fuzzyKeys = new Set<string>();
  readonly #fuzzyRows = new Map<string, TextRow>();
  readonly #seen: Uint8Array;
  readonly #maybe = new Map<string, number>();
  readonly #columnsButKey: readonly string[];

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
    const { table, model, index } = expectation;
    this.#seen = new Uint8Array(index.count);
    for (const [row, state] of model.certain) {
      if (state !== null) this.#known.set(this.#key(state), row);
    }
    for (const group of model.groups) {
      for (const world of group.worlds) {
        for (const state of world.values()) if (state !== null) this.#fuzzyKeys.add(this.#key(state));
      }
    }
    this.#columnsButKey = table.columns.filter((column) => !table.key.includes(column));
    for (const row of expectation.maybeInserted) {
      const text = rowText(this.#columnsButKey, expectedRow(table, row));
      this.#maybe.set(text, (this.#maybe.get(text) ?? 0) + 1);
    }
  }

  /** Takes a row that is in the table; its values in the order of the table's columns. */
  take(values: readonly Text[]): void {
    const { table, index, model, changed } = this.#expectation;
    const read: Record<string, Text> = {};
    for (const [place, column] of table.columns.entries()) read[column] = values[place] ?? null;
    const actual = changed ? read : expectedRow(table, read);
    const key = keyText(table, actual);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#known.delete(key);
      const expected = model.certain.get(known) ?? null;
      if (expected !== null && !this.#equal(known, expected, actual))
        this.#differs(expected, actual, model.hot.get(known));
    } else if (this.#fuzzyKeys.has(key)) {
      this.#fuzzyRows.set(key, actual);
    } else {
      const row = index.find(key);
      if (row >= 0 && !this.#isModelled(row) && !this.#seen[row]) {
        this.#seen[row] = 1;
        if (!index.matches(row, rowText(table.columns, actual))) this.#differs(undefined, actual);
      } else if (!this.#wasMaybeInserted(actual)) {
        this.differences.phantom++;
        this.#example(`phantom: ${describe(actual)}`);
      }
    }
  }

  /** All rows have been taken: what is missing now is lost. */
  finish(): Differences {
    const { model, index } = this.#expectation;
    for (const row of this.#known.values()) this.#isLost(model.certain.get(row) ?? null);
    for (let row = 0; row < index.count; row++) {
      if (this.#seen[row] || this.#isModelled(row)) continue;
      this.differences.lost++;
      this.#example(`lost: the row with the key ${index.keyOf(row).replaceAll('\u0000', ' ')}`);
    }
    for (const group of model.groups) this.#judge(group);
    return this.differences;
  }

  /** Rows of the model, certain or not, are judged by it and not by their first fingerprint. */
  #isModelled(row: number): boolean {
    const { model } = this.#expectation;
    return model.certain.has(row) || model.isUncertain(row);
  }

  #key(row: TextRow): string {
    const { table } = this.#expectation;
    return keyText(table, expectedRow(table, row));
  }

  #equal(row: number, state: TextRow, actual: TextRow): boolean {
    const { table, model } = this.#expectation;
    const expected = expectedRow(table, state);
    const hot = model.hot.get(row);
    if (hot === undefined || table.counter === undefined) {
      return rowText(table.columns, expected) === rowText(table.columns, actual);
    }
    const grown = BigInt(actual[table.counter] ?? 0) - BigInt(expected[table.counter] ?? 0);
    const inRange = grown >= hot.committed && grown <= hot.committed + hot.unknown;
    const others = table.columns.filter((column) => column !== table.counter);
    return inRange && rowText(others, expected) === rowText(others, actual);
  }

  /** A group is right when one of its worlds is; else the world that is nearest counts. */
  #judge(group: Group): void {
    const keys = new Set<string>();
    for (const world of group.worlds) {
      for (const state of world.values()) if (state !== null) keys.add(this.#key(state));
    }
    let best: (() => void)[] | undefined;
    for (const world of group.worlds) {
      const faults = this.#faults(world, keys);
      if (best === undefined || faults.length < best.length) best = faults;
    }
    for (const report of best ?? []) report();
  }

  #faults(world: ReadonlyMap<number, RowState>, keys: ReadonlySet<string>): (() => void)[] {
    const faults: (() => void)[] = [];
    const expectedKeys = new Set<string>();
    for (const [row, state] of world) {
      if (state === null) continue;
      const key = this.#key(state);
      expectedKeys.add(key);
      const actual = this.#fuzzyRows.get(key);
      if (actual === undefined) faults.push(() => this.#isLost(state));
      else if (!this.#equal(row, state, actual)) faults.push(() => this.#differs(state, actual));
    }
    for (const key of keys) {
      const actual = this.#fuzzyRows.get(key);
      if (actual === undefined || expectedKeys.has(key)) continue;
      faults.push(() => {
        this.differences.phantom++;
        this.#example(`phantom: ${describe(actual)}`);
      });
    }
    return faults;
  }

  #wasMaybeInserted(actual: TextRow): boolean {
    const text = rowText(this.#columnsButKey, actual);
    const left = this.#maybe.get(text) ?? 0;
    if (left > 0) this.#maybe.set(text, left - 1);
    return left > 0;
  }

  #isLost(expected: RowState): void {
    if (expected === null) return;
    this.differences.lost++;
    this.#example(`lost: ${describe(expected)}`);
  }

  #differs(expected: TextRow | undefined, actual: TextRow, hot?: HotCount): void {
    this.differences.differing++;
    const counted =
      hot === undefined ? '' : `, counted up ${hot.committed} to ${hot.committed + hot.unknown} times`;
    const before = expected === undefined ? 'another row at the start' : describe(expected) + counted;
    this.#example(`differing: is ${describe(actual)}, must be ${before}`);
  }

  #example(text: string): void {
    if (this.differences.examples.length < EXAMPLES_MAX) this.differences.examples.push(text);
  }
}

function describe(row: TextRow): string {
  return JSON.stringify(row);
}
