import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { TableLocks, TableName } from './table-locks.ts';
import type { Writers } from './writers.ts';

/** At a time, and in all. */
const most = { atOnce: 2, ever: 12 };

interface Holder {
  readonly name: TableName;
  readonly writes: boolean;
  readonly sinceMs: number;
}

/** Sessions of others that hold original or ghost for a while: readers, and writers that commit late. */
export class Bystanders {
  readonly #locks: TableLocks;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #writers: Writers;
  readonly #holders: Holder[] = [];
  #seen = 0;

  constructor(locks: TableLocks, scheduler: Scheduler, random: Random, writers: Writers) {
    this.#locks = locks;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#writers = writers;
  }

  get mayCome(): boolean {
    return this.#holders.length < most.atOnce && this.#seen < most.ever;
  }

  get count(): number {
    return this.#holders.length;
  }

  /** Somebody begins a transaction, if they need not wait. */
  come(): void {
    const name = this.#random.pick<TableName>(['original', 'original', 'ghost']);
    const writes = name === 'original' && this.#random.chance(0.5);
    if (!this.#locks.isFree(name, writes ? 'write' : 'read')) return;
    const holder = { name, writes, sinceMs: this.#scheduler.nowMs() };
    this.#seen += 1;
    this.#holders.push(holder);
    this.#locks.take(holder, name, writes ? 'write' : 'read');
  }

  /** One of the transactions ends; a writer's is committed. */
  go(): void {
    const at = this.#random.int(this.#holders.length);
    const [holder] = this.#holders.splice(at, 1);
    if (holder!.writes) this.#writers.step();
    this.#locks.leave(holder!);
  }

  /** Those that hold a table for longer, in words. */
  olderThan(ms: number): string[] {
    const now = this.#scheduler.nowMs();
    return this.#holders.filter(({ sinceMs }) => now - sinceMs >= ms).map(({ name }) => `holder of ${name}`);
  }
}
