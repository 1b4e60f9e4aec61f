// An event reader with a recording sink and hand-made subscriptions, without a server.
import type { Key, KeyCodec } from '../../src/core/key.ts';
import type { ChangelogRow, ChangeSink, StreamNotice } from '../../src/core/stream.ts';
import type { Column, TableDefinition } from '../../src/core/table.ts';
import { EventReader } from '../../src/mysql/binlog/event-reader.ts';
import { FollowedTables } from '../../src/mysql/binlog/followed-tables.ts';
import { makeLedger } from '../../src/mysql/binlog/ledger.ts';
import { PreparedTransactions } from '../../src/mysql/binlog/prepared-transactions.ts';
import { StreamFigures } from '../../src/mysql/binlog/stream-figures.ts';
import { parsePosition } from '../../src/mysql/binlog/stream-position.ts';
import { WatchedTables } from '../../src/mysql/binlog/watched-tables.ts';

export class Recorder implements ChangeSink {
  readonly log: string[] = [];
  readonly notices: StreamNotice[] = [];
  readonly marks: ChangelogRow[] = [];
  touched(_role: string, key: Key, deleted: boolean): void {
    this.log.push(`${deleted ? '-' : '+'}${key}`);
  }
  marked(row: ChangelogRow): void {
    this.marks.push(row);
  }
  committed(position: { toString(): string }): void {
    this.log.push(`@${position}`);
  }
  noticed(notice: StreamNotice): void {
    this.notices.push(notice);
    this.log.push(`!${notice.kind}`);
  }
}

export interface Kit {
  readonly reader: EventReader;
  readonly sink: Recorder;
  readonly tables: FollowedTables;
  readonly watched: WatchedTables;
  readonly figures: StreamFigures;
  /** Gives events to the reader, one after the other. */
  feed(...events: Buffer[]): void;
}

/** @param from text of the position to start at. */
export function makeKit(from = 'b.1:4', sink: Recorder = new Recorder()): Kit {
  const tables = new FollowedTables(sink, sink);
  const watched = new WatchedTables(tables);
  const figures = new StreamFigures();
  const reader = new EventReader({
    ...{ tables, watched, sink, figures },
    prepared: new PreparedTransactions(1000),
    ledger: makeLedger(parsePosition(from)),
    mayBeUnseen: () => true,
  });
  const feed = (...events: Buffer[]): void => {
    for (const one of events) reader.packet(one, 0, one.length);
  };
  return { reader, sink, tables, watched, figures, feed };
}

export function column(ordinal: number, dataType: string, more: Partial<Column> = {}): Column {
  return {
    ...{ name: `c${ordinal}`, ordinal, dataType, columnType: dataType, unsigned: false, nullable: true },
    ...{ charset: null, collation: null, lengthChars: null, lengthBytes: null, precision: null, scale: null },
    ...{ fractionDigits: null, generated: 'no', invisible: false, autoIncrement: false, defaultText: null },
    ...more,
  };
}

export function definition(schema: string, name: string, columns: readonly Column[]): TableDefinition {
  return {
    ...{ ref: { schema, name }, engine: 'InnoDB', columns, indexes: [], createSql: '', autoIncrement: null },
    ...{ partitioned: false, collation: 'utf8mb4_bin', rowsEstimate: 0, dataBytes: 0, indexBytes: 0 },
  };
}

/** Keys are the bytes of the columns in hex, or the number of a single INT. */
export function plainCodec(columns: readonly Column[]): KeyCodec {
  const unused = (): never => {
    throw new Error('not used');
  };
  const isInt = columns.length === 1 && columns[0]!.dataType === 'int';
  return {
    ...{
      columns,
      comparable: false,
      selectExpressions: unused,
      fromText: unused,
      literals: unused,
      compare: unused,
    },
    fromImage: (bytes, starts, ends) => {
      if (isInt) {
        const start = starts[columns[0]!.ordinal]!;
        return start < 0 ? null : bytes.readInt32LE(start);
      }
      const parts: string[] = [];
      for (const { ordinal } of columns) {
        if (starts[ordinal]! < 0) return null;
        parts.push(bytes.toString('hex', starts[ordinal], ends[ordinal]));
      }
      return parts.join('/');
    },
  };
}

/** Follows `schema.name` with the given columns, by the columns at `keys`. */
export function followPlain(
  kit: Kit,
  schema: string,
  name: string,
  columns: readonly Column[],
  keys: readonly number[],
): void {
  const codec = plainCodec(keys.map((ordinal) => columns[ordinal]!));
  kit.tables.subscribe(
    { schema, name },
    { role: 'original', definition: definition(schema, name, columns), codec },
  );
}
