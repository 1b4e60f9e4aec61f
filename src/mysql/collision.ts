import type { KeyRange } from '../core/chunk.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import { keyInList, rangeCondition } from '../core/key-range.ts';
import type { ColumnPair } from '../core/mapping.ts';
import { quoteName, quoteTable } from '../core/quote.ts';
import type { DuplicateKey } from '../core/store.ts';
import type { Index, IndexPart } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { classify } from './server-error.ts';
import type { Row, Session } from './session.ts';

/** What is needed to ask whether two rows of the original collide under a unique key of the ghost. */
export interface CollisionParts {
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly shared: readonly ColumnPair[];
  /** The ghost's unique keys. */
  readonly uniqueKeys: readonly Index[];
  readonly codec: KeyCodec;
  readonly ghostCodec: KeyCodec;
}

/** Pairs of rows that are looked at closely; one is enough to fail. */
const pairsMax = 20;

/**
 * Finds two rows of the original that collide under a unique key of the ghost. The server decides everything: the rows are
 * put into temporary tables with the ghost's column types, so its casts and collations judge, not ours.
 *
 * First: which rows in the way (in the ghost, or among the rows at hand) have equal values. Then, for each such pair: does the
 * original, now, hold two rows that violate the key? If not, the row in the way was stale.
 */
export class CollisionFinder {
  readonly #parts: CollisionParts;

  constructor(parts: CollisionParts) {
    this.#parts = parts;
  }

  /** @returns a text naming both rows, or null when no two rows collide (any more). */
  async find(
    session: Session,
    where: KeyRange | readonly Key[],
    violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<string | null> {
    const index = this.#parts.uniqueKeys.find(({ name }) => name === violated.keyName);
    // A functional part cannot be compared outside of its table: the number of attempts bounds that case.
    if (!index || index.parts.some(({ column }) => column === null)) return null;
    const probe = this.#temporary('rows');
    try {
      await this.#createProbe(session, probe, signal);
      await session.execute(this.#fill(probe, where), { signal });
      for (const [a, b] of await this.#pairs(session, probe, index, signal)) {
        if (await this.#collide(session, index, a, b, signal)) {
          return `${this.#describe(a)} and ${this.#describe(b)} (value ${violated.entry})`;
        }
      }
      return null;
    } finally {
      await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${quoteTable(probe)}`).catch(() => undefined);
    }
  }

  #temporary(name: string): TableRef {
    return { schema: this.#parts.ghost.schema, name: `_poltergeist_probe_${name}` };
  }

  /** The ghost's columns, without any key. */
  async #createProbe(session: Session, probe: TableRef, signal: AbortSignal): Promise<void> {
    await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${quoteTable(probe)}`, { signal });
    const columns = this.#parts.shared.map(({ to }) => quoteName(to)).join(', ');
    await session.execute(
      `CREATE TEMPORARY TABLE ${quoteTable(probe)} AS SELECT ${columns} FROM ${quoteTable(this.#parts.ghost)} LIMIT 0`,
      { signal },
    );
  }

  #fill(probe: TableRef, where: KeyRange | readonly Key[]): string {
    const { codec, original, shared } = this.#parts;
    const to = shared.map((pair) => quoteName(pair.to)).join(', ');
    const from = shared.map((pair) => quoteName(pair.from)).join(', ');
    const condition = isRange(where) ? rangeCondition(codec, where) : keyInList(codec, where);
    return `INSERT INTO ${quoteTable(probe)} (${to}) SELECT ${from} FROM ${quoteTable(original)} WHERE ${condition}`;
  }

  /** Keys of rows with equal values: a row at hand with a row of the ghost, then rows at hand with each other. */
  async #pairs(session: Session, probe: TableRef, index: Index, signal: AbortSignal): Promise<[Key, Key][]> {
    const { ghost, ghostCodec } = this.#parts;
    const keys = ghostCodec.columns.map(({ name }) => quoteName(name));
    const differ = keys.map((name) => `a.${name} <> b.${name}`).join(' OR ');
    const equal = index.parts.map((part) => `${value('a', part)} = ${value('b', part)}`).join(' AND ');
    const columns = ['a', 'b'].flatMap((side) =>
      ghostCodec.selectExpressions(`${side}.`).map((expression, i) => `${expression} AS ${side}${i}`),
    );
    const select = (from: string): string =>
      `SELECT ${columns.join(', ')} FROM ${from} ON ${equal} WHERE ${differ} LIMIT ${pairsMax}`;
    const first = await session.query(select(`${quoteTable(probe)} a JOIN ${quoteTable(ghost)} b`), {
      signal,
    });
    // MySQL cannot open a temporary table twice in one statement: the second side is a copy.
    const copy = this.#temporary('again');
    try {
      await session.execute(
        `CREATE TEMPORARY TABLE ${quoteTable(copy)} AS SELECT * FROM ${quoteTable(probe)}`,
        {
          signal,
        },
      );
      const second = await session.query(select(`${quoteTable(probe)} a JOIN ${quoteTable(copy)} b`), {
        signal,
      });
      return [...first, ...second].map((row) => [this.#key(row, 'a'), this.#key(row, 'b')]);
    } finally {
      await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${quoteTable(copy)}`).catch(() => undefined);
    }
  }

  /** Whether the original, in one snapshot, holds both rows and they violate the key. */
  async #collide(session: Session, index: Index, a: Key, b: Key, signal: AbortSignal): Promise<boolean> {
    const judge = this.#temporary('judge');
    try {
      await this.#createProbe(session, judge, signal);
      const parts = index.parts.map(
        ({ column, prefixChars }) => quoteName(column!) + (prefixChars === null ? '' : `(${prefixChars})`),
      );
      await session.execute(`ALTER TABLE ${quoteTable(judge)} ADD UNIQUE KEY (${parts.join(', ')})`, {
        signal,
      });
      await session.execute(this.#fill(judge, [a, b]), { signal });
      return false;
    } catch (error) {
      if (classify(error) === 'duplicate') return true;
      throw error;
    } finally {
      await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${quoteTable(judge)}`).catch(() => undefined);
    }
  }

  #key(row: Row, side: 'a' | 'b'): Key {
    const { ghostCodec } = this.#parts;
    return ghostCodec.fromText(ghostCodec.columns.map((_, i) => row[`${side}${i}`]));
  }

  #describe(key: Key): string {
    const { codec } = this.#parts;
    const literals = codec.literals(key);
    return codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
  }
}

function isRange(where: KeyRange | readonly Key[]): where is KeyRange {
  return !Array.isArray(where);
}

function value(side: string, part: IndexPart): string {
  const column = `${side}.${quoteName(part.column!)}`;
  return part.prefixChars === null ? column : `LEFT(${column}, ${part.prefixChars})`;
}
