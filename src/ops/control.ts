import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { claimSocketFile, type SocketFile } from './socket-file.ts';

/** Bounds on what one socket may cost us. */
const limits = { connections: 16, lineBytes: 64 << 10, lineMs: 5_000, answerMs: 30_000 };

/** What the server needs. */
export interface ControlParts {
  readonly path: string;
  /** Remove a file that is there at the start, whatever it is. */
  readonly dropFile: boolean;
  /** Answers one line. */
  readonly respond: (line: string) => Promise<string>;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/**
 * The control socket: one line a connection, an answer, the end.
 *
 * States: closed -> open (by `open`: the file exists with mode 0600 and is ours) -> closed (by `close`:
 * nobody is connected, the file is gone unless somebody else has put theirs in its place). While it is open,
 * nothing that a client does can fail the run: errors end that client's connection.
 */
export class ControlServer {
  readonly #parts: ControlParts;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  #server: Server | undefined;
  #file: SocketFile | undefined;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** @throws UsageError when the file belongs to a live process or cannot be made. */
  async open(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
    server.on('error', (error) => this.#parts.warn(`control socket: ${error.message}`));
    this.#file = await claimSocketFile(server, this.#parts.path, this.#parts.dropFile);
    this.#server = server;
  }

  /** Ends all connections and removes the file. Never throws. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('control socket closed'));
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    this.#server = undefined;
    await this.#file?.remove();
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size >= limits.connections) {
      socket.end('too many connections\n', () => socket.destroy());
      return;
    }
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const done = new AbortController();
    socket.on('close', () => done.abort());
    this.#destroyAfter(limits.lineMs + limits.answerMs, socket, done.signal);
    try {
      const line = await this.#firstLine(socket);
      if (line !== null) socket.end(`${await this.#parts.respond(line)}\n`, () => socket.destroySoon());
      else socket.destroy();
    } catch (error) {
      this.#parts.warn(`control socket: ${messageOf(error)}`);
      socket.destroy();
    }
  }

  #destroyAfter(ms: number, socket: Socket, ended: AbortSignal): void {
    const stop = AbortSignal.any([ended, this.#closing.signal]);
    this.#parts.clock.sleep(ms, stop).then(
      () => socket.destroy(),
      () => undefined,
    );
  }

  /** The first line, which the end of the input may end, too; null when there is none in time or bounds. */
  async #firstLine(socket: Socket): Promise<string | null> {
    const stopWaiting = new AbortController();
    const tooLate = this.#parts.clock.sleep(limits.lineMs, stopWaiting.signal).then(
      () => null,
      () => null,
    );
    const line = new Promise<string | null>((resolve) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const text = (): string => Buffer.concat(chunks).toString('utf8');
      socket.on('data', (chunk) => {
        // What comes after the line is thrown away, but has to be read: else the answer would be reset.
        if (stopWaiting.signal.aborted) return;
        chunks.push(chunk as Buffer);
        bytes += chunk.length;
        if ((chunk as Buffer).includes(10)) resolve(text().split('\n', 1)[0]!);
        else if (bytes > limits.lineBytes) resolve(null);
      });
      socket.on('end', () => resolve(bytes === 0 ? null : text()));
      socket.on('close', () => resolve(null));
    });
    const first = await Promise.race([line, tooLate]);
    stopWaiting.abort();
    return first === null || Buffer.byteLength(first) > limits.lineBytes ? null : first;
  }
}
