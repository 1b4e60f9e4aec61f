import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

/** Which way bytes flow. */
export type Direction = 'toServer' | 'toClient';

const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** What has passed so far. */
export interface ProxyCounts {
  accepted: number;
  resets: number;
  toServer: number;
  toClient: number;
}

/** One direction of a connection: bytes wait here while they are late or frozen. */
class Lane {
  latencyMs = 0;
  frozen = false;
  /** Called when this many more bytes have passed. */
  bytesLeft = Number.POSITIVE_INFINITY;
  onSpent: () => void = () => {};
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #count: (bytes: number) => void;
  #queue: { dueMs: number; data: Buffer | undefined }[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, target: Socket, count: (bytes: number) => void) {
    this.#source = source;
    this.#target = target;
    this.#count = count;
    source.on('data', (data) => this.#push(data));
    source.on('end', () => this.#push(undefined));
    target.on('drain', () => this.pump());
  }

  #push(data: Buffer | undefined): void {
    this.#queue.push({ dueMs: performance.now() + this.latencyMs, data });
    this.#queuedBytes += data?.length ?? 0;
    if (this.#queuedBytes > QUEUE_BYTES_MAX) this.#source.pause();
    this.pump();
  }

  /** Passes on what is due. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.frozen && !this.#target.destroyed) {
      const head = this.#queue[0];
      if (head === undefined) break;
      const waitMs = head.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      if (this.#target.writableLength > QUEUE_BYTES_MAX) return; // `drain` comes back here
      this.#queue.shift();
      if (!this.#pass(head.data)) return;
    }
    if (this.#queuedBytes <= QUEUE_BYTES_MAX / 2) this.#source.resume();
  }

  #pass(data: Buffer | undefined): boolean {
    if (data === undefined) {
      this.#target.end();
      return true;
    }
    this.#queuedBytes -= data.length;
    const passing = data.subarray(0, Math.min(data.length, this.bytesLeft));
    this.bytesLeft -= passing.length;
    this.#count(passing.length);
    this.#target.write(passing);
    if (this.bytesLeft > 0) return true;
    this.onSpent();
    return false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }
}

/** Node 20 never ends where a socket is reset whose FIN is on its way: its process spins at the exit. */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** A connection that runs through the proxy. */
export class ProxyConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  readonly #counts: ProxyCounts;

  constructor(client: Socket, server: Socket, counts: ProxyCounts, onClosed: () => void) {
    this.#client = client;
    this.#server = server;
    this.#counts = counts;
    const lane = (from: Socket, to: Socket, way: Direction): Lane =>
      new Lane(from, to, (bytes) => {
        counts[way] += bytes;
      });
    this.#lanes = {
      toServer: lane(client, server, 'toServer'),
      toClient: lane(server, client, 'toClient'),
    };
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => resetSocket(other));
    }
    client.once('close', onClosed);
  }

  /** The port by which the server knows this connection: its process list has it. */
  get serverPort(): number | undefined {
    return this.#server.localPort;
  }

  /** Delays bytes of both directions by `ms` milliseconds, from now on. */
  setLatency(ms: number): void {
    for (const lane of Object.values(this.#lanes)) lane.latencyMs = ms;
  }

  /** Holds bytes back until `unfreeze`; the connection stays open, as when a cable is pulled. */
  freeze(way: Direction | 'both' = 'both'): void {
    for (const name of ways(way)) this.#lanes[name].frozen = true;
  }

  /** Lets go what was held back. */
  unfreeze(way: Direction | 'both' = 'both'): void {
    for (const name of ways(way)) {
      this.#lanes[name].frozen = false;
      this.#lanes[name].pump();
    }
  }

  /** Resets both sides (RST), now or after `bytes` more bytes in one direction have passed. */
  reset(bytes = 0, way: Direction = 'toClient'): void {
    if (bytes > 0) {
      this.#lanes[way].bytesLeft = bytes;
      // The last bytes shall arrive before the reset overtakes them.
      this.#lanes[way].onSpent = () => setTimeout(() => this.reset(), 5);
      return;
    }
    if (!this.#client.destroyed) this.#counts.resets++;
    this.#end(resetSocket);
  }

  /** Closes both sides in good order (FIN). */
  close(): void {
    this.#end((socket) => socket.destroy());
  }

  #end(how: (socket: Socket) => void): void {
    for (const lane of Object.values(this.#lanes)) lane.stop();
    how(this.#client);
    how(this.#server);
  }
}

function ways(way: Direction | 'both'): Direction[] {
  return way === 'both' ? ['toServer', 'toClient'] : [way];
}

/**
 * A TCP proxy in this process that makes the faults of a network. What is set here holds for the
 * connections there are and for those to come; single ones are in `connections`.
 */
export class FaultProxy {
  readonly host = '127.0.0.1';
  /** Where it listens; set once it does. An own property, so that copies of the object have it. */
  port = 0;
  readonly connections = new Set<ProxyConnection>();
  readonly counts: ProxyCounts = { accepted: 0, resets: 0, toServer: 0, toClient: 0 };
  readonly #target: { readonly host: string; readonly port: number };
  #listener: Server | undefined;
  #latencyMs = 0;
  readonly #frozen = new Set<Direction>();

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  /** Starts a proxy in front of a server. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.accept();
    return proxy;
  }

  /** Accepts new connections (again). */
  accept(): Promise<void> {
    if (this.#listener !== undefined) return Promise.resolve();
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.port, this.host, () => {
        const address = listener.address();
        if (typeof address === 'object' && address !== null) this.port = address.port;
        resolve();
      });
    });
  }

  /** Refuses new connections, as a host does on which nothing listens; those there are stay. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  #join(client: Socket): void {
    this.counts.accepted++;
    const { host, port } = this.#target;
    const server = tcpConnect({ host, port, allowHalfOpen: true });
    const connection = new ProxyConnection(client, server, this.counts, () =>
      this.connections.delete(connection),
    );
    this.connections.add(connection);
    connection.setLatency(this.#latencyMs);
    for (const way of this.#frozen) connection.freeze(way);
  }

  /** Delays bytes of both directions by `ms` milliseconds. */
  setLatency(ms: number): void {
    this.#latencyMs = ms;
    for (const connection of this.connections) connection.setLatency(ms);
  }

  /** Holds bytes back until `unfreeze`. */
  freeze(way: Direction | 'both' = 'both'): void {
    for (const name of ways(way)) this.#frozen.add(name);
    for (const connection of this.connections) connection.freeze(way);
  }

  /** Lets go what was held back. */
  unfreeze(way: Direction | 'both' = 'both'): void {
    for (const name of ways(way)) this.#frozen.delete(name);
    for (const connection of this.connections) connection.unfreeze(way);
  }

  /** Resets all connections there are (RST), now or each after `bytes` more bytes. */
  reset(bytes = 0, way: Direction = 'toClient'): void {
    for (const connection of this.connections) connection.reset(bytes, way);
  }

  /** Closes all connections there are (FIN). */
  close(): void {
    for (const connection of this.connections) connection.close();
  }

  /** Refuses and closes everything. */
  stop(): void {
    this.refuse();
    this.close();
  }
}
