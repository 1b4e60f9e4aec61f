import type { Key } from '../../src/core/key.ts';
import type { Position } from '../../src/core/position.ts';
import type { Row } from './row.ts';

/** A place in the binlog: before the entry of this number. */
export class LogPosition implements Position {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
  toString(): string {
    return `log:${this.index}`;
  }
}

/** What a transaction of the original does: the events it logs, and its net effect. */
export interface Work {
  /** One for each row event: the key, and whether the event deleted it. */
  readonly touches: readonly (readonly [Key, boolean])[];
  readonly changes: ReadonlyMap<number, Row | null>;
  /** Values of the unique key that it locks. */
  readonly values: ReadonlySet<number>;
}

/** An entry of the binlog. */
export type Entry =
  | { readonly kind: 'rows' | 'xa-commit'; readonly work: Work }
  | { readonly kind: 'xa-prepare'; readonly work: Work }
  | { readonly kind: 'xa-rollback'; readonly work: Work }
  | { readonly kind: 'mark'; readonly sequence: number; readonly atMs: number; readonly shown: () => void }
  | { readonly kind: 'ddl'; readonly sql: string; readonly threadId: number };

/** Row locks that are held elsewhere. */
export interface RowLocks {
  isRowLocked(rank: number): boolean;
  isUniqueLocked(u: number): boolean;
}

/** What became of the tables: the original is the old one, and the name of the original means another table. */
export interface Swap {
  /** Number of the RENAME in the log. */
  readonly index: number;
  readonly old: ReadonlyMap<number, Row>;
  /** The new table at that moment. */
  readonly copy: ReadonlyMap<number, Row>;
  /** What the application has made of rows of the new table since. */
  readonly writes: Map<number, Row | null>;
  readonly locks: RowLocks;
}

/**
 * The primary, as far as the original and the changelog go: commits are ordered, an entry can be read from
 * the binlog as soon as it is logged, and its rows are visible to reads only later, in the order of the
 * commits (I2). `latest` and `visible` are of the table that bears the original's name.
 */
export class Server implements RowLocks {
  /** The original as its writers see it: with all that is logged. */
  latest = new Map<number, Row>();
  /** The original as a read sees it. */
  visible = new Map<number, Row>();
  readonly log: Entry[] = [];
  /** Prepared XA transactions: their rows are locked, and nobody sees them. */
  readonly prepared: Work[] = [];
  /** For each rank, what each entry of the log made of it. */
  readonly history = new Map<number, { readonly index: number; readonly row: Row | null }[]>();
  /** The ghost has what only the new table may have. */
  dressed = false;
  /** The sentry stands. */
  sentry = false;
  /** Null while the original bears its name. */
  swap: Swap | null = null;
  /** The table that bears the name has been swapped in: it enforces what the first did not. */
  isNew = false;
  /** Who this is (server_uuid). */
  uuid = 'first';
  #shown = 0;

  /** Entries up to here are visible. */
  get shown(): number {
    return this.#shown;
  }
  /** True when entries are logged whose rows are not visible yet. */
  get behind(): boolean {
    return this.#shown < this.log.length;
  }

  /** A row that is there before the migration starts. */
  seed(rank: number, row: Row): void {
    this.latest.set(rank, row);
    this.visible.set(rank, row);
    this.history.set(rank, [{ index: -1, row }]);
  }

  commit(work: Work, kind: 'rows' | 'xa-commit' = 'rows'): void {
    for (const [rank, row] of work.changes) {
      put(this.latest, rank, row);
      this.swap?.writes.set(rank, row);
      if (!this.swap) this.#remember(rank, this.log.length, row);
    }
    this.log.push({ kind, work });
  }

  /** Rows that we write to the new table. @param shown called when they are visible. */
  carry(work: Work, shown: () => void): void {
    for (const [rank, row] of work.changes) put(this.latest, rank, row);
    this.log.push({ kind: 'rows', work });
    this.mark(-1, 0, shown);
  }

  /** The RENAME: from now on the original's name means the new table. */
  rename(ghost: Map<number, Row>, locks: RowLocks, threadId: number): void {
    const { visible: old } = this;
    this.swap = { index: this.log.length, old, copy: new Map(ghost), writes: new Map(), locks };
    this.visible = ghost;
    this.isNew = true;
    this.latest = new Map(ghost);
    this.ddl('RENAME TABLE `s`.`t` TO `s`.`_t_del`, `s`.`_t_gho` TO `s`.`t`', threadId);
  }

  /**
   * A revert begins: the table that bears the name counts as the original.
   * @returns the rows of the old table.
   */
  turnBack(): ReadonlyMap<number, Row> {
    const { index: from, old, copy } = this.swap!;
    this.history.clear();
    for (const [rank, row] of copy) this.history.set(rank, [{ index: from, row }]);
    for (let index = from; index < this.log.length; index += 1) {
      const entry = this.log[index]!;
      if (entry.kind !== 'rows') continue;
      for (const [rank, row] of entry.work.changes) this.#remember(rank, index, row);
    }
    [this.swap, this.dressed, this.sentry] = [null, false, false];
    return old;
  }

  #remember(rank: number, index: number, row: Row | null): void {
    const past = this.history.get(rank);
    if (past) past.push({ index, row });
    else this.history.set(rank, [{ index, row }]);
  }

  ddl(sql: string, threadId: number): void {
    this.log.push({ kind: 'ddl', sql, threadId });
  }

  /** True while transactions hold the table: its locks are let go of when their rows are visible. */
  get isHeld(): boolean {
    return this.prepared.length > 0 || this.#someLock(() => true);
  }

  /**
   * Another server takes over, without the last transactions of the first.
   * @param lost how many of them, at the most.
   */
  failover(lost: number): void {
    this.uuid = 'second';
    for (let left = this.swap ? 0 : lost; left > 0; left -= 1) {
      const entry = this.log.at(-1);
      if (entry?.kind !== 'rows' && entry?.kind !== 'mark') return;
      this.log.pop();
      this.#shown = Math.min(this.#shown, this.log.length);
      // Who waits for it is told that it is done: it was, where it is not any more.
      if (entry.kind === 'mark') entry.shown();
      else this.#revert(entry.work);
    }
  }

  #revert(work: Work): void {
    for (const rank of work.changes.keys()) {
      this.history.get(rank)?.pop();
      put(this.latest, rank, this.rowAt(rank, this.log.length));
      put(this.visible, rank, this.rowAt(rank, this.#shown));
    }
  }

  prepare(work: Work): void {
    this.prepared.push(work);
    this.log.push({ kind: 'xa-prepare', work });
  }

  /** Ends a prepared transaction. */
  decide(work: Work, commit: boolean): void {
    this.prepared.splice(this.prepared.indexOf(work), 1);
    if (commit) this.commit(work, 'xa-commit');
    else this.log.push({ kind: 'xa-rollback', work });
  }

  /** Commits a mark; `shown` is called when it and all before it are visible. */
  mark(sequence: number, atMs: number, shown: () => void): void {
    this.log.push({ kind: 'mark', sequence, atMs, shown });
  }

  /** Makes the next entry visible. */
  show(): void {
    const entry = this.log[this.#shown]!;
    this.#shown += 1;
    if (entry.kind === 'mark') entry.shown();
    if (entry.kind !== 'rows' && entry.kind !== 'xa-commit') return;
    for (const [rank, row] of entry.work.changes) put(this.visible, rank, row);
  }

  /** Rows that other transactions have locked: a writer would wait for them. */
  isLocked(rank: number): boolean {
    return this.isRowLocked(rank) || (this.swap?.locks.isRowLocked(rank) ?? false);
  }
  isValueLocked(u: number): boolean {
    return this.isUniqueLocked(u) || (this.swap?.locks.isUniqueLocked(u) ?? false);
  }

  isRowLocked(rank: number): boolean {
    return this.#someLock((work) => work.changes.has(rank));
  }
  isUniqueLocked(u: number): boolean {
    return this.#someLock((work) => work.values.has(u));
  }

  /** The row of `rank` as of the entries before `index`. */
  rowAt(rank: number, index: number): Row | null {
    const past = this.history.get(rank) ?? [];
    for (let i = past.length - 1; i >= 0; i -= 1) if (past[i]!.index < index) return past[i]!.row;
    return null;
  }
  /** True when an entry from `index` on touches `rank`. */
  isTouchedFrom(rank: number, index: number): boolean {
    const past = this.history.get(rank);
    return past !== undefined && past.length > 0 && past[past.length - 1]!.index >= index;
  }

  #someLock(test: (work: Work) => boolean): boolean {
    for (const work of this.prepared) if (test(work)) return true;
    for (let i = this.#shown; i < this.log.length; i += 1) {
      const entry = this.log[i]!;
      if ((entry.kind === 'rows' || entry.kind === 'xa-commit') && test(entry.work)) return true;
    }
    return false;
  }
}

function put(rows: Map<number, Row>, rank: number, row: Row | null): void {
  if (row) rows.set(rank, row);
  else rows.delete(rank);
}
