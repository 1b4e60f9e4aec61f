import type { ChangelogRow, StreamNotice, Subscription } from '../../core/stream.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { disagreement } from './agreement.ts';
import { FollowedChangelog, FollowedTable } from './followed-table.ts';
import type { RowVisitor } from './row-walker.ts';
import { NAMES_OFFSET, parseTableMap, type TableMap, tableIdOf } from './table-map.ts';
import type { TouchTarget } from './touch-target.ts';

/** A table whose rows we want, by the bytes of its name as a TABLE_MAP has them. */
interface Followed {
  readonly table: TableRef;
  /** Schema length, schema, 0, table length, table. */
  needle: Buffer;
  readonly subscription: Subscription | null;
}

/** A TABLE_MAP of a followed table, and who gets its rows: nobody where it disagrees with the definition. */
interface Mapped {
  readonly event: Buffer;
  readonly followed: Followed;
  readonly visitor: RowVisitor | null;
  /** A disagreement that has not been told, since no rows have come yet. */
  doubt: string | null;
}

/** What the registry tells of what it finds, in the order of the binlog. */
export interface FollowedTablesListener {
  marked(row: ChangelogRow): void;
  noticed(notice: StreamNotice): void;
  /** A subscribed table has a row more or less. */
  grown?(by: 1 | -1): void;
}

/**
 * The tables whose rows are wanted, and which table ids stand for them at this place of the binlog.
 *
 * A TABLE_MAP is compared by the bytes of its name, so the tables of others (first of all the ghost) cost no allocation;
 * for ours it is parsed once per table id, and compared byte by byte when it comes again. Ids are forgotten when a file
 * begins, since the server may have restarted. A change of subscriptions works at once, also between a TABLE_MAP and its
 * rows: ids of other tables stay, those of a replaced subscription are read again by the new one.
 */
export class FollowedTables {
  #followed: Followed[] = [];
  readonly #mapped = new Map<number, Mapped>();
  #foldCase = false;
  /** Where the touches of the transaction being read go. */
  target: TouchTarget;
  readonly #listener: FollowedTablesListener;

  constructor(target: TouchTarget, listener: FollowedTablesListener) {
    this.target = target;
    this.#listener = listener;
  }

  /** The subscribed tables; the changelog is not among them. */
  get subscribed(): readonly TableRef[] {
    return this.#followed.filter((one) => one.subscription !== null).map((one) => one.table);
  }

  /** Whether the server compares table names without case (lower_case_table_names other than 0). */
  set foldCase(fold: boolean) {
    if (fold === this.#foldCase) return;
    this.#foldCase = fold;
    for (const one of this.#followed) one.needle = this.#needleOf(one.table);
    this.forgetIds();
  }

  get foldCase(): boolean {
    return this.#foldCase;
  }

  /** See ChangeStream.subscribe. */
  subscribe(table: TableRef, subscription: Subscription | null): void {
    this.#replace(table, subscription === null ? null : this.#entry(table, subscription));
  }

  /** See ChangeStream.followChangelog. */
  followChangelog(table: TableRef): void {
    this.#replace(table, this.#entry(table, null));
  }

  /** Table ids seen so far mean nothing any more. */
  forgetIds(): void {
    this.#mapped.clear();
  }

  /** Takes a TABLE_MAP event at `bytes[start..end)`, checksum excluded. @throws Failure when it cannot be read. */
  map(bytes: Buffer, start: number, end: number): void {
    const followed = this.#find(bytes, start + NAMES_OFFSET);
    if (followed === undefined) {
      if (this.#mapped.size > 0) this.#mapped.delete(tableIdOf(bytes, start));
      return;
    }
    const id = tableIdOf(bytes, start);
    const known = this.#mapped.get(id);
    if (known !== undefined) {
      const same = known.event.compare(bytes, start + NAMES_OFFSET, end, NAMES_OFFSET) === 0;
      if (same && known.followed === followed) return;
    }
    this.#mapped.set(id, this.#read(followed, Buffer.from(bytes.subarray(start, end))));
  }

  /** Who wants the rows under this table id; undefined or null when nobody does. */
  visitor(tableId: number): RowVisitor | null | undefined {
    const mapped = this.#mapped.get(tableId);
    if (mapped === undefined) return undefined;
    if (mapped.doubt !== null) {
      const detail = mapped.doubt;
      mapped.doubt = null;
      this.#listener.noticed({ kind: 'definition-changed', table: mapped.followed.table, detail });
    }
    return mapped.visitor;
  }

  #read(followed: Followed, event: Buffer): Mapped {
    const mapped = this.#compare(followed, event);
    if (mapped.doubt === null) return mapped;
    const { table } = followed;
    this.#listener.noticed({ kind: 'definition-changed', table, detail: mapped.doubt });
    // The receiver may have come with the right definition; if not, the rows are left alone: it has been told.
    const now = this.#find(event, NAMES_OFFSET);
    const again = now === undefined || now === followed ? mapped : this.#compare(now, event);
    return { ...again, doubt: null };
  }

  #compare(followed: Followed, event: Buffer): Mapped {
    const map = parseTableMap(event, 0, event.length);
    const { table, subscription } = followed;
    if (subscription === null) {
      const visitor = new FollowedChangelog(map, (row) => this.#listener.marked(row));
      return { event, followed, visitor, doubt: null };
    }
    const doubt = disagreement(map, subscription.definition);
    const visitor = doubt === null ? this.#followedTable(map, table, subscription) : null;
    return { event, followed, visitor, doubt };
  }

  #followedTable(map: TableMap, table: TableRef, subscription: Subscription): FollowedTable {
    let told = false;
    return new FollowedTable(map, subscription, {
      target: () => this.target,
      grown: (by) => this.#listener.grown?.(by),
      onKeyAbsent: () => {
        if (told) return;
        told = true;
        this.#listener.noticed({ kind: 'key-absent', table });
      },
    });
  }

  #entry(table: TableRef, subscription: Subscription | null): Followed {
    return { table, subscription, needle: this.#needleOf(table) };
  }

  #replace(table: TableRef, entry: Followed | null): void {
    const isOld = (one: Followed): boolean =>
      one.table.schema === table.schema && one.table.name === table.name;
    this.#followed = this.#followed.filter((one) => !isOld(one));
    if (entry !== null) this.#followed.push(entry);
    for (const [id, mapped] of [...this.#mapped]) {
      if (!isOld(mapped.followed)) continue;
      if (entry === null) this.#mapped.delete(id);
      // An id of the table as it was before a DDL may never be used again: a disagreement is told when it is.
      else this.#mapped.set(id, this.#compare(entry, mapped.event));
    }
  }

  #needleOf({ schema, name }: TableRef): Buffer {
    const fold = (text: string): Buffer => Buffer.from(this.#foldCase ? text.toLowerCase() : text);
    const [schemaBytes, nameBytes] = [fold(schema), fold(name)];
    return Buffer.concat([
      Buffer.of(schemaBytes.length),
      schemaBytes,
      Buffer.of(0, nameBytes.length),
      nameBytes,
      Buffer.of(0),
    ]);
  }

  #find(bytes: Buffer, offset: number): Followed | undefined {
    const followed = this.#followed;
    for (let i = 0; i < followed.length; i++) {
      const one = followed[i]!;
      if (this.#matches(one.needle, bytes, offset)) return one;
    }
    return undefined;
  }

  #matches(needle: Buffer, bytes: Buffer, offset: number): boolean {
    // From the end: names of one migration begin alike and differ in the last letters.
    for (let i = needle.length - 1; i >= 0; i--) {
      const byte = bytes[offset + i]!;
      if (byte === needle[i]) continue;
      if (!this.#foldCase || byte < 0x41 || byte > 0x5a || (byte | 0x20) !== needle[i]) return false;
    }
    return true;
  }
}
