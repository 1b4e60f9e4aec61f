import { randomUUID } from 'node:crypto';
import type { Connection } from 'mysql2';
import { Bug, Failure, invariant, Transient } from '../../base/errors.ts';
import type { Position } from '../../core/position.ts';
import type { ChangeSink, ChangeStream, StreamStats, Subscription } from '../../core/stream.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { prepareDumpSession } from './dump-session.ts';
import { EventReader } from './event-reader.ts';
import { FollowedTables } from './followed-tables.ts';
import { makeLedger, type PositionLedger } from './ledger.ts';
import { PreparedTransactions } from './prepared-transactions.ts';
import { Promised } from './promised.ts';
import { ReaderId } from './reader-id.ts';
import { readCurrentPosition, readServerFacts, type ServerFacts } from './server-facts.ts';
import { judgeStreamError } from './stream-error.ts';
import { StreamFigures } from './stream-figures.ts';
import {
  type BinlogStreamOptions,
  driverOptions,
  HEARTBEAT_MS,
  MAX_HELD_KEYS,
  MAX_RECONNECTS,
  NET_TIMEOUT_SECONDS,
} from './stream-options.ts';
import { parsePosition, resumeHint } from './stream-position.ts';
import { Tap } from './tap.ts';
import { WatchedTables } from './watched-tables.ts';

const BACKOFF_MS = { first: 100, cap: 10_000 };
/** A connection that held this long was a good one, even if nothing happened on it. */
const GOOD_CONNECTION_MS = 60_000;
/** Signs of life that may be missing before the connection counts as dead. */
const SILENT_HEARTBEATS = 3;
/** When our own event loop was stuck, packets are waiting: look again after this time before giving up a connection. */
const SECOND_LOOK_MS = 50;

/**
 * The change stream of a server: tails its binlog as a replica does.
 *
 * States: idle -> running -> ended, for one `run`; after it has ended another may begin.
 *  - running  a loop of connections. Each starts from the position after the last whole transaction, so what was read
 *             of a cut one comes again. A connection ends with an error, always; `judgeStreamError` decides whether a
 *             new one may heal it. Attempts in a row without progress are bounded, with growing waits between them.
 *  - paused   at any time, across connections: the socket is not read, the watchdog rests, and no new connection is
 *             made. A server that hangs up meanwhile is noticed on resume.
 * Subscriptions, positions and prepared XA transactions outlive connections.
 *
 * A position of the kind file and offset can lie behind transactions that are not visible yet: write a mark after
 * `currentPosition` and before the first read of the table (I2).
 */
export class BinlogStream implements ChangeStream {
  readonly #options: BinlogStreamOptions;
  readonly #figures = new StreamFigures();
  readonly #tables: FollowedTables;
  readonly #watched: WatchedTables;
  readonly #prepared: PreparedTransactions;
  readonly #ready = new Promised<void>();
  readonly #preparedAtStart = new Promised<readonly string[] | null>();
  /** One for all connections: a server that sees it again ends what is left of the one before. */
  readonly #replicaUuid = randomUUID();
  readonly #readerId: ReaderId;
  #sink: ChangeSink | null = null;
  #facts: ServerFacts | null = null;
  #identity: string | null = null;
  #tap: Tap | null = null;
  #resumed: Promised<void> | null = null;
  #stampDue = false;

  constructor(options: BinlogStreamOptions) {
    this.#options = options;
    this.#readerId = new ReaderId(options.serverId);
    const forward: ChangeSink = {
      touched: (role, key, deleted) => this.#sink?.touched(role, key, deleted),
      marked: (row) => this.#sink?.marked(row),
      committed: (position) => this.#sink?.committed(position),
      noticed: (notice) => this.#sink?.noticed(notice),
    };
    this.#tables = new FollowedTables(forward, { ...forward, grown: (by) => this.#figures.grow(by) });
    this.#watched = new WatchedTables(this.#tables);
    this.#prepared = new PreparedTransactions(options.maxHeldKeys ?? MAX_HELD_KEYS);
  }

  get stats(): StreamStats {
    return this.#figures;
  }

  subscribe(table: TableRef, subscription: Subscription | null): void {
    this.#tables.subscribe(table, subscription);
  }

  watch(tables: readonly TableRef[]): void {
    this.#watched.watch(tables);
  }

  followChangelog(table: TableRef): void {
    this.#tables.followChangelog(table);
  }

  currentPosition(): Promise<Position> {
    const { connection, flavor, gtid } = this.#options;
    return readCurrentPosition(driverOptions(connection), flavor, gtid);
  }

  parsePosition(text: string): Position {
    return parsePosition(text);
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  /**
   * The XA transactions that were prepared when `run` first reached the server: what they changed before its start
   * position nobody has seen, so wait for their end (or refuse) before anything relies on the stream. Their XA COMMIT comes as
   * a notice of kind `statement`. Null where the user may not see them (MySQL: grant XA_RECOVER_ADMIN); then every
   * unknown XA COMMIT comes as such a notice.
   */
  preparedAtStart(): Promise<readonly string[] | null> {
    return this.#preparedAtStart.wait();
  }

  /** The XA transactions that have touched subscribed tables and are prepared, as far as the stream has been read. */
  get preparedXids(): readonly string[] {
    return this.#prepared.held;
  }

  pause(): void {
    if (this.#resumed !== null) return;
    this.#resumed = new Promised();
    this.#figures.paused = true;
    this.#tap?.pause();
  }

  resume(): void {
    const resumed = this.#resumed;
    if (resumed === null) return;
    this.#resumed = null;
    this.#figures.paused = false;
    this.#figures.lastPacketMs = this.#options.clock.nowMs();
    resumed.resolve();
    // Packets that were read before the pause are delivered by the driver at once: not within the caller's turn.
    setImmediate(() => {
      if (this.#resumed === null) this.#tap?.resume();
    });
  }

  async run(from: Position, sink: ChangeSink, signal: AbortSignal): Promise<void> {
    invariant(this.#sink === null, 'the stream is running already');
    this.#sink = sink;
    const ledger = makeLedger(parsePosition(from.toString()));
    this.#figures.position = ledger.position;
    try {
      await this.#connectAgainAndAgain(ledger, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#ready.reject(error);
      this.#preparedAtStart.reject(error);
      throw error;
    } finally {
      this.#sink = null;
    }
  }

  async #connectAgainAndAgain(ledger: PositionLedger, signal: AbortSignal): Promise<never> {
    const { clock, log, maxReconnects = MAX_RECONNECTS } = this.#options;
    for (let failed = 0; ; ) {
      signal.throwIfAborted();
      await this.#resumed?.wait(signal);
      const startedMs = clock.nowMs();
      const before = ledger.position;
      const error = await this.#oneConnection(ledger, signal);
      signal.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      const progress = ledger.position !== before || clock.nowMs() - startedMs > GOOD_CONNECTION_MS;
      failed = progress ? 1 : failed + 1;
      if (failed > maxReconnects) {
        throw new Failure(`${error.message} (after ${maxReconnects} attempts to connect again)`, {
          hint: `Is the server up, and can it be reached from here? ${resumeHint(ledger.position)}`,
          cause: error,
        });
      }
      this.#figures.reconnects++;
      this.#readerId.ended(error, log);
      const waitMs = Math.min(BACKOFF_MS.cap, BACKOFF_MS.first * 2 ** (failed - 1));
      log.warn(
        { err: error, waitMs, position: ledger.position.toString() },
        'change stream: connecting again',
      );
      await clock.sleep(waitMs, signal);
    }
  }

  /** @returns what ended the connection. */
  async #oneConnection(ledger: PositionLedger, signal: AbortSignal): Promise<Error> {
    const { clock, connection, flavor, log } = this.#options;
    const end = new Promised<Error>();
    const onAbort = (): void => end.resolve(new Failure('the stream was stopped'));
    const ended = new AbortController();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#facts ??= await readServerFacts(driverOptions(connection), flavor);
      if (signal.aborted) return new Failure('the stream was stopped');
      this.#tables.foldCase = this.#facts.foldCase;
      this.#preparedAtStart.resolve(this.#facts.preparedXids);
      this.#figures.lastPacketMs = clock.nowMs();
      const position = ledger.position.toString();
      log.debug({ position }, 'change stream: connecting');
      this.#tap = this.#open(ledger, end);
      this.#watch(end, ended.signal).catch(() => undefined);
      return await end.wait();
    } catch (error) {
      return judgeStreamError(error as Error, false);
    } finally {
      ended.abort();
      signal.removeEventListener('abort', onAbort);
      this.#tap?.close();
      this.#tap = null;
      this.#figures.connected = false;
    }
  }

  #open(ledger: PositionLedger, end: Promised<Error>): Tap {
    const { connection } = this.#options;
    const reader = this.#makeReader(ledger);
    return new Tap(
      driverOptions(connection),
      { ...ledger.position.startOptions, serverId: this.#readerId.next },
      {
        ready: (session) => {
          this.#prepare(session, ledger, end);
          if (this.#resumed !== null) this.#tap?.pause();
        },
        packet: (bytes, start, stop) => {
          if (!this.#stampDue) this.#stamp();
          reader.packet(bytes, start, stop);
        },
        failed: (error, fromPacket) => end.resolve(judgeStreamError(error, fromPacket)),
      },
    );
  }

  #prepare(session: Connection, ledger: PositionLedger, end: Promised<Error>): void {
    const { flavor, heartbeatMs = HEARTBEAT_MS, netTimeoutSeconds = NET_TIMEOUT_SECONDS } = this.#options;
    const replicaUuid = this.#replicaUuid;
    prepareDumpSession(session, {
      ...{ flavor, heartbeatMs, netTimeoutSeconds, replicaUuid },
      onError: (error) => end.resolve(judgeStreamError(error, false)),
      onIdentity: (identity) => {
        this.#identity ??= identity;
        if (identity === this.#identity) return;
        const what = `this is another server (${identity}) than before (${this.#identity})`;
        end.resolve(
          new Failure(`the change stream: ${what}`, {
            hint: `A failover or a proxy: what the new server has cannot be proved here. ${resumeHint(ledger.position)}`,
          }),
        );
      },
    });
  }

  #makeReader(ledger: PositionLedger): EventReader {
    const sink = this.#sink;
    if (sink === null) throw new Bug('the stream is not running');
    return new EventReader({
      tables: this.#tables,
      watched: this.#watched,
      prepared: this.#prepared,
      ledger,
      sink,
      figures: this.#figures,
      mayBeUnseen: (xid) => this.#facts?.preparedXids?.includes(xid) ?? true,
    });
  }

  /** Reads the clock once for all packets of a turn of the event loop. */
  #stamp(): void {
    this.#stampDue = true;
    setImmediate(() => {
      this.#stampDue = false;
      this.#figures.lastPacketMs = this.#options.clock.nowMs();
    });
    if (this.#figures.connected) return;
    this.#figures.connected = true;
    this.#ready.resolve();
  }

  /** Ends a connection that has been silent for too long. */
  async #watch(end: Promised<Error>, signal: AbortSignal): Promise<void> {
    const { clock, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const limitMs = heartbeatMs * SILENT_HEARTBEATS;
    const isSilent = (): boolean =>
      this.#resumed === null && clock.nowMs() - this.#figures.lastPacketMs > limitMs;
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal);
      if (!isSilent()) continue;
      await clock.sleep(SECOND_LOOK_MS, signal);
      if (isSilent()) end.resolve(new Transient(`the server has been silent for ${Math.round(limitMs)} ms`));
    }
  }
}
