import { Failure, messageOf, PoltergeistError, Transient } from '../../base/errors.ts';

/** Errors of the server that no reconnect heals, by number: what an operator can do. */
const HOPELESS: Readonly<Record<number, string>> = {
  1044: 'Check the grants of the user.',
  1045: 'Check user and password.',
  1129: 'The server has blocked this host after too many errors: FLUSH HOSTS.',
  1130: 'The server does not let this host in: check the grants of the user.',
  1142: 'Grant the user what the message names.',
  1193: 'The server does not know a variable that the stream needs: is the flavor right?',
  1227: 'Grant the user REPLICATION SLAVE and REPLICATION CLIENT (MariaDB also: BINLOG MONITOR) on *.*.',
  1251: 'The server wants an authentication that the driver does not know.',
  1381: 'Start the server with log_bin.',
  1698: 'Check how the user authenticates.',
  3118: 'The account is locked.',
};

const ER_CANNOT_READ_BINLOG = 1236;

/** Error 1236 (on MariaDB 4052) in these words tells that another connection took our server id, which a new id heals. */
const TAKEN_ID = /same server_?(uuid|id)/i;

/** Whether the server ended the connection since another reader came with the same server id. */
export function isPushedOut(error: Error): boolean {
  return TAKEN_ID.test(error.message);
}

/**
 * What to do about the end of a connection.
 * @param fromPacket the reader or the sink threw it; else it came from the connection.
 * @returns a Transient when connecting again may heal it; anything else ends the stream.
 */
export function judgeStreamError(error: Error, fromPacket: boolean): Error {
  if (error instanceof PoltergeistError || fromPacket) return error;
  const { errno, code } = error as { errno?: number; code?: string };
  const message = `the change stream: ${messageOf(error)}`;
  if (errno === ER_CANNOT_READ_BINLOG && !isPushedOut(error)) {
    return new Failure(message, {
      hint:
        'The server cannot give the binlog from where we need it: it was purged, the server was restored, or an event is ' +
        'larger than max_allowed_packet. Start over, and let the server keep its binlogs longer.',
      cause: error,
    });
  }
  const hint = errno === undefined ? undefined : HOPELESS[errno];
  if (hint !== undefined) return new Failure(message, { hint, cause: error });
  if (code === 'HANDSHAKE_SSL_ERROR' && /certificate|self.signed|altname/i.test(error.message)) {
    return new Failure(message, { hint: 'Check the TLS options of the connection.', cause: error });
  }
  return new Transient(message, { cause: error });
}
