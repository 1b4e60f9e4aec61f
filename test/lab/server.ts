import mysql, { type Connection, type ConnectionOptions } from 'mysql2/promise';
import type { Flavor } from './flavor.ts';

/** Where a server is and how to get in: what `connectTo` needs. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A server to test with. Those that somebody else runs cannot be killed, paused or restarted: they throw. */
export interface LabServer extends ServerAddress {
  readonly flavor: Flavor;
  /** As `9.7.4` or `10.11.18`. */
  readonly version: string;
  /** Empty for a server that somebody else runs; so is `dataDir`. */
  readonly socketPath: string;
  readonly dataDir: string;
  /** A new connection over TCP; the caller ends it. */
  connect(options?: ConnectionOptions): Promise<Connection>;
  /** Ends it as a power cut would, and waits until it is gone. */
  kill9(): Promise<void>;
  /** Shuts it down in good order; its data stays for `restart`. */
  stop(): Promise<void>;
  /**
   * Starts it again on the same port with the same data, after `kill9` or `stop`; a running one is stopped first.
   * @param options override those it had, from now on.
   */
  restart(options?: Readonly<Record<string, string | number | boolean>>): Promise<void>;
  /** Freezes the process (SIGSTOP): connections stay open and nothing answers. */
  pause(): void;
  /** Lets a paused one go on. */
  resume(): void;
  /** The text of its error log. */
  errorLog(): string;
  /** Ends it at once and removes all it has. */
  dispose(): Promise<void>;
}

/** A new connection to a server. */
export function connectTo(server: ServerAddress, options: ConnectionOptions = {}): Promise<Connection> {
  const { host, port, user, password } = server;
  return mysql.createConnection({ host, port, user, password, ...options });
}
