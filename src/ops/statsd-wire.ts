import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';

/** Packets that may be on their way at once: what comes on top of them is dropped. */
const packetsMax = 32;
/** Bytes that may wait in a unix socket. */
const waitingBytesMax = 64 << 10;
const reconnectMs = 5000;

/** Carries packets to a StatsD server. Nothing that happens here reaches the run. */
export interface StatsdWire {
  send(packet: string): void;
  /** Resolves when what was sent has gone out, or cannot. */
  close(): Promise<void>;
}

/**
 * The wire to an address: `host:port` (UDP), or a unix stream socket, as a path, `unix:///path` or `unixstream:///path`.
 * @param warn told once what is wrong.
 * @throws UsageError when it is no address.
 */
export function openStatsdWire(address: string, clock: Clock, warn: (message: string) => void): StatsdWire {
  let told = false;
  const complain = (error: Error & { code?: string }): void => {
    if (told) return;
    told = true;
    const datagrams =
      error.code === 'EPROTOTYPE' ? ' (it takes datagrams; only stream sockets can be used)' : '';
    warn(`--statsd-addr ${address}: ${error.message}${datagrams}; figures are dropped while this lasts`);
  };
  const path = /^(?:unix(?:stream)?:\/\/)?(\/.*)$/.exec(address)?.[1];
  if (path !== undefined) return new StreamWire(path, clock, complain);
  const [, bracketed, host = bracketed, port] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined)
    throw new UsageError(`--statsd-addr is host:port or the path of a unix socket, not "${address}"`);
  return new UdpWire(host, Number(port), complain);
}

class UdpWire implements StatsdWire {
  readonly #host: string;
  readonly #port: number;
  readonly #complain: (error: Error) => void;
  readonly #socket;
  #onTheWay = 0;
  #onIdle: () => void = () => undefined;

  constructor(host: string, port: number, complain: (error: Error) => void) {
    this.#host = host;
    this.#port = port;
    this.#complain = complain;
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('error', complain);
    this.#socket.unref();
  }

  send(packet: string): void {
    // Each may wait for a name to be looked up.
    if (this.#onTheWay >= packetsMax) return;
    this.#onTheWay += 1;
    this.#socket.send(packet, this.#port, this.#host, (error) => {
      this.#onTheWay -= 1;
      if (error) this.#complain(error);
      if (this.#onTheWay === 0) this.#onIdle();
    });
  }

  async close(): Promise<void> {
    if (this.#onTheWay > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    this.#socket.close();
  }
}

/** Packets on a unix stream, each with its length before it, as DogStatsD wants them. Connects again after a while. */
class StreamWire implements StatsdWire {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #complain: (error: Error) => void;
  #socket: Socket | null = null;
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, clock: Clock, complain: (error: Error) => void) {
    this.#path = path;
    this.#clock = clock;
    this.#complain = complain;
  }

  send(packet: string): void {
    const socket = this.#connected();
    if (socket === null || socket.writableLength > waitingBytesMax) return;
    const bytes = Buffer.from(packet);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    socket.write(Buffer.concat([length, bytes]));
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end(() => socket.destroy());
    });
  }

  #connected(): Socket | null {
    if (this.#socket !== null && !this.#socket.destroyed) return this.#socket;
    if (this.#clock.nowMs() - this.#triedMs < reconnectMs) return null;
    this.#triedMs = this.#clock.nowMs();
    this.#socket = connect(this.#path);
    this.#socket.on('error', this.#complain);
    this.#socket.unref();
    return this.#socket;
  }
}
