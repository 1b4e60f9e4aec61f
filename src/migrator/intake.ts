import { Failure } from '../base/errors.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { Key } from '../core/key.ts';
import type { Position } from '../core/position.ts';
import { quoteTable } from '../core/quote.ts';
import type { ChangelogRow, ChangeSink, StreamNotice } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { MigrationLog } from './config.ts';
import { meaningOf } from './foreign-ddl.ts';
import type { Replay } from './resume-replay.ts';

/** What an intake holds back while the change set is full. */
export interface Valve {
  readonly stats: { readonly paused: boolean };
  pause(): void;
  resume(): void;
}

/** What an intake passes things on to. */
export interface IntakeParts {
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly changes: ChangeSet;
  readonly stream: Valve;
  readonly marked: (row: ChangelogRow) => void;
  /** Ends the migration. */
  readonly fail: (error: Error) => void;
  readonly log: MigrationLog;
  /** Of a run that goes on where an earlier one stopped. */
  readonly replay?: Replay | undefined;
}

/**
 * Receives the stream: keys into the change set, marks to the heartbeat, the world's changes to the judge.
 *
 * States: following -> swapped (the RENAME was seen in the stream: from here on events of the original's name
 * are those of the new table, and are only remembered, for I7).
 */
export class Intake implements ChangeSink {
  readonly #parts: IntakeParts;
  /** Connections of ours whose DDL is expected. */
  readonly #ours = new Set<number>();
  readonly #touchedSince = new Set<Key>();
  #rows = 0;
  #copying = false;
  #swapping = false;
  #swapSeen = false;
  #swappedAt: Position | null = null;
  #unbounded = false;
  #onSwapSeen: () => void = () => undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Row changes of the original received so far. */
  get rows(): number {
    return this.#rows;
  }

  /** True once our RENAME was read in the stream. */
  get swapSeen(): boolean {
    return this.#swapSeen;
  }

  /** The position right behind our RENAME; null until it was read. */
  get swappedAt(): Position | null {
    return this.#swappedAt;
  }

  /** Keys that were changed in the new table since the swap. */
  get touchedSince(): ReadonlySet<Key> {
    return this.#touchedSince;
  }

  /** DDL of this connection is ours. */
  expect(threadId: number): void {
    this.#ours.add(threadId);
  }

  /** The copy begins: what is committed from now on must come as row events. */
  expectCopy(): void {
    this.#copying = true;
  }

  /** A RENAME of ours may come now. @param onSeen called in the stream's turn, when it is read. */
  expectSwap(onSeen: () => void): void {
    this.#swapping = true;
    this.#onSwapSeen = onSeen;
  }

  touched(role: string, key: Key, deleted: boolean): void {
    if (role === 'new') {
      this.#touchedSince.add(key);
      return;
    }
    this.#rows += 1;
    this.#parts.changes.touch(key, deleted);
    if (this.#parts.changes.full && !this.#unbounded) this.#parts.stream.pause();
  }

  marked(row: ChangelogRow): void {
    this.#parts.replay?.marked(row);
    this.#parts.marked(row);
  }

  committed(position: Position): void {
    if (this.#swapSeen) this.#swappedAt ??= position;
    this.#parts.changes.committed(position);
  }

  noticed(notice: StreamNotice): void {
    const { original, fail, log } = this.#parts;
    if (notice.kind !== 'ddl') {
      if (!this.#swapSeen && this.#isNews(notice)) fail(this.#judge(notice));
      return;
    }
    const { replay } = this.#parts;
    if (this.#ours.has(notice.threadId) || (this.#swapping && replay?.swaps(notice.sql))) {
      if (this.#swapping && this.#isSwap(notice.sql)) this.#seeSwap();
      return;
    }
    if (this.#swapSeen) return;
    if (replay?.forgives(notice.sql, notice.schema))
      log.debug({ sql: notice.sql }, 'a statement from before this run, which does no harm');
    else if (meaningOf(notice.sql) === 'harmless')
      log.info({ sql: notice.sql }, 'a statement of others names the table');
    else
      fail(
        new Failure(
          `somebody changed the schema under the migration of ${quoteTable(original)}: ${cut(notice.sql)}`,
          {
            hint:
              'The original is as that statement left it. What was copied does not fit it any more, and is removed. ' +
              'Look at the table, then start again, without --resume.',
            reason: 'world-changed',
          },
        ),
      );
  }

  /**
   * The stream is not held back any more: after the swap nobody makes room, and what is still to come was written
   * within the time of an attempt.
   */
  unbind(): void {
    this.#unbounded = true;
    this.#parts.stream.resume();
  }

  /** Lets a paused stream go on as the set drains, until the signal aborts. */
  async relieve(signal: AbortSignal): Promise<void> {
    const { changes, stream } = this.#parts;
    while (!signal.aborted) {
      await changes.changed.next(signal);
      if (stream.stats.paused && !changes.full) stream.resume();
    }
  }

  /** What an XA transaction from before our start commits before the copy begins is visible to the copy. */
  #isNews(notice: Exclude<StreamNotice, { kind: 'ddl' }>): boolean {
    return this.#copying || notice.kind !== 'statement' || !/^\s*xa\s+commit\b/i.test(notice.sql);
  }

  /** Of two renames the second: after the first nobody has a table of the name. */
  #isSwap(sql: string): boolean {
    const second = `ALTER TABLE ${quoteTable(this.#parts.ghost)} RENAME TO `;
    return /^\s*rename\s/i.test(sql) || sql.startsWith(second);
  }

  #seeSwap(): void {
    this.#swapping = false;
    this.#swapSeen = true;
    this.#onSwapSeen();
  }

  #judge(notice: Exclude<StreamNotice, { kind: 'ddl' }>): Failure {
    const table = quoteTable(this.#parts.original);
    switch (notice.kind) {
      case 'statement':
        return new Failure(
          `${table} was changed by a statement that left no row events: ${cut(notice.sql)}`,
          {
            hint: 'The original table is untouched by us. Let that session use binlog_format=ROW, and start again.',
            reason: 'world-changed',
          },
        );
      case 'key-absent':
        return new Failure(`a row event of ${table} does not have the columns of the migration key`, {
          hint: 'The original table is untouched. Let all sessions write with binlog_row_image=FULL, and start again.',
          reason: 'world-changed',
        });
      case 'definition-changed':
        return new Failure(`the definition of ${table} is not what it was at the start: ${notice.detail}`, {
          hint: 'The original is as others left it. Look at the table and start again.',
          reason: 'world-changed',
        });
    }
  }
}

function cut(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
