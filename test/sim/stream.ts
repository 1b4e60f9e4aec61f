import { Failure } from '../../src/base/errors.ts';
import type { ChangeSink } from '../../src/core/stream.ts';
import { LogPosition, type Server, type Work } from './server.ts';

/**
 * The binlog as the change stream delivers it: event by event, whole transactions claimed, XA rows when they
 * commit (I9). Those rows lie at its PREPARE, so no position after that is claimed before the transaction has
 * ended.
 */
export class SimStream {
  readonly #server: Server;
  readonly #receiver: ChangeSink;
  #entry: number;
  #event = 0;
  /** What the name of the original means to its receiver; null = not followed. */
  #role: 'original' | 'new' | null = 'original';
  readonly stats = { paused: false };
  /** The server that the first connection has met. */
  readonly #uuid: string;
  readonly #onFailure: (error: Error) => void;
  /** Prepared XA transactions that were seen, and the entry of each. */
  readonly #prepared = new Map<Work, number>();

  constructor(server: Server, receiver: ChangeSink, from: number, onFailure: (error: Error) => void) {
    this.#server = server;
    this.#receiver = receiver;
    this.#entry = from;
    this.#uuid = server.uuid;
    this.#onFailure = onFailure;
  }

  pause(): void {
    this.stats.paused = true;
  }

  resume(): void {
    this.stats.paused = false;
  }

  /** From here on the original's name means the new table. */
  follow(role: 'new' | null): void {
    this.#role = role;
  }

  /** The entry that is being delivered. */
  get entry(): number {
    return this.#entry;
  }

  get hasMore(): boolean {
    if (this.#server.uuid !== this.#uuid) return true;
    return this.#entry < this.#server.log.length && !this.stats.paused;
  }

  /** Delivers up to `events` events. */
  deliver(events: number): void {
    if (this.#server.uuid !== this.#uuid) {
      this.#onFailure(new Failure('this is another server than before'));
      return;
    }
    for (let i = 0; i < events && this.hasMore; i += 1) this.#next();
  }

  /** The connection is lost: the transactions since the last whole one come again. */
  reconnect(): void {
    this.#event = 0;
  }

  #next(): void {
    const entry = this.#server.log[this.#entry]!;
    if (entry.kind === 'rows' || (entry.kind === 'xa-commit' && this.#prepared.has(entry.work))) {
      const touch = entry.work.touches[this.#event];
      if (touch) {
        this.#event += 1;
        if (this.#role !== null) this.#receiver.touched(this.#role, touch[0], touch[1]);
        return;
      }
    }
    if (entry.kind === 'mark' && this.#event === 0) {
      this.#event = 1;
      this.#receiver.marked({ id: 1, sequence: entry.sequence, writtenAtMs: entry.atMs });
      return;
    }
    if (entry.kind === 'ddl') {
      const { sql, threadId } = entry;
      this.#receiver.noticed({ kind: 'ddl', sql, schema: 's', threadId });
    }
    if (entry.kind === 'xa-prepare') this.#prepared.set(entry.work, this.#entry);
    if (entry.kind === 'xa-commit' || entry.kind === 'xa-rollback') this.#prepared.delete(entry.work);
    this.#entry += 1;
    this.#event = 0;
    const claimed = Math.min(this.#entry, ...this.#prepared.values());
    this.#receiver.committed(new LogPosition(claimed));
  }
}
