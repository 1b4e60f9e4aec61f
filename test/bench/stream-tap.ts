// How fast the reader is, without a server: events as they come off the socket, made once and read again and again.
// Prints one line of JSON: skipMBps (events of a table that nobody follows), skipTrxPerSecond (single-row transactions of
// such a table), keysPerSecond (rows of a followed table, one INT key), updatesPerSecond (before and after image).
import type { EventReader } from '../../src/mysql/binlog/event-reader.ts';
import { format, gtid, INT, int, query, rows, tableMap, xid } from '../unit/binlog-encoder.ts';
import { column, followPlain, type Kit, makeKit, Recorder } from '../unit/binlog-reader-kit.ts';

class Counter extends Recorder {
  touches = 0;
  override touched(): void {
    this.touches++;
  }
  override committed(): void {}
}

const COLUMNS = [
  ...[INT, { type: 8, meta: [] }, { type: 246, meta: [10, 2] }, { type: 15, meta: [40, 0] }],
  ...[
    { type: 15, meta: [0, 2] },
    { type: 18, meta: [0] },
    { type: 17, meta: [6] },
    { type: 3, meta: [] },
  ],
];
const DEFINITION = ['int', 'bigint', 'x', 'x', 'x', 'x', 'x', 'int'].map((type, i) => column(i, type));

function image(id: number): Buffer[] {
  const varchar = Buffer.concat([Buffer.of(20), Buffer.alloc(20, 'v')]);
  const long = Buffer.concat([Buffer.of(80, 0), Buffer.alloc(80, 'w')]);
  return [
    int(id),
    Buffer.alloc(8),
    Buffer.alloc(5),
    varchar,
    long,
    Buffer.alloc(5),
    Buffer.alloc(7),
    int(id),
  ];
}

/** Transactions of `rowsPerEvent` rows in 8 events, at least `totalBytes`. */
function makeEvents(totalBytes: number, type: number, rowsPerEvent: number, eventsPerTrx: number): Buffer[] {
  const events: Buffer[] = [format(1)];
  const uuid = '11111111111111111111111111111111';
  let bytes = 0;
  for (let n = 1; bytes < totalBytes; n++) {
    const trx = [gtid(uuid, n), query('BEGIN'), tableMap(42, 'shop', 'orders_gho', COLUMNS)];
    for (let e = 0; e < eventsPerTrx; e++) {
      const images = Array.from({ length: rowsPerEvent }, (_, i) => image(i));
      trx.push(rows(type, 42, COLUMNS.length, type === 31 ? images.flatMap((one) => [one, one]) : images));
    }
    trx.push(xid());
    for (const one of trx) bytes += one.length;
    events.push(...trx);
  }
  return events;
}

/** One buffer with all events, as the socket's chunks hold them, read until `seconds` have passed. */
function measure(
  events: readonly Buffer[],
  seconds: number,
  prepare: (kit: Kit) => void,
): { kit: Kit; ms: number } {
  const kit = makeKit('gtid:', new Counter());
  prepare(kit);
  const bytes = Buffer.concat(events);
  const ends: number[] = [];
  let end = 0;
  for (const one of events) {
    end += one.length;
    ends.push(end);
  }
  const pass = (reader: EventReader): void => {
    let start = 0;
    for (let i = 0; i < ends.length; i++) {
      reader.packet(bytes, start, ends[i]!);
      start = ends[i]!;
    }
  };
  pass(kit.reader);
  Object.assign(kit.figures, { bytes: 0, events: 0, rows: 0, transactions: 0 });
  const from = performance.now();
  while (performance.now() - from < seconds * 1000) pass(kit.reader);
  return { kit, ms: performance.now() - from };
}

const seconds = Number(process.argv[2] ?? 1.5);
const follow = (kit: Kit): void => followPlain(kit, 'shop', 'orders_gho', DEFINITION, [0]);
const skip = (kit: Kit): void => followPlain(kit, 'shop', 'orders', DEFINITION, [0]);
const bulk = makeEvents(8e6, 30, 50, 8);
const single = makeEvents(4e6, 31, 1, 1);
const updates = makeEvents(8e6, 31, 25, 8);
const rate = (measured: ReturnType<typeof measure>, of: 'bytes' | 'transactions' | 'rows'): number =>
  measured.kit.figures[of] / (measured.ms / 1000);
process.stdout.write(
  `${JSON.stringify({
    skipMBps: Math.round(rate(measure(bulk, seconds, skip), 'bytes') / 1e6),
    skipTrxPerSecond: Math.round(rate(measure(single, seconds, skip), 'transactions')),
    keysPerSecond: Math.round(rate(measure(bulk, seconds, follow), 'rows')),
    updatesPerSecond: Math.round(rate(measure(updates, seconds, follow), 'rows')),
    keyTrxPerSecond: Math.round(rate(measure(single, seconds, follow), 'transactions')),
  })}\n`,
);
