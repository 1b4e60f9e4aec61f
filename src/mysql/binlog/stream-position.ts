import { UsageError } from '../../base/errors.ts';
import type { Position } from '../../core/position.ts';
import { GtidSet } from './gtid-set.ts';

/** What zongji's `start` needs to begin at a position. */
export type StartOptions =
  | { readonly filename: string; readonly position: number }
  | { readonly gtidSet: string };

/** The three kinds of positions, all immutable. Their texts tell them apart. */
export type StreamPosition = FilePosition | GtidPosition | MariadbGtidPosition;

/** A binlog file and an offset in it: `binlog.000012:3456`. */
export class FilePosition implements Position {
  readonly file: string;
  /** Bytes from the begin of the file; at most 2^32 - 1, which is all that the dump command can ask for. */
  readonly offset: number;

  constructor(file: string, offset: number) {
    this.file = file;
    this.offset = offset;
  }

  get startOptions(): StartOptions {
    return { filename: this.file, position: this.offset };
  }

  toString(): string {
    return `${this.file}:${this.offset}`;
  }
}

/** The GTID set of all that has been read, on MySQL: `gtid:uuid:1-5,...`. */
export class GtidPosition implements Position {
  readonly set: GtidSet;

  constructor(set: GtidSet) {
    this.set = set;
  }

  get startOptions(): StartOptions {
    return { gtidSet: this.set.toString() };
  }

  toString(): string {
    return `gtid:${this.set}`;
  }
}

/** The last GTID of a replication domain. */
export interface DomainGtid {
  readonly domain: number;
  readonly server: number;
  readonly sequence: number;
}

/** The last transaction read in each replication domain, on MariaDB: `mariadb-gtid:0-1-100,1-3-5`. */
export class MariadbGtidPosition implements Position {
  readonly domains: readonly DomainGtid[];

  constructor(domains: readonly DomainGtid[]) {
    this.domains = domains;
  }

  /** This position and one transaction more. The last one read counts, also when its number is lower (failover). */
  add(gtid: DomainGtid): MariadbGtidPosition {
    const domains = this.domains.slice();
    for (let i = 0; i < domains.length; i++) {
      if (domains[i]!.domain !== gtid.domain) continue;
      domains[i] = gtid;
      return new MariadbGtidPosition(domains);
    }
    domains.push(gtid);
    return new MariadbGtidPosition(domains);
  }

  get startOptions(): StartOptions {
    return { gtidSet: this.#list() };
  }

  toString(): string {
    return `mariadb-gtid:${this.#list()}`;
  }

  #list(): string {
    return [...this.domains]
      .sort((a, b) => a.domain - b.domain)
      .map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`)
      .join(',');
  }
}

const MAX_UINT32 = 0xffff_ffff;

/**
 * A position from the text of an earlier one.
 * @throws UsageError when it is not one.
 */
export function parsePosition(text: string): StreamPosition {
  const trimmed = text.trim();
  if (trimmed.startsWith('gtid:')) return new GtidPosition(GtidSet.parse(trimmed.slice(5)));
  if (trimmed.startsWith('mariadb-gtid:')) return parseMariadbGtids(trimmed.slice(13));
  const match = /^(\S+):(\d+)$/.exec(trimmed);
  const offset = Number(match?.[2]);
  if (match === null || !(offset >= 4 && offset <= MAX_UINT32)) {
    throw new UsageError(`not a position of the binlog: ${text.slice(0, 200)}`, {
      hint: 'It looks like binlog.000012:3456, gtid:UUID:1-5 or mariadb-gtid:0-1-100.',
    });
  }
  return new FilePosition(match[1]!, offset);
}

/** The position of a list as in `@@gtid_binlog_pos`. @throws UsageError when it is not one. */
export function parseMariadbGtids(list: string): MariadbGtidPosition {
  let position = new MariadbGtidPosition([]);
  for (const item of list.split(',')) {
    if (item.trim() === '') continue;
    const numbers = /^(\d+)-(\d+)-(\d+)$/.exec(item.trim())?.slice(1).map(Number);
    const [domain, server, sequence] = numbers ?? [];
    if (
      domain === undefined ||
      server === undefined ||
      !Number.isSafeInteger(sequence) ||
      domain > MAX_UINT32 ||
      server > MAX_UINT32
    ) {
      throw new UsageError(`not a MariaDB GTID position: ${list.slice(0, 200)}`);
    }
    position = position.add({ domain, server, sequence: sequence as number });
  }
  return position;
}

/** How a run that has lost its server can go on: GTIDs mean the same on other servers, a file does not. */
export function resumeHint(position: StreamPosition): string {
  const how = 'The same command with --resume goes on';
  if (!(position instanceof FilePosition))
    return `${how}, on this server or, by its GTIDs, on another one of the topology (--host).`;
  return `${how}, on this very server only: it is followed by file and position. If it does not come back, start over.`;
}
