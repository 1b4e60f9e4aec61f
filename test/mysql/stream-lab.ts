// What the tests of the change stream share: a recording sink, a running stream, and waits for what it brings.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import type { Key } from '../../src/core/key.ts';
import { makeKeyCodec } from '../../src/core/key-codec.ts';
import type { Position } from '../../src/core/position.ts';
import type { ChangelogRow, ChangeSink, StreamNotice } from '../../src/core/stream.ts';
import type { TableDefinition } from '../../src/core/table.ts';
import type { TableRef } from '../../src/core/table-ref.ts';
import { BinlogStream } from '../../src/mysql/binlog/stream.ts';
import type { BinlogStreamOptions } from '../../src/mysql/binlog/stream-options.ts';
import { readTableDefinition } from '../../src/mysql/inspector/definition.ts';
import { type LabServer, runSql } from '../lab/lab.ts';
import { withSession } from './session-lab.ts';

export const CHANGELOG: TableRef = { schema: 't', name: '_a_ghc' };

/** `+key` was touched, `-key` was touched and last seen deleted. */
export type Touch = string;

/** Keeps everything, and what was touched within each transaction. */
export class RecordingSink implements ChangeSink {
  readonly touches: Touch[] = [];
  readonly keys: Key[] = [];
  readonly marks: ChangelogRow[] = [];
  readonly notices: StreamNotice[] = [];
  readonly positions: Position[] = [];
  onNotice: ((notice: StreamNotice) => void) | undefined;
  onTouch: (() => void) | undefined;

  touched(role: string, key: Key, deleted: boolean): void {
    this.touches.push(`${role === 'original' ? '' : role}${deleted ? '-' : '+'}${printable(key)}`);
    this.keys.push(key);
    this.onTouch?.();
  }
  marked(row: ChangelogRow): void {
    this.marks.push(row);
  }
  committed(position: Position): void {
    this.positions.push(position);
  }
  noticed(notice: StreamNotice): void {
    this.notices.push(notice);
    this.onNotice?.(notice);
  }
}

function printable(key: Key): string {
  return typeof key === 'number' ? String(key) : Buffer.from(key, 'latin1').toString('hex');
}

export function makeStream(server: LabServer, options: Partial<BinlogStreamOptions> = {}): BinlogStream {
  const { host, port, user, password, flavor } = server;
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  return new BinlogStream({
    ...{ connection: { host, port, user, password }, flavor, gtid: 'auto', clock: systemClock, log },
    heartbeatMs: 500,
    ...options,
  });
}

export async function definitionOf(server: LabServer, ref: TableRef): Promise<TableDefinition> {
  const definition = await withSession(server, (session) => readTableDefinition(session, ref));
  assert.ok(definition, `no table ${ref.schema}.${ref.name}`);
  return definition;
}

/** Follows a table by the named columns (default: its primary key). */
export async function follow(
  stream: BinlogStream,
  server: LabServer,
  ref: TableRef,
  keyColumns?: readonly string[],
  role = 'original',
): Promise<void> {
  const definition = await definitionOf(server, ref);
  const names =
    keyColumns ?? definition.indexes.find((one) => one.primary)!.parts.map((part) => part.column!);
  const columns = names.map((name) => definition.columns.find((column) => column.name === name)!);
  const codec = makeKeyCodec(columns, { flavor: server.flavor, timestampZone: 'utc' } as never);
  stream.subscribe(ref, { role, definition, codec });
}

/** A changelog, and marks in it. */
export class Marker {
  readonly #connection: Connection;
  readonly #sink: RecordingSink;
  #sequence = 0;

  constructor(connection: Connection, sink: RecordingSink) {
    this.#connection = connection;
    this.#sink = sink;
  }

  static async createTable(connection: Connection): Promise<void> {
    await runSql(
      connection,
      `CREATE TABLE IF NOT EXISTS ${CHANGELOG.schema}.${CHANGELOG.name} (id BIGINT UNSIGNED PRIMARY KEY,
        hint VARCHAR(64) CHARACTER SET ascii NOT NULL, sequence BIGINT UNSIGNED NOT NULL,
        written_at_ms BIGINT UNSIGNED NOT NULL, value VARCHAR(4096))`,
    );
  }

  /** Writes a mark and waits until it comes back: everything before it has been read. */
  async pass(): Promise<void> {
    const sequence = ++this.#sequence;
    await runSql(
      this.#connection,
      `REPLACE INTO ${CHANGELOG.schema}.${CHANGELOG.name} VALUES (1, 'mark', ${sequence}, ${Date.now()}, NULL)`,
    );
    await until(() => this.#sink.marks.some((mark) => mark.sequence === sequence), `mark ${sequence}`);
  }
}

/** A stream that runs, with all that is needed to look at it. */
export interface Running {
  readonly stream: BinlogStream;
  readonly sink: RecordingSink;
  readonly sql: Connection;
  readonly marker: Marker;
  /** Stops it. @throws what ended it before. */
  stop(): Promise<void>;
  /** What ends it, or `running`. */
  outcome(): unknown;
}

/** Those that a failed test has left running. */
const leftovers = new Set<AbortController>();

/** For afterEach: a stream that runs on would keep the test file alive. */
export function stopLeftovers(): void {
  for (const one of leftovers) one.abort(new Error('the test has failed'));
  leftovers.clear();
}

/** Starts a stream at the server's current position (or `from`), with the changelog followed. */
export async function runStream(
  server: LabServer,
  options: Partial<BinlogStreamOptions> = {},
  prepare: (stream: BinlogStream, sql: Connection) => Promise<Position | undefined> = async () => undefined,
): Promise<Running> {
  const stream = makeStream(server, options);
  const sink = new RecordingSink();
  const sql = await server.connect({ multipleStatements: true });
  await runSql(sql, 'CREATE DATABASE IF NOT EXISTS t');
  await Marker.createTable(sql);
  stream.followChangelog(CHANGELOG);
  const from = (await prepare(stream, sql)) ?? (await stream.currentPosition());
  const controller = new AbortController();
  leftovers.add(controller);
  controller.signal.addEventListener('abort', () => sql.destroy());
  let outcome: unknown = 'running';
  const run = stream.run(from, sink, controller.signal).then(
    () => {
      outcome = 'stopped';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  const stop = async (): Promise<void> => {
    leftovers.delete(controller);
    controller.abort(new Error('test is over'));
    await run;
    if (outcome instanceof Error) throw outcome;
  };
  await Promise.race([stream.ready(AbortSignal.timeout(10_000)).catch(() => undefined), run]);
  return { stream, sink, sql, marker: new Marker(sql, sink), stop, outcome: () => outcome };
}

/** Polls until it holds. @throws after `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
