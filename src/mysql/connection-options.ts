import { inspect } from 'node:util';

/** TLS material, as PEM text. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False skips the check of the chain and of the host name. TLS itself is never given up. */
  readonly rejectUnauthorized: boolean;
}

/** What it takes to reach a server. */
export interface ConnectionFields {
  readonly host: string;
  readonly port: number;
  /** A unix socket; host and port are then for messages only. */
  readonly socketPath?: string;
  readonly user: string;
  readonly password: string;
  /** Absent: no TLS. There is no "preferred": a downgrade must be asked for. */
  readonly ssl?: TlsOptions;
  readonly connectTimeoutMs: number;
}

/**
 * Where and as whom to connect. Safe to log: printing it in any way (JSON, inspect, template text) leaves out
 * the password and the key.
 */
export class ConnectionOptions implements ConnectionFields {
  readonly host: string;
  readonly port: number;
  declare readonly socketPath?: string;
  readonly user: string;
  declare readonly ssl?: TlsOptions;
  readonly connectTimeoutMs: number;
  readonly #password: string;

  constructor(fields: ConnectionFields) {
    this.host = fields.host;
    this.port = fields.port;
    if (fields.socketPath !== undefined) this.socketPath = fields.socketPath;
    this.user = fields.user;
    if (fields.ssl !== undefined) this.ssl = fields.ssl;
    this.connectTimeoutMs = fields.connectTimeoutMs;
    this.#password = fields.password;
  }

  get password(): string {
    return this.#password;
  }

  /** The same server and account with some fields replaced: a replica inherits user, password and TLS. */
  with(changes: Partial<ConnectionFields>): ConnectionOptions {
    return new ConnectionOptions({ ...this.#fields(), ...changes });
  }

  /** `user@host:port`, or with the socket's path. */
  toString(): string {
    return `${this.user}@${this.socketPath ?? `${this.host}:${this.port}`}`;
  }

  toJSON(): Record<string, unknown> {
    const { host, port, socketPath, user, connectTimeoutMs } = this;
    const tls = this.ssl ? (this.ssl.rejectUnauthorized ? 'verified' : 'not verified') : 'none';
    return { host, port, socketPath, user, connectTimeoutMs, tls };
  }

  [inspect.custom](): string {
    return `ConnectionOptions ${inspect(this.toJSON())}`;
  }

  #fields(): ConnectionFields {
    const { host, port, user, connectTimeoutMs, password } = this;
    return {
      host,
      port,
      user,
      password,
      connectTimeoutMs,
      ...(this.socketPath === undefined ? {} : { socketPath: this.socketPath }),
      ...(this.ssl === undefined ? {} : { ssl: this.ssl }),
    };
  }
}
