import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { ControlLines } from './control-lines.ts';
import { profileMaxMs } from './cpu-profile.ts';

/** Bounds on what one listener may cost us. */
const limits = {
  connections: 16,
  linesBytes: 64 << 10,
  linesMs: 5_000,
  answerMs: profileMaxMs + 30_000,
  /** Whoever guesses tokens does so slowly. */
  refusalMs: 500,
};

/** What a listener needs. */
export interface ListenerParts {
  /** Answers one line. */
  readonly respond: (line: string) => Promise<string>;
  /** What a client has to send in a first line `token <token>`; null: nothing. */
  readonly token: string | null;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/**
 * One place to connect to: a line a connection, an answer, the end. Nothing that a client does can fail the run: errors end
 * that client's connection. Each listener has bounds of its own, so that who crowds one does not shut the other.
 *
 * Where there is a token, a line `token <token>` comes first; a client without it gets one line of refusal.
 */
export class ControlListener {
  readonly server: Server;
  readonly #parts: ListenerParts;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
    // Who asked it to listen is told of a failure to begin by the call itself.
    this.server.on('error', (error) => {
      if (this.server.listening) parts.warn(`control socket: ${error.message}`);
    });
  }

  /** Ends all connections and listens no more. Never throws. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('control socket closed'));
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size >= limits.connections) {
      socket.end('too many connections\n', () => socket.destroy());
      return;
    }
    this.#sockets.add(socket);
    const done = new AbortController();
    socket.on('close', () => {
      this.#sockets.delete(socket);
      done.abort();
    });
    this.#destroyAfter(limits.linesMs + limits.answerMs, socket, done.signal);
    try {
      const text = await this.#answer(socket);
      if (text === null) socket.destroy();
      else socket.end(`${text}\n`, () => socket.destroySoon());
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

  /** What to send back; null: nothing, the client was too slow or sent too much. */
  async #answer(socket: Socket): Promise<string | null> {
    const line = await this.#command(new ControlLines(socket, limits.linesBytes));
    if (line === null) return null;
    if (line !== undefined) return await this.#parts.respond(line);
    await this.#parts.clock.sleep(limits.refusalMs, this.#closing.signal).catch(() => undefined);
    return 'refused: the first line must be "token <token>", with the token of --serve-tcp-token';
  }

  /** The line with the command; null when none comes in time or bounds, undefined without the token. */
  async #command(lines: ControlLines): Promise<string | null | undefined> {
    const { clock, token } = this.#parts;
    const inTime = new AbortController();
    const tooLate = new AbortController();
    clock.sleep(limits.linesMs, AbortSignal.any([inTime.signal, this.#closing.signal])).then(
      () => tooLate.abort(),
      () => undefined,
    );
    try {
      const first = await lines.next(tooLate.signal);
      if (token === null || first === null) return first;
      const given = /^token\s+(\S+)\s*$/.exec(first)?.[1];
      if (given === undefined || !sameToken(given, token)) return undefined;
      return await lines.next(tooLate.signal);
    } finally {
      inTime.abort();
    }
  }
}

/** Compares without telling by its time how much is right. */
function sameToken(given: string, token: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}
