import type { ConnectionOptions as DriverOptions } from 'mysql2';
import type { Clock } from '../../base/clock.ts';
import type { ConnectionFields } from '../connection-options.ts';
import type { ServerFlavor } from './server-facts.ts';

/** Where the stream writes what it does: pino's shape. */
export interface StreamLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** How to reach the server. `socketPath` goes before host and port. */
export type StreamConnectionFields = Pick<
  ConnectionFields,
  'host' | 'port' | 'socketPath' | 'user' | 'password' | 'ssl'
> & { readonly connectTimeoutMs?: number };

/** What the driver wants; the fields one by one, since some of them may be getters. */
export function driverOptions(fields: StreamConnectionFields): DriverOptions {
  const { host, port, socketPath, user, password, ssl, connectTimeoutMs } = fields;
  return {
    ...(socketPath === undefined ? { host, port } : { socketPath }),
    user,
    password,
    ...(ssl === undefined ? {} : { ssl: { ...ssl, verifyIdentity: ssl.rejectUnauthorized } }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }),
  };
}

/** How a binlog stream is set up. */
export interface BinlogStreamOptions {
  readonly connection: StreamConnectionFields;
  readonly flavor: ServerFlavor;
  /** Whether `currentPosition` is a GTID set. `auto`: where the server writes them. */
  readonly gtid: 'auto' | 'on' | 'off';
  readonly clock: Clock;
  readonly log: StreamLog;
  /** Our id among the server's replicas; default a random high one, a new one for each connection. */
  readonly serverId?: number;
  /** Attempts to connect in a row that may fail without progress. Default 10. */
  readonly maxReconnects?: number;
  /** The server gives a sign of life in this time; three times without one and we connect again. Default 5000. */
  readonly heartbeatMs?: number;
  /** How long a `pause` may last before the server hangs up (which heals by itself). Default a day. */
  readonly netTimeoutSeconds?: number;
  /** Bound of the keys of prepared XA transactions that are held in memory. Default a million. */
  readonly maxHeldKeys?: number;
}

/** Default of `maxReconnects`. */
export const MAX_RECONNECTS = 10;
/** Default of `heartbeatMs`. */
export const HEARTBEAT_MS = 5000;
/** Default of `netTimeoutSeconds`. */
export const NET_TIMEOUT_SECONDS = 86_400;
/** Default of `maxHeldKeys`. */
export const MAX_HELD_KEYS = 1_000_000;
