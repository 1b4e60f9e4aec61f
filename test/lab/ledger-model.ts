import { keyText, type LedgerTable, rowText, type TextRow } from './ledger-table.ts';

/** A row in one possible world; null is one that does not exist. */
export type RowState = TextRow | null;

/** One statement on one row, in the words of the model. The row's id is the ledger's own. */
export type Step =
  | { readonly kind: 'insert'; readonly row: number; readonly values: TextRow }
  | { readonly kind: 'update'; readonly row: number; readonly target: TextRow; readonly set: TextRow }
  | { readonly kind: 'delete'; readonly row: number; readonly target: TextRow }
  | { readonly kind: 'increment'; readonly row: number; readonly target: TextRow };

/** What became of a transaction. */
export type Outcome = 'committed' | 'rolled-back' | 'unknown';

/** What several rows can be, together: each world is one way in which unknown outcomes may have come out. */
export interface Group {
  readonly rows: readonly number[];
  readonly worlds: readonly ReadonlyMap<number, RowState>[];
}

/** Increments of a hot row: it must have grown by `committed` at least, and by no more than both together. */
export interface HotCount {
  committed: number;
  unknown: number;
}

/** Rows with more possible worlds than this are left alone. */
const WORLDS_MAX = 64;

/**
 * What the rows that writers have touched must look like.
 *
 * A row belongs to one writer, which knows it exactly until a connection breaks in the wrong moment. Then there
 * are two worlds, one with and one without the transaction, joint for all of its rows; each further transaction
 * is applied in all worlds (twice where its outcome is unknown too), and what the server acknowledges rules out
 * the worlds in which it could not have been so. Hot rows belong to all: increments commute.
 */
export class LedgerModel {
  readonly hot = new Map<number, HotCount>();
  readonly certain = new Map<number, RowState>();
  readonly #table: LedgerTable;
  readonly #uncertain = new Map<number, Group>();
  /** Acknowledgements that no possible world explains: the first sign of a lost row. */
  surprises = 0;

  constructor(table: LedgerTable) {
    this.#table = table;
  }

  /** All groups of rows that are not known exactly. */
  get groups(): Set<Group> {
    return new Set(this.#uncertain.values());
  }

  /** What a row is, in the worlds there are. */
  states(row: number): readonly RowState[] {
    const group = this.#uncertain.get(row);
    return group === undefined
      ? [this.certain.get(row) ?? null]
      : group.worlds.map((w) => w.get(row) ?? null);
  }

  /** Whether there is more than one way a row can be. */
  isUncertain(row: number): boolean {
    return this.#uncertain.has(row);
  }

  /** Whether a row can be in so many worlds that a writer should leave it alone. */
  isBlurred(row: number): boolean {
    return (this.#uncertain.get(row)?.worlds.length ?? 1) > WORLDS_MAX;
  }

  /**
   * Takes in what became of a transaction.
   * @param affected rows that the server counted for each step, for a committed one.
   */
  settle(steps: readonly Step[], outcome: Outcome, affected: readonly number[] = []): void {
    if (outcome === 'rolled-back') return;
    for (const step of steps) if (step.kind === 'increment') this.#count(step.row, outcome);
    const owned = steps.filter((step) => step.kind !== 'increment');
    const counts = affected.filter((_, index) => steps[index]?.kind !== 'increment');
    if (owned.length === 0) return;
    const rows = [...new Set(owned.map((step) => step.row))];
    const before = this.#join(rows);
    const after = before.worlds.map((world) => this.#apply(world, owned));
    if (outcome === 'unknown') {
      this.#store(before.rows, [...before.worlds, ...after.map((result) => result.world)]);
      return;
    }
    const explained = after.filter((result) => result.affected.every((count, i) => count === counts[i]));
    if (explained.length === 0) this.surprises++;
    const worlds = explained.length === 0 ? after : explained;
    this.#store(
      before.rows,
      worlds.map((result) => result.world),
    );
  }

  #count(row: number, outcome: Outcome): void {
    const hot = this.hot.get(row) ?? { committed: 0, unknown: 0 };
    hot[outcome === 'committed' ? 'committed' : 'unknown']++;
    this.hot.set(row, hot);
  }

  /** One group of all the rows and those they are entangled with. */
  #join(rows: readonly number[]): Group {
    const parts = new Set<Group>();
    for (const row of rows) {
      const group = this.#uncertain.get(row);
      parts.add(group ?? { rows: [row], worlds: [new Map([[row, this.certain.get(row) ?? null]])] });
    }
    let worlds: ReadonlyMap<number, RowState>[] = [new Map()];
    for (const part of parts) {
      worlds = worlds.flatMap((left) => part.worlds.map((right) => new Map([...left, ...right])));
    }
    return { rows: [...parts].flatMap((part) => part.rows), worlds };
  }

  #apply(
    world: ReadonlyMap<number, RowState>,
    steps: readonly Step[],
  ): { world: ReadonlyMap<number, RowState>; affected: number[] } {
    const next = new Map(world);
    const affected = steps.map((step) => {
      const state = next.get(step.row) ?? null;
      if (step.kind === 'insert') {
        next.set(step.row, step.values);
        return state === null ? 1 : -1; // a duplicate key: the server cannot have acknowledged it
      }
      if (step.kind === 'increment' || state === null) return 0;
      if (keyText(this.#table, state) !== keyText(this.#table, step.target)) return 0;
      next.set(step.row, step.kind === 'delete' ? null : { ...state, ...step.set });
      return 1;
    });
    return { world: next, affected };
  }

  #store(rows: readonly number[], worlds: readonly ReadonlyMap<number, RowState>[]): void {
    const distinct = new Map<string, ReadonlyMap<number, RowState>>();
    for (const world of worlds) {
      distinct.set(rows.map((row) => this.#stateText(world.get(row))).join('\u0002'), world);
    }
    const left = [...distinct.values()];
    const only = left.length === 1 ? left[0] : undefined;
    const group: Group = { rows, worlds: left };
    for (const row of rows) {
      if (only === undefined) {
        this.#uncertain.set(row, group);
        this.certain.delete(row);
      } else {
        this.#uncertain.delete(row);
        this.certain.set(row, only.get(row) ?? null);
      }
    }
  }

  #stateText(state: RowState | undefined): string {
    return state ? rowText(Object.keys(state).sort(), state) : '';
  }
}
