import { Failure } from '../base/errors.ts';
import type { KeyRange } from '../core/chunk.ts';
import { byCodePoint } from '../core/ghost-sql.ts';
import type { FilledColumn } from '../core/implicit-default.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import { keyInList, rangeCondition } from '../core/key-range.ts';
import type { ColumnPair } from '../core/mapping.ts';
import { quoteName, quoteTable } from '../core/quote.ts';
import type { DuplicateKey } from '../core/store.ts';
import type { Index, IndexPart } from '../core/table.ts';
import type { TableRef } from '../core/table-ref.ts';
import { text } from './row.ts';
import { classify } from './server-error.ts';
import type { Row, Session } from './session.ts';

/** What is needed to ask whether two rows of the original collide under a unique key of the ghost. */
export interface CollisionParts {
  readonly original: TableRef;
  readonly ghost: TableRef;
  readonly shared: readonly ColumnPair[];
  /** What is read in place of the bare column, by its name. */
  readonly copied: ReadonlyMap<string, string>;
  readonly filled: readonly FilledColumn[];
  /** The ghost's unique keys. */
  readonly uniqueKeys: readonly Index[];
  /** Those of them that the original does not enforce: of the others no two rows of the original can collide. */
  readonly addedKeys: readonly Index[];
  /** The ghost's AUTO_INCREMENT column. */
  readonly counted: string | null;
  readonly codec: KeyCodec;
  readonly ghostCodec: KeyCodec;
}

/** Pairs of rows that are looked at closely; one is enough to fail. */
const pairsMax = 20;

/**
 * Finds out what stands in the way of a row of the ghost. The server decides everything: rows are put into temporary tables
 * like the ghost, so its casts, collations and expressions judge, not ours.
 *
 * Whether two rows of the original collide: first, which rows in the way (in the ghost, or among the rows at hand) have equal
 * values. Then, for each such pair: does the original, now, hold two rows that violate the key? If not, it was stale.
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
    const index = this.#parts.addedKeys.find(({ name }) => name === violated.keyName);
    if (!index) return null;
    // The probes have no primary key. Who may not say so is told by the error that comes of it (explain.ts).
    await session.execute('SET SESSION sql_require_primary_key = 0', { signal }).catch(() => undefined);
    // A REPLACE would hand the last number from row to row for ever.
    if (this.#isNumbered(index)) throw outOfNumbers(violated);
    const probe = this.#temporary('rows');
    try {
      await this.#createProbe(session, probe, signal);
      await session.execute(this.#fill(probe, where), { signal });
      const pairs = await this.#pairs(session, probe, index, signal);
      return this.#names(await this.#colliding(session, pairs, '', signal), violated);
    } finally {
      await this.#drop(session, probe);
    }
  }

  /**
   * The same for a key that the ghost was to get, all its rows being there: one pass over the whole ghost.
   * @param clauses the key, as a clause of ALTER TABLE.
   */
  async findInGhost(
    session: Session,
    violated: DuplicateKey,
    clauses: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { ghost, ghostCodec } = this.#parts;
    const index = this.#parts.uniqueKeys.find(({ name }) => name === violated.keyName);
    if (!index) return null;
    if (this.#isNumbered(index)) throw outOfNumbers(violated);
    const values = (side: string): string[] => index.parts.map((part) => value(side, part));
    const known = values('').map((each) => `${each} IS NOT NULL`);
    const twice =
      `SELECT ${values('').map((each, i) => `${each} AS _p${i}`)} FROM ${quoteTable(ghost)} ` +
      `WHERE ${known.join(' AND ')} GROUP BY ${values('').join(', ')} HAVING COUNT(*) > 1 LIMIT ${pairsMax}`;
    const columns = ghostCodec.selectExpressions('g.').map((expression, i) => `${expression} AS a${i}`);
    const parts = values('g').map((each, i) => `${each} = d._p${i}`);
    const places = index.parts.map((_, i) => `d._p${i}`).join(', ');
    const rows = await session.query(
      `SELECT ${columns.join(', ')}, ${places} FROM ${quoteTable(ghost)} g JOIN (${twice}) d ON ${parts.join(' AND ')} ` +
        `ORDER BY ${places} LIMIT ${pairsMax * 2}`,
      { signal },
    );
    const keys = rows.map((row) => this.#key(row, 'a'));
    const pairs = keys.slice(1).map((key, i): [Key, Key] => [keys[i]!, key]);
    return this.#names(await this.#colliding(session, pairs, clauses, signal), violated);
  }

  /**
   * Keys of rows of the ghost that hold values of the violated key which rows of `keys` have in the original now. Unless two
   * rows collide in earnest they are stale, and their changes are pending or still in the stream.
   */
  async stale(
    session: Session,
    keys: readonly Key[],
    violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<Key[]> {
    const { original, ghost, shared, codec, ghostCodec, uniqueKeys } = this.#parts;
    const index = uniqueKeys.find(({ name }) => name === violated.keyName);
    if (!index) return [];
    const equal: string[] = [];
    for (const part of index.parts) {
      const from = shared.find(({ to }) => to === part.column)?.from;
      if (from === undefined) return [];
      equal.push(`${value('g', part)} = ${value('o', { ...part, column: from })}`);
    }
    const columns = ghostCodec.selectExpressions('g.').map((expression, i) => `${expression} AS a${i}`);
    const rows = await session.query(
      `SELECT ${columns.join(', ')} FROM ${quoteTable(original)} o JOIN ${quoteTable(ghost)} g ON ${equal.join(' AND ')} ` +
        `WHERE ${keyInList(codec, keys, { qualifier: 'o.' })}`,
      { signal },
    );
    return rows.map((row) => this.#key(row, 'a'));
  }

  /** Whether the server counts up a part of the key by itself: no two rows can have the same but at the counter's end. */
  #isNumbered({ parts }: Index): boolean {
    const { counted, shared } = this.#parts;
    const isNew = shared.every(({ to }) => to !== counted);
    return counted !== null && isNew && parts.some(({ column }) => column === counted);
  }

  #temporary(name: string): TableRef {
    return { schema: this.#parts.ghost.schema, name: `_poltergeist_probe_${name}` };
  }

  async #drop(session: Session, table: TableRef): Promise<void> {
    await session.execute(`DROP TEMPORARY TABLE IF EXISTS ${quoteTable(table)}`).catch(() => undefined);
  }

  /** Like the ghost, its generated columns too, but without unique keys. */
  async #createProbe(session: Session, probe: TableRef, signal: AbortSignal): Promise<void> {
    await this.#createLike(session, probe, signal);
    const { counted } = this.#parts;
    // Of what is there: deferred keys may be missing.
    const keys = await session.query(`SHOW KEYS FROM ${quoteTable(probe)}`, { signal });
    const unique = keys.filter((row) => text(row, 'Non_unique') === '0').map((row) => text(row, 'Key_name'));
    const changes = [...new Set(unique)].map((name) =>
      name === 'PRIMARY' ? 'DROP PRIMARY KEY' : `DROP KEY ${quoteName(name)}`,
    );
    // A column that counts itself up needs some key.
    if (counted !== null && changes.length > 0) changes.push(`ADD KEY (${quoteName(counted)})`);
    if (changes.length > 0)
      await session.execute(`ALTER TABLE ${quoteTable(probe)} ${changes.join(', ')}`, { signal });
  }

  async #createLike(session: Session, table: TableRef, signal: AbortSignal): Promise<void> {
    await this.#drop(session, table);
    await session.execute(
      `CREATE TEMPORARY TABLE ${quoteTable(table)} LIKE ${quoteTable(this.#parts.ghost)}`,
      { signal },
    );
  }

  #fill(probe: TableRef, where: KeyRange | readonly Key[]): string {
    const { codec, original, shared, copied, filled } = this.#parts;
    const to = [...shared.map((pair) => pair.to), ...filled.map(({ column }) => column)].map(quoteName);
    const from = [
      ...shared.map((pair) => copied.get(pair.from) ?? quoteName(pair.from)),
      ...filled.map(({ literal }) => literal),
    ];
    const condition = isRange(where) ? rangeCondition(codec, where) : keyInList(codec, where);
    return (
      `INSERT INTO ${quoteTable(probe)} (${to.join(', ')}) ` +
      `SELECT ${from.join(', ')} FROM ${quoteTable(original)} WHERE ${condition}`
    );
  }

  /** Keys of rows with equal values: a row at hand with a row of the ghost, then rows at hand with each other. */
  async #pairs(session: Session, probe: TableRef, index: Index, signal: AbortSignal): Promise<[Key, Key][]> {
    const { ghost, ghostCodec } = this.#parts;
    const keys = ghostCodec.columns.map(({ name }) => quoteName(name));
    const exact = (side: string): string[] =>
      ghostCodec.columns.map((column) => byCodePoint(`${side}.${quoteName(column.name)}`, column));
    const [left, right] = [exact('a'), exact('b')];
    const differ = left.map((ref, i) => `${ref} <> ${right[i]}`).join(' OR ');
    const equal = index.parts.map((_, i) => `a._p${i} = b._p${i}`).join(' AND ');
    const columns = ['a', 'b'].flatMap((side) =>
      ghostCodec.selectExpressions(`${side}.`).map((expression, i) => `${expression} AS ${side}${i}`),
    );
    const values = [...keys, ...index.parts.map((part, i) => `${value('', part)} AS _p${i}`)].join(', ');
    const from = (table: TableRef): string => `(SELECT ${values} FROM ${quoteTable(table)})`;
    const select = (other: TableRef): string =>
      `SELECT ${columns.join(', ')} FROM ${from(probe)} a JOIN ${from(other)} b ON ${equal} WHERE ${differ} LIMIT ${pairsMax}`;
    const first = await session.query(select(ghost), { signal });
    // MySQL cannot open a temporary table twice in one statement: the second side is a copy.
    const copy = this.#temporary('again');
    try {
      await session.execute(
        `CREATE TEMPORARY TABLE ${quoteTable(copy)} AS SELECT * FROM ${quoteTable(probe)}`,
        { signal },
      );
      const second = await session.query(select(copy), { signal });
      return [...first, ...second].map((row) => [this.#key(row, 'a'), this.#key(row, 'b')]);
    } finally {
      await this.#drop(session, copy);
    }
  }

  /**
   * The first pair that the original holds, in one snapshot, and that violates a key of the ghost.
   * @param missing keys that the ghost does not have yet, as clauses of ALTER TABLE.
   */
  async #colliding(
    session: Session,
    pairs: readonly [Key, Key][],
    missing: string,
    signal: AbortSignal,
  ): Promise<[Key, Key] | null> {
    if (pairs.length === 0) return null;
    const judge = this.#temporary('judge');
    try {
      await this.#createLike(session, judge, signal);
      if (missing !== '') await session.execute(`ALTER TABLE ${quoteTable(judge)} ${missing}`, { signal });
      for (const pair of pairs) {
        try {
          await session.execute(this.#fill(judge, pair), { signal });
          await session.execute(`DELETE FROM ${quoteTable(judge)}`, { signal });
        } catch (error) {
          if (classify(error) === 'duplicate') return pair;
          throw error;
        }
      }
      return null;
    } finally {
      await this.#drop(session, judge);
    }
  }

  #key(row: Row, side: 'a' | 'b'): Key {
    const { ghostCodec } = this.#parts;
    return ghostCodec.fromText(ghostCodec.columns.map((_, i) => row[`${side}${i}`]));
  }

  #names(pair: [Key, Key] | null, { entry }: DuplicateKey): string | null {
    return pair && `${this.#describe(pair[0])} and ${this.#describe(pair[1])} (value ${entry})`;
  }

  #describe(key: Key): string {
    const { codec } = this.#parts;
    const literals = codec.literals(key);
    return codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
  }
}

/** A new AUTO_INCREMENT column has given out its last number. */
export function outOfNumbers(cause: unknown): Failure {
  return new Failure('the new AUTO_INCREMENT column has run out of numbers', {
    hint: 'The original table is untouched. Give that column a wider type: a row that changes meanwhile takes a new number each time.',
    cause,
  });
}

function isRange(where: KeyRange | readonly Key[]): where is KeyRange {
  return !Array.isArray(where);
}

function value(side: string, part: IndexPart): string {
  // The catalogue prints expressions with their quotes escaped.
  if (part.column === null) return `(${(part.expression ?? 'NULL').replaceAll("\\'", "'")})`;
  const column = `${side === '' ? '' : `${side}.`}${quoteName(part.column)}`;
  return part.prefixChars === null ? column : `LEFT(${column}, ${part.prefixChars})`;
}
