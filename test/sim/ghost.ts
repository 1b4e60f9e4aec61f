import type { Key } from '../../src/core/key.ts';
import type { Row } from './row.ts';
import type { RowLocks, Work } from './server.ts';

/** What became of a write: done, it has to wait for another transaction, or a key stands in the way. */
export type Outcome = 'done' | 'blocked' | 'same-key' | 'same-value';

/** An index build that the server is at. */
export interface Build {
  readonly lock: 'NONE' | 'SHARED';
  readonly unique: boolean;
  /** Transactions of others that were committed meanwhile. */
  logged: number;
  /** A value that two rows have had since it began. */
  duplicate: number | null;
  killed: boolean;
  /** It waits for the table, at its start or end: who has not touched it yet waits behind. */
  waits?: boolean;
}

/** The ghost table: committed rows, and the transactions that write to it. */
export class Ghost implements RowLocks {
  readonly rows = new Map<number, Row>();
  readonly open = new Set<GhostTransaction>();
  /** Its indexes beside the migration key; `u` is unique, and on the column of that name. */
  readonly built: Set<string>;
  build: Build | null = null;
  /** Locks of others, once the application writes to this table. */
  others: RowLocks | null = null;

  constructor(built: Iterable<string>) {
    this.built = new Set(built);
  }

  get unique(): boolean {
    return this.built.has('u');
  }

  /** A value of `u` that two rows have. */
  twin(): number | null {
    const values = new Set<number>();
    for (const { u } of this.rows.values()) {
      if (values.has(u)) return u;
      values.add(u);
    }
    return null;
  }

  begin(): GhostTransaction {
    const transaction = new GhostTransaction(this);
    this.open.add(transaction);
    return transaction;
  }

  isRowLocked(rank: number, except?: GhostTransaction): boolean {
    for (const other of this.open) if (other !== except && other.writes.has(rank)) return true;
    return this.others?.isRowLocked(rank) ?? false;
  }

  isUniqueLocked(u: number, except?: GhostTransaction): boolean {
    for (const other of this.open) if (other !== except && other.values.has(u)) return true;
    return this.others?.isUniqueLocked(u) ?? false;
  }
}

/**
 * One transaction on the ghost, with the locks of READ COMMITTED: rows it wrote, and the values of the unique
 * key of rows that it inserted or deleted. A delete of a row that is not there locks nothing.
 */
export class GhostTransaction {
  readonly #ghost: Ghost;
  readonly writes = new Map<number, Row | null>();
  readonly values = new Set<number>();

  constructor(ghost: Ghost) {
    this.#ghost = ghost;
  }

  remove(rank: number): Outcome {
    if (this.#isLocked(rank)) return 'blocked';
    const row = this.row(rank);
    if (!row) return 'done';
    this.values.add(row.u);
    this.writes.set(rank, null);
    return 'done';
  }

  insert(rank: number, row: Row): Outcome {
    if (this.#isLocked(rank)) return 'blocked';
    if (this.row(rank)) return 'same-key';
    if (this.#ghost.unique) {
      if (this.#isValueLocked(row.u)) return 'blocked';
      if (this.holder(row.u) !== null) return 'same-value';
      this.values.add(row.u);
    }
    this.writes.set(rank, row);
    return 'done';
  }

  /** REPLACE: whatever stands in the way is deleted. */
  replace(rank: number, row: Row): Outcome {
    if (this.#isLocked(rank)) return 'blocked';
    if (this.#ghost.unique && this.#isValueLocked(row.u)) return 'blocked';
    const own = this.row(rank);
    if (own) this.values.add(own.u);
    const holder = this.#ghost.unique ? this.holder(row.u) : null;
    if (holder !== null && holder !== rank && this.remove(holder) === 'blocked') return 'blocked';
    this.values.add(row.u);
    this.writes.set(rank, row);
    return 'done';
  }

  row(rank: number): Row | undefined {
    const own = this.writes.get(rank);
    return own === undefined ? this.#ghost.rows.get(rank) : (own ?? undefined);
  }

  /** Rank of the row that has this value of the unique key. */
  holder(u: number): number | null {
    for (const [rank, row] of this.writes) if (row?.u === u) return rank;
    for (const [rank, row] of this.#ghost.rows) if (row.u === u && !this.writes.has(rank)) return rank;
    return null;
  }

  commit(): void {
    for (const [rank, row] of this.writes) {
      if (row) this.#ghost.rows.set(rank, row);
      else this.#ghost.rows.delete(rank);
    }
    const { build } = this.#ghost;
    if (build !== null) {
      build.logged += 1;
      if (build.unique) build.duplicate ??= this.#ghost.twin();
    }
    this.rollback();
  }

  rollback(): void {
    this.#ghost.open.delete(this);
  }

  /** What it does, as the binlog tells it. */
  get work(): Work {
    const { writes: changes, values } = this;
    const touches: [Key, boolean][] = [];
    for (const [rank, row] of changes) {
      const before = this.#ghost.rows.get(rank);
      if (before && before.key !== row?.key) touches.push([before.key, true]);
      if (row) touches.push([row.key, false]);
    }
    return { touches, changes, values };
  }

  #isLocked(rank: number): boolean {
    const { build } = this.#ghost;
    if (build?.lock === 'SHARED' || (build?.waits && this.writes.size === 0)) return true;
    return this.#ghost.isRowLocked(rank, this);
  }

  #isValueLocked(u: number): boolean {
    return this.#ghost.isUniqueLocked(u, this);
  }
}
