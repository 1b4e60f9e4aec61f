import { randomInt } from 'node:crypto';
import { isPushedOut } from './stream-error.ts';
import type { StreamLog } from './stream-options.ts';

/**
 * The server id under which we read a binlog: the given one, until another reader comes with it. On MariaDB two readers with one
 * id push each other out for ever, so the other one keeps it.
 */
export class ReaderId {
  #given: number | undefined;

  constructor(given: number | undefined) {
    this.#given = given;
  }

  /** For a new connection; not given: a random one above what people number their servers with. */
  get next(): number {
    return this.#given ?? randomInt(3_000_000_000, 0xffff_fff0);
  }

  /** What ended a connection; where that was another reader with the same id, the log says so. */
  ended(error: Error, log: StreamLog): void {
    if (this.#given === undefined || !isPushedOut(error)) return;
    const said = `another reader of the binlog came with the server id ${this.#given}, which was given to this run`;
    log.warn(
      {},
      `${said}: it goes on with a free one; give each run a --replica-server-id of its own, or none`,
    );
    this.#given = undefined;
  }
}
