/**
 * The only file that knows what zongji calls its private parts.
 *
 * zongji makes a class for its dump command per instance, and emits 'ready' after that class exists and before the command
 * is sent: there its `binlogData` is wrapped, and every packet of the stream comes to us before zongji looks at it. We
 * take them all; zongji is left with the connection, the handshake and the dump command. Because this rests on private
 * names the version is pinned, and the names are asserted at each start.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import ZongJi from '@vlasky/zongji';
import type { Connection, ConnectionOptions } from 'mysql2';
import { Bug, Transient, toError } from '../../base/errors.ts';
import type { StartOptions } from './stream-position.ts';

/** The version whose private names were read and tested. */
const ZONGJI_VERSION = '0.9.0';

/** A raw packet, as mysql2's parser gives it (it uses the object again for the next one). */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
}

type BinlogData = (this: unknown, packet: Packet, connection: unknown) => unknown;

/** What we use of a ZongJi beyond its declared API. */
interface Internals {
  readonly connection: Connection | null;
  readonly ctrlConnection: Connection | null;
  readonly BinlogClass?: { readonly prototype: { binlogData: BinlogData } };
  stopped: boolean;
  _fetchTableInfo: unknown;
}

/** What the tap tells its owner. */
export interface TapListener {
  /** The connection stands, and the dump command has not been sent: queries made now run before it. */
  ready(connection: Connection): void;
  /** An event of the binlog at `bytes[start..end)`, valid during the call only. What it throws comes to `failed`. */
  packet(bytes: Buffer, start: number, end: number): void;
  /** The stream is at its end, once; the tap has closed itself. @param fromPacket `packet` threw it. */
  failed(error: Error, fromPacket: boolean): void;
}

/** A marker byte that MySQL puts before each event, and the one of its EOF packet. */
const OK_MARKER = 0x00;
const EOF_MARKER = 0xfe;

/** One connection that reads the binlog. States: open -> closed, by an error, by `close`, or by a throw of the listener. */
export class Tap {
  readonly #zongji: ZongJi;
  readonly #internals: Internals;
  readonly #listener: TapListener;
  #closed = false;

  /** Connects at once. @throws Bug when the installed zongji is not the one that this file knows. */
  constructor(
    connection: ConnectionOptions,
    start: StartOptions & { readonly serverId: number },
    listener: TapListener,
  ) {
    assertVersion();
    this.#listener = listener;
    this.#zongji = new ZongJi(connection);
    this.#internals = this.#zongji as unknown as Internals;
    assertNames(this.#internals);
    // It would query the server and pause the stream; nothing may, and nothing needs it.
    this.#internals._fetchTableInfo = (_event: unknown, next: () => void): void => next();
    this.#zongji.on('error', (error: Error) => this.#fail(error, false));
    this.#zongji.on('ready', () => this.#install());
    this.#zongji.start({ ...start, includeEvents: ['rotate'] });
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#internals.connection?.pause();
  }

  /** Reads on. Packets that had been read already are delivered within this call. */
  resume(): void {
    if (!this.#closed) this.#internals.connection?.resume();
  }

  /** Ends both connections at once, without a word to the server. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#internals.stopped = true;
    destroy(this.#internals.connection);
    destroy(this.#internals.ctrlConnection);
  }

  #install(): void {
    const { BinlogClass, connection, ctrlConnection } = this.#internals;
    const prototype = BinlogClass?.prototype;
    if (prototype === undefined || typeof prototype.binlogData !== 'function' || connection === null) {
      throw unknownZongji('its BinlogClass.prototype.binlogData is not there');
    }
    const original = prototype.binlogData;
    const take = (packet: Packet): void => this.#take(packet);
    prototype.binlogData = function (packet, owner) {
      const marker = packet.buffer[packet.offset];
      // Errors of the server: zongji reports them as 'error'. A short packet of this kind is the end of the stream.
      if (marker !== OK_MARKER && marker !== EOF_MARKER) return original.call(this, packet, owner);
      take(packet);
      return prototype.binlogData;
    };
    // The control connection has done its part; its loss must not end a healthy stream.
    destroy(ctrlConnection);
    this.#listener.ready(connection);
  }

  #take(packet: Packet): void {
    if (this.#closed) return;
    if (packet.buffer[packet.offset] === EOF_MARKER) {
      this.#fail(new Transient('the server has ended the stream'), false);
      return;
    }
    try {
      this.#listener.packet(packet.buffer, packet.offset + 1, packet.end);
    } catch (error) {
      this.#fail(toError(error), true);
    }
  }

  #fail(error: Error, fromPacket: boolean): void {
    if (this.#closed) return;
    this.close();
    this.#listener.failed(error, fromPacket);
  }
}

function destroy(connection: Connection | null): void {
  if (connection === null) return;
  connection.removeAllListeners('error');
  connection.on('error', () => undefined);
  connection.destroy();
  // The driver's destroy only half-closes: the dump thread would keep sending, and the process would never end.
  (connection as unknown as { stream?: { destroy(): void } }).stream?.destroy();
}

function assertNames(internals: Internals): void {
  if (typeof internals._fetchTableInfo !== 'function') throw unknownZongji('_fetchTableInfo is not there');
  if (!('ctrlConnection' in internals)) throw unknownZongji('ctrlConnection is not there');
}

let versionIsRight = false;

function assertVersion(): void {
  if (versionIsRight) return;
  const entry = createRequire(import.meta.url).resolve('@vlasky/zongji');
  const manifest = JSON.parse(readFileSync(join(dirname(entry), 'package.json'), 'utf8')) as {
    version?: string;
  };
  if (manifest.version !== ZONGJI_VERSION) throw unknownZongji(`its version is ${manifest.version}`);
  versionIsRight = true;
}

function unknownZongji(what: string): Bug {
  return new Bug(`the installed @vlasky/zongji cannot be used: ${what}`, {
    hint: `Install exactly @vlasky/zongji ${ZONGJI_VERSION}; the stream reads packets through its private parts.`,
  });
}
