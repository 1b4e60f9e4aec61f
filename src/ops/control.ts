import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { ControlListener } from './control-listener.ts';
import { claimSocketFile, type SocketFile } from './socket-file.ts';

/** Where to serve by TCP. */
export interface TcpEndpoint {
  readonly host: string;
  /** 0: any that is free, for tests. */
  readonly port: number;
  /** Demanded of every client by TCP; null: none, which only a loopback address may have (option-rules.ts). */
  readonly token: string | null;
}

/** What the server needs. */
export interface ControlParts {
  readonly path: string;
  /** Remove a file that is there at the start, whatever it is. */
  readonly dropFile: boolean;
  readonly tcp: TcpEndpoint | null;
  /** Answers one line. */
  readonly respond: (line: string) => Promise<string>;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/**
 * The control socket, and its TCP port where one is asked for.
 *
 * States: closed -> open (by `open`: the file exists with mode 0600 and is ours, and the port is) -> closed (by `close`:
 * nobody is connected, the file is gone unless somebody else has put theirs in its place).
 */
export class ControlServer {
  readonly #parts: ControlParts;
  readonly #listeners: ControlListener[] = [];
  #file: SocketFile | undefined;
  #tcpPort: number | null = null;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** The TCP port that is served; null without one. */
  get tcpPort(): number | null {
    return this.#tcpPort;
  }

  /** @throws UsageError when file or port belong to a live process or cannot be had. */
  async open(): Promise<void> {
    const { path, dropFile, tcp } = this.#parts;
    this.#file = await claimSocketFile(this.#listen(null).server, path, dropFile);
    if (tcp === null) return;
    try {
      this.#tcpPort = await listenTcp(this.#listen(tcp.token), tcp);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends all connections and removes the file. Never throws. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    await this.#file?.remove();
  }

  #listen(token: string | null): ControlListener {
    const { respond, clock, warn } = this.#parts;
    const listener = new ControlListener({ respond, token, clock, warn });
    this.#listeners.push(listener);
    return listener;
  }
}

async function listenTcp({ server }: ControlListener, { host, port }: TcpEndpoint): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new UsageError(`cannot serve on TCP port ${port} of ${host}: ${messageOf(error)}`, {
      hint: 'Choose another --serve-tcp-port.',
      cause: error,
    });
  }
  return (server.address() as AddressInfo).port;
}
