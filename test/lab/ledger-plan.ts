import type { LedgerModel, Step } from './ledger-model.ts';
import type { LedgerTable, TextRow } from './ledger-table.ts';
import type { Random } from './random.ts';

/** Weights of what writers do; what a table is not described for does not happen. */
export interface LoadMix {
  readonly insert: number;
  readonly update: number;
  readonly increment: number;
  readonly delete: number;
  /** Updates of the key. */
  readonly move: number;
  /** Swaps of unique values between two rows, in one transaction. */
  readonly swap: number;
  /** Several of the above in one transaction. */
  readonly transaction: number;
  /** The same, rolled back. */
  readonly rollback: number;
}

export const DEFAULT_MIX: LoadMix = {
  insert: 16,
  update: 36,
  increment: 16,
  delete: 12,
  move: 4,
  swap: 5,
  transaction: 8,
  rollback: 3,
};

/** A transaction to be made. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly rollBack: boolean;
}

/** What all writers share: numbers that never come twice. */
export interface Serials {
  row(): number;
  serial(): number;
}

const PICK_TRIES = 8;
const TRANSACTION_STEPS_MAX = 4;
/** Share of inserts that bring back the key of a deleted row. */
const REVIVE_SHARE = 0.3;

/** Decides what one writer does next. The rows are its own, except for the hot ones. */
export class Planner {
  readonly #table: LedgerTable;
  readonly #model: LedgerModel;
  readonly #random: Random;
  readonly #serials: Serials;
  readonly #hotKeys: readonly { readonly row: number; readonly key: TextRow }[];
  readonly #rows: number[];
  readonly #deleted: { readonly row: number; readonly key: TextRow }[] = [];
  readonly #wheel: (keyof LoadMix)[] = [];

  constructor(
    source: { readonly table: LedgerTable; readonly model: LedgerModel; readonly serials: Serials },
    random: Random,
    rows: readonly number[],
    hotKeys: readonly { readonly row: number; readonly key: TextRow }[],
    mix: LoadMix,
  ) {
    this.#table = source.table;
    this.#model = source.model;
    this.#serials = source.serials;
    this.#random = random;
    this.#rows = [...rows];
    this.#hotKeys = hotKeys;
    const { newKey, swap, counter } = source.table;
    for (const [kind, weight] of Object.entries(mix) as [keyof LoadMix, number][]) {
      if (kind === 'move' && newKey === undefined) continue;
      if (kind === 'swap' && swap === undefined) continue;
      if (kind === 'increment' && (counter === undefined || hotKeys.length === 0)) continue;
      for (let i = 0; i < weight; i++) this.#wheel.push(kind);
    }
  }

  /** The next transaction. */
  next(): Plan {
    const scratch = new Map<number, TextRow | null>();
    const kind = this.#random.pick(this.#wheel);
    if (kind !== 'transaction' && kind !== 'rollback') {
      return { steps: this.#steps(kind, scratch), rollBack: false };
    }
    const simple = this.#wheel.filter((other) => other !== 'transaction' && other !== 'rollback');
    const steps: Step[] = [];
    const count = 2 + this.#random.below(TRANSACTION_STEPS_MAX - 1);
    for (let i = 0; i < count && simple.length > 0; i++) {
      steps.push(...this.#steps(this.#random.pick(simple), scratch));
    }
    return { steps, rollBack: kind === 'rollback' };
  }

  /** Takes in which rows there are now; called after the model knows the outcome. */
  settled(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'increment') continue;
      const states = this.#model.states(step.row);
      if (step.kind === 'insert' && states.some((state) => state !== null)) this.#rows.push(step.row);
      if (step.kind === 'delete' && states.every((state) => state === null)) {
        this.#deleted.push({ row: step.row, key: step.target });
      }
    }
  }

  #steps(kind: keyof LoadMix, scratch: Map<number, TextRow | null>): Step[] {
    if (kind === 'insert') return [this.#insert(scratch)];
    if (kind === 'increment') {
      const { row, key } = this.#random.pick(this.#hotKeys);
      return [{ kind: 'increment', row, target: key }];
    }
    const row = this.#pick(scratch);
    const state = row === undefined ? undefined : scratch.get(row);
    if (row === undefined || !state) return [this.#insert(scratch)];
    if (kind === 'delete') {
      scratch.set(row, null);
      return [{ kind: 'delete', row, target: state }];
    }
    if (kind === 'swap') return this.#swap(row, scratch);
    const serial = this.#serials.serial();
    const moved = kind === 'move' ? this.#table.newKey?.(serial) : undefined;
    return [this.#update(row, moved ?? this.#table.mutate(state, serial, this.#random), scratch)];
  }

  #swap(row: number, scratch: Map<number, TextRow | null>): Step[] {
    const { swap } = this.#table;
    const other = this.#pick(scratch, row);
    const [left, right] = [scratch.get(row), other === undefined ? undefined : scratch.get(other)];
    if (swap === undefined || other === undefined || !left || !right) return [this.#insert(scratch)];
    const values = (of: TextRow): TextRow =>
      Object.fromEntries(swap.columns.map((column) => [column, of[column] ?? null]));
    return [
      this.#update(row, swap.park(this.#serials.serial()), scratch),
      this.#update(other, values(left), scratch),
      this.#update(row, values(right), scratch),
    ];
  }

  #update(row: number, set: TextRow, scratch: Map<number, TextRow | null>): Step {
    const target = scratch.get(row) ?? {};
    scratch.set(row, { ...target, ...set });
    return { kind: 'update', row, target, set };
  }

  #insert(scratch: Map<number, TextRow | null>): Step {
    const values = this.#table.makeRow(this.#serials.serial(), this.#random);
    const revived = this.#random.next() < REVIVE_SHARE ? this.#deleted.shift() : undefined;
    if (revived === undefined) return { kind: 'insert', row: this.#serials.row(), values };
    const key = Object.fromEntries(this.#table.key.map((column) => [column, revived.key[column] ?? null]));
    scratch.set(revived.row, null); // not touched again in this transaction
    return { kind: 'insert', row: revived.row, values: { ...values, ...key } };
  }

  /** A row of ours that is there, in one of the worlds at least; its state goes to `scratch`. */
  #pick(scratch: Map<number, TextRow | null>, except?: number): number | undefined {
    for (let tries = 0; tries < PICK_TRIES && this.#rows.length > 0; tries++) {
      const place = this.#random.below(this.#rows.length);
      const row = this.#rows[place] as number;
      if (row === except) continue;
      const known = scratch.get(row);
      if (known) return row;
      if (known === null) continue;
      const states = this.#model.states(row).filter((state) => state !== null);
      if (states.length === 0 || this.#model.isBlurred(row)) {
        this.#rows[place] = this.#rows.at(-1) as number;
        this.#rows.pop();
        continue;
      }
      // Two uncertain rows in one transaction would multiply their worlds.
      if (this.#model.isUncertain(row) && this.#touchesUncertain(scratch)) continue;
      scratch.set(row, this.#random.pick(states));
      return row;
    }
    return undefined;
  }

  #touchesUncertain(scratch: ReadonlyMap<number, TextRow | null>): boolean {
    for (const row of scratch.keys()) if (this.#model.isUncertain(row)) return true;
    return false;
  }
}
