import type { KeyRange } from '../core/chunk.ts';
import type { GhostSql } from '../core/ghost-sql.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import { columnsNamed } from '../core/lossy.ts';
import { type RowWriter, UntoleratedLoss } from './lossy-writer.ts';
import { isTransient, ServerError } from './server-error.ts';
import type { Session } from './session.ts';

/** What is needed to find the row that a statement of the data path failed at. */
export interface CulpritParts {
  readonly sql: GhostSql;
  readonly codec: KeyCodec;
  readonly writer: RowWriter;
  /** All columns of the ghost. */
  readonly columns: ReadonlySet<string>;
}

/** A row of the original that does not fit the ghost. */
interface Culprit {
  readonly key: Key;
  /** What the server says to this row alone. */
  readonly error: ServerError;
}

/** Keys of the first tries, and statements at the most: a search must end. */
const keysMax = 1000;
const probesMax = 1000;

/** Thrown to roll a probe back that went well. */
const fits = Symbol('fits');

/** Whether an error of the data path is about a value, so that one row can be named. */
export function isAboutRow(error: unknown): error is ServerError {
  return error instanceof ServerError && (error.kind === 'data' || error instanceof UntoleratedLoss);
}

/**
 * Finds the row at which a copy or a sync failed. The ghost itself judges: its types, its CHECK constraints,
 * its partitions, by tries on ever fewer keys, each in a transaction that is rolled back. "at row 7" of the
 * server's own message counts rows in an order that nobody else knows.
 */
export class CulpritFinder {
  readonly #parts: CulpritParts;

  constructor(parts: CulpritParts) {
    this.#parts = parts;
  }

  /**
   * @returns a text that names row and column and gives the reason, or null when no row fails alone (any
   * more).
   */
  async find(
    session: Session,
    where: KeyRange | readonly Key[],
    signal: AbortSignal,
  ): Promise<string | null> {
    const keys = isKeys(where) ? where : await this.#keysOf(session, where, signal);
    const culprit = await this.#search(session, keys, signal);
    return culprit && this.#describe(culprit);
  }

  async #keysOf(session: Session, range: KeyRange, signal: AbortSignal): Promise<readonly Key[]> {
    const { sql, codec } = this.#parts;
    const rows = await session.query(sql.keysOf(range), { signal });
    return rows.map((row) => codec.fromText(codec.columns.map((_, i) => row[`k${i}`])));
  }

  async #search(session: Session, keys: readonly Key[], signal: AbortSignal): Promise<Culprit | null> {
    const parts: (readonly Key[])[] = [];
    for (let i = 0; i < keys.length; i += keysMax) parts.push(keys.slice(i, i + keysMax));
    for (let probes = 0; probes < probesMax; probes += 1) {
      const part = parts.shift();
      if (part === undefined) return null;
      const answer = await this.#probe(session, part, signal);
      if (answer === fits) continue;
      if (part.length > 1) {
        const half = part.length >> 1;
        parts.unshift(part.slice(0, half), part.slice(half));
      } else if (isAboutRow(answer)) return { key: part[0]!, error: answer };
    }
    return null;
  }

  /** Tries these rows on the ghost. @returns what is wrong with them; a conflict or a lock may hide it. */
  async #probe(
    session: Session,
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<ServerError | typeof fits> {
    const { sql, writer } = this.#parts;
    try {
      return await session.transaction(async () => {
        await session.execute(sql.remove(keys), { signal });
        await writer.write(session, sql.put('INSERT', keys), signal);
        throw fits;
      });
    } catch (error) {
      if (error === fits) return fits;
      if (error instanceof ServerError && mayHide(error)) return error;
      throw error;
    }
  }

  #describe({ key, error }: Culprit): string {
    const { codec, columns } = this.#parts;
    const literals = codec.literals(key);
    const row = codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
    const named = columnsNamed(error.serverMessage, columns).map((name) => `'${name}'`);
    const where = named.length === 0 ? 'the new table' : `column ${named.join(' or ')} of the new table`;
    const why = error.serverMessage.replace(/ at row \d+\.?$/, '');
    return `the row ${row} does not fit ${where}: ${why}`;
  }
}

/** Errors after which fewer keys are tried. */
function mayHide(error: ServerError): boolean {
  return error.kind === 'duplicate' || isTransient(error.kind) || isAboutRow(error);
}

function isKeys(where: KeyRange | readonly Key[]): where is readonly Key[] {
  return Array.isArray(where);
}
