import { Bug } from '../base/errors.ts';
import type { ServerPlacement } from './changeset.ts';
import type { Chunk, KeyRange } from './chunk.ts';
import { integerBytes } from './codec/integer.ts';
import { labelsOf } from './codec/labels.ts';
import type { Key, KeyCodec } from './key.ts';
import type { OrderedKeyCodec } from './key-codec.ts';
import { splitRuns } from './key-runs.ts';
import { quoteName } from './quote.ts';
import type { Column } from './table.ts';

/** The columns that a condition speaks of, where they are not simply the codec's: an alias, or the ghost's names. */
export interface KeyTarget {
  /** Put before each column: `t.` with the quotes it needs. */
  readonly qualifier?: string;
  /** The key's columns as this table has them. */
  readonly columns?: readonly Column[];
  /** Made of each column's name where equality is to be another than the column's own. */
  readonly wrap?: (ref: string, column: Column) => string;
}

/** One part of a key on the SQL side. */
interface Part {
  readonly ref: string;
  readonly column: Column;
  readonly literal: string;
}

/** The scalars of one IN list: from 1000 on MariaDB may turn a list into a joined table, with other types. */
const listScalarsMax = 900;
/** The longest list of ordinals that stands for a comparison. */
const ordinalsMax = 1000;

/** `WHERE` for one key. All these conditions stand by themselves, in brackets where they need them. */
export function keyEquals(codec: KeyCodec, key: Key, target: KeyTarget = {}): string {
  return `(${partsOf(codec, key, target).map(equals).join(' AND ')})`;
}

/** Keys that may stand in one list. */
interface Batch {
  /** What they have in common, as a condition; may be empty. */
  readonly common: string;
  readonly tuples: string[][];
}

/**
 * `WHERE` for the keys of a batch. Both servers find the rows by ranges of the index, composite keys too; OR of ANDs
 * would as well, but costs MySQL 39 ms instead of 4 for 1000 keys and 3 s instead of 10 ms for 3000 (measured).
 * What must not be in one list (measured):
 *  - `(enum, a) IN ((1, 2))` finds nothing on MySQL: it compares labels. ENUM and SET are taken out of the tuples.
 *  - `a IN (1, 9223372036854775808)` reads the whole table on MariaDB: signed and unsigned literals have no common type.
 *  - `(a, b) IN ((1, 2))`, a single tuple, makes a DELETE of MariaDB read the whole table.
 * Integers in a row are written as ranges, which cover just these keys, since there is nothing between them: a REPLACE .. SELECT
 * of 5000 rows costs MySQL a fifth less, MariaDB a quarter.
 */
export function keyInList(codec: KeyCodec, keys: readonly Key[], target: KeyTarget = {}): string {
  if (keys.length === 0) return 'FALSE';
  const refs = refsOf(codec, target);
  const single = refs.length === 1;
  const columns = target.columns ?? codec.columns;
  const isInteger = single && integerBytes(columns[0] as Column) !== undefined;
  const { runs, others } = isInteger ? splitRuns(keys) : { runs: [], others: keys };
  const isOrdinal = codec.columns.map(({ dataType }) => !single && /^(enum|set)$/.test(dataType));
  const batches = new Map<string, Batch>();
  for (const key of others) {
    const literals = codec.literals(key);
    const common = refs.flatMap((ref, i) => (isOrdinal[i] ? [`${ref} = ${literals[i]}`] : [])).join(' AND ');
    const kind = single && isHuge(literals[0] as string) ? 'huge' : common;
    let batch = batches.get(kind);
    if (batch === undefined) {
      batch = { common, tuples: [] };
      batches.set(kind, batch);
    }
    batch.tuples.push(literals.filter((_, i) => !isOrdinal[i]));
  }
  const listed = refs.filter((_, i) => !isOrdinal[i]);
  const conditions = Array.from(batches.values()).flatMap(({ common, tuples }) =>
    listsOf(listed, tuples).map((list) => [common, list].filter((text) => text !== '').join(' AND ')),
  );
  const ranges = runs.map(([first, last]) => `${refs[0]} BETWEEN ${first} AND ${last}`);
  return `(${[...ranges, ...conditions].join(' OR ')})`;
}

/** `IN` lists of a bounded length; one empty condition where there is nothing to compare. */
function listsOf(refs: readonly string[], tuples: readonly (readonly string[])[]): string[] {
  if (refs.length === 0) return [''];
  const size = Math.max(1, Math.floor(listScalarsMax / refs.length));
  const lists: string[] = [];
  for (let at = 0; at < tuples.length; at += size) {
    const some = tuples.slice(at, at + size);
    if (some.length === 1) lists.push(refs.map((ref, i) => `${ref} = ${some[0]?.[i]}`).join(' AND '));
    else if (refs.length === 1) lists.push(`${refs[0]} IN (${some.join(',')})`);
    else lists.push(`(${refs.join(',')}) IN (${some.map((tuple) => `(${tuple.join(',')})`).join(',')})`);
  }
  return lists;
}

/** Whether an integer literal is beyond the signed ones. */
function isHuge(literal: string): boolean {
  return literal.length >= 19 && /^\d{19,20}$/.test(literal) && BigInt(literal) >= 1n << 63n;
}

/**
 * `WHERE` for a range. Comparisons of composite keys are written out: of row constructors neither server makes index
 * ranges, of this form both make exactly the right one (measured; a leading `a >= 1 AND` makes it worse).
 */
export function rangeCondition(codec: KeyCodec, range: KeyRange, target: KeyTarget = {}): string {
  const conditions = [
    ...(range.after === null ? [] : [keyAfter(codec, range.after, target)]),
    ...(range.upTo === null ? [] : [keyUpTo(codec, range.upTo, target)]),
  ];
  return conditions.length === 0 ? 'TRUE' : `(${conditions.join(' AND ')})`;
}

/** Rows with a greater key. */
export function keyAfter(codec: KeyCodec, key: Key, target: KeyTarget = {}): string {
  return compareTuple(partsOf(codec, key, target), '>', false);
}

/** Rows with this key or a smaller one. */
export function keyUpTo(codec: KeyCodec, key: Key, target: KeyTarget = {}): string {
  return compareTuple(partsOf(codec, key, target), '<', true);
}

/**
 * A SELECT that has the server say where keys lie that only it can order (I4). One row for each key: `i`, its index in
 * `keys`; `place`, -1 above `high` (null: nothing is above), n + 1 inside `flights[n]`, 0 elsewhere.
 */
export function classifySql(
  codec: KeyCodec,
  keys: readonly Key[],
  high: Key | null,
  flights: readonly KeyRange[],
): string {
  if (keys.length === 0) throw new Bug('there are no keys to classify');
  if (!isOrdered(codec)) throw new Bug('this codec cannot write keys for a comparison');
  const bound = (key: Key | null) => (key === null ? null : codec.orderLiterals(key));
  const above = bound(high);
  const ranges = flights.map(({ after, upTo }) => ({ after: bound(after), upTo: bound(upTo) }));
  const selects = keys.map((key, i) => {
    const values = codec.orderLiterals(key);
    const is = (operator: '<' | '>', than: readonly string[] | null) =>
      than === null ? 'TRUE' : compareTuple(pair(codec, values, than), operator, operator === '<');
    const cases = ranges.map(
      ({ after, upTo }, n) => `WHEN ${is('>', after)} AND ${is('<', upTo)} THEN ${n + 1} `,
    );
    if (above !== null) cases.unshift(`WHEN ${is('>', above)} THEN -1 `);
    const place = cases.length === 0 ? '0' : `CASE ${cases.join('')}ELSE 0 END`;
    return `SELECT ${i} AS i, ${place} AS place`;
  });
  return selects.join(' UNION ALL ');
}

/** What the number that `classifySql` has the server tell means. */
export function placeOf(answer: number, flights: readonly Chunk[]): ServerPlacement['place'] {
  if (answer < 0) return 'above';
  return answer === 0 ? 'copied' : flights[answer - 1]!;
}

function isOrdered(codec: KeyCodec): codec is OrderedKeyCodec {
  return 'orderLiterals' in codec;
}

function pair(codec: KeyCodec, values: readonly string[], bound: readonly string[]): Part[] {
  // Order literals carry their own type: an ENUM's are bytes here, not ordinals.
  return codec.columns.map((column, i) => ({
    ref: values[i] as string,
    column: { ...column, dataType: 'literal' },
    literal: bound[i] as string,
  }));
}

function refsOf(
  codec: KeyCodec,
  { qualifier = '', columns = codec.columns, wrap = (ref) => ref }: KeyTarget,
): string[] {
  return columns.map((column) => wrap(qualifier + quoteName(column.name), column));
}

function partsOf(codec: KeyCodec, key: Key, target: KeyTarget): Part[] {
  const literals = codec.literals(key);
  const columns = target.columns ?? codec.columns;
  return refsOf(codec, target).map((ref, i) => ({
    ref,
    column: columns[i] as Column,
    literal: literals[i] as string,
  }));
}

function equals({ ref, literal }: Part): string {
  return `${ref} = ${literal}`;
}

function compareTuple(parts: readonly Part[], operator: '<' | '>', orEqual: boolean): string {
  const [first, ...rest] = parts as [Part, ...Part[]];
  if (rest.length === 0) return compareOne(first, operator, orEqual);
  const strict = compareOne(first, operator, false);
  return `(${strict} OR (${equals(first)} AND ${compareTuple(rest, operator, orEqual)}))`;
}

/**
 * An ENUM is compared with ordinals by listing them: neither server uses an index for `enum > 3`, which would make
 * each chunk read the whole table (measured), and `enum > 'label'` compares the labels' letters.
 */
function compareOne({ ref, column, literal }: Part, operator: '<' | '>', orEqual: boolean): string {
  const plain = `${ref} ${operator}${orEqual ? '=' : ''} ${literal}`;
  if (column.dataType !== 'enum') return plain;
  const count = labelsOf(column.columnType).length;
  const bound = Number(literal);
  const from = operator === '>' ? bound + (orEqual ? 0 : 1) : 0;
  const to = operator === '>' ? count : bound - (orEqual ? 0 : 1);
  if (to - from >= ordinalsMax) return plain;
  if (to < from) return 'FALSE';
  return `${ref} IN (${Array.from({ length: to - from + 1 }, (_, i) => from + i).join(',')})`;
}
