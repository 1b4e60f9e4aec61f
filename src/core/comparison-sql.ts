import type { KeyRange } from './chunk.ts';
import type { ColumnImage } from './column-image.ts';
import type { ComparedColumn } from './comparison.ts';
import { copiedValue } from './copied-value.ts';
import type { Key } from './key.ts';
import type { OrderedKeyCodec } from './key-codec.ts';
import { keyInList, rangeCondition } from './key-range.ts';
import { quoteName, quoteTable } from './quote.ts';
import { rowHash } from './row-hash.ts';
import type { Column } from './table.ts';
import type { TableRef } from './table-ref.ts';

/** Which of the two tables a statement reads; `probe` is a temporary table with the ghost's columns. */
export type Side = 'original' | 'ghost' | 'probe';

/** What the statements of the verifier are made of. */
export interface ComparisonSqlParts {
  readonly original: TableRef;
  readonly ghost: TableRef;
  /** A temporary table that may be made beside the ghost. */
  readonly probe: TableRef;
  readonly columns: readonly ComparedColumn[];
  /** The original's index that is the migration key, and the ghost's that finds rows by it. */
  readonly keyName: string;
  readonly ghostIndexName: string;
  /** False where the ghost's index has the key's columns in another order: ranges cannot be read from it. */
  readonly ghostRanges: boolean;
  readonly codec: OrderedKeyCodec;
  readonly ghostCodec: OrderedKeyCodec;
}

/**
 * Every statement that compares original and ghost. All rows are compared by their hash (row-hash.ts), those in doubt by
 * SHA2 of all their values as texts, which costs a multiple.
 */
export class ComparisonSql {
  readonly #parts: ComparisonSqlParts;
  /** Of a wide table they are long, and every chunk needs them. */
  readonly #hashes: Readonly<Record<Side, string>>;
  readonly #checksums: Readonly<Record<Side, string>>;

  constructor(parts: ComparisonSqlParts) {
    this.#parts = parts;
    this.#hashes = ofEachSide((side) => hash(parts.columns, side));
    this.#checksums = ofEachSide((side) => checksum(parts.columns, side));
  }

  get columns(): readonly ComparedColumn[] {
    return this.#parts.columns;
  }

  /** The same without one column. */
  without(name: string): ComparisonSql {
    return new ComparisonSql({
      ...this.#parts,
      columns: this.#parts.columns.filter(({ from }) => from.name !== name),
    });
  }

  /**
   * COUNT and BIT_XOR (n, x) of a range on both sides, without the rows of some keys: two rows of one statement, and so of one
   * snapshot.
   */
  aggregate(range: KeyRange, without: readonly Key[] = []): string {
    const side = (which: Side): string => {
      const sum = `BIT_XOR(${this.#hashes[which]})`;
      const rest = without.length === 0 ? '' : ` AND NOT ${this.#isOneOf(which, without)}`;
      return `SELECT COUNT(*) AS n, ${sum} AS x ${this.#from(which, range)}${rest}`;
    };
    return `${side('original')} UNION ALL ${side('ghost')}`;
  }

  /** Key (k0, k1 ...) and hash (h) of every row of a range. */
  list(side: Side, range: KeyRange): string {
    return `SELECT ${this.#key(side)}, ${this.#hashes[side]} AS h ${this.#from(side, range)}`;
  }

  /** Key and a strong checksum of the rows of these keys. */
  rows(side: Side, keys: readonly Key[]): string {
    return `SELECT ${this.#key(side)}, ${this.#checksums[side]} AS h ${this.#from(side, keys)}`;
  }

  /** Key and a checksum of each column (c0, c1 ...) of the rows of these keys. */
  images(side: Side, keys: readonly Key[]): string {
    const each = this.columns.map((column, i) => `${checksum([column], side)} AS c${i}`);
    return `SELECT ${[this.#key(side), ...each].join(', ')} ${this.#from(side, keys)}`;
  }

  dropProbe(): string {
    return `DROP TEMPORARY TABLE IF EXISTS ${quoteTable(this.#parts.probe)}`;
  }

  /** The ghost's columns without any key: the server's own casts decide what goes into them. */
  createProbe(): string {
    const { probe, ghost } = this.#parts;
    const columns = this.columns.map(({ to }) => quoteName(to.name)).join(', ');
    const head = `CREATE TEMPORARY TABLE ${quoteTable(probe)}`;
    return `${head} AS SELECT ${columns} FROM ${quoteTable(ghost)} LIMIT 0`;
  }

  /** Converts the original's rows of these keys as the copy does. */
  fillProbe(keys: readonly Key[]): string {
    const { probe } = this.#parts;
    const to = this.columns.map((column) => quoteName(column.to.name)).join(', ');
    const from = this.columns
      .map(({ from, to }) => copiedValue(from, to, `o.${quoteName(from.name)}`))
      .join(', ');
    return `INSERT INTO ${quoteTable(probe)} (${to}) SELECT ${from} ${this.#from('original', keys)}`;
  }

  #key(side: Side): string {
    const { codec, ghostCodec } = this.#parts;
    const refs = codec.columns.map((column, i) =>
      side === 'original'
        ? `o.${quoteName(column.name)}`
        : keyOfGhost(column, ghostCodec.columns[i]!, `g.${quoteName(ghostCodec.columns[i]!.name)}`),
    );
    return codec
      .selectOf(refs)
      .map((expression, i) => `${expression} AS k${i}`)
      .join(', ');
  }

  /** The ghost's rows by its own columns, wherever the range is read from. */
  #isOneOf(side: Side, keys: readonly Key[]): string {
    const { codec, ghostCodec } = this.#parts;
    return conditionOf(side === 'original' ? codec : ghostCodec, keys, side === 'original' ? 'o.' : 'g.');
  }

  #from(side: Side, where: KeyRange | readonly Key[]): string {
    const { original, ghost, probe, keyName, ghostIndexName, codec, ghostCodec } = this.#parts;
    const keyed = isKeys(where);
    const source = `${quoteTable(original)} AS o FORCE INDEX (${quoteName(keyName)})`;
    if (side === 'original') return `FROM ${source} WHERE ${conditionOf(codec, where, 'o.')}`;
    if (side === 'probe') return `FROM ${quoteTable(probe)} AS g`;
    const copy = `${quoteTable(ghost)} AS g FORCE INDEX (${quoteName(ghostIndexName)})`;
    if (keyed || this.#parts.ghostRanges) return `FROM ${copy} WHERE ${conditionOf(ghostCodec, where, 'g.')}`;
    const on = codec.columns.map(
      ({ name }, i) => `g.${quoteName(ghostCodec.columns[i]!.name)} = o.${quoteName(name)}`,
    );
    const condition = conditionOf(codec, where, 'o.');
    return `FROM ${source} STRAIGHT_JOIN ${copy} ON ${on.join(' AND ')} WHERE ${condition}`;
  }
}

/** A column as it is compared on a side, and its quoted name there; the probe has the ghost's columns. */
function onSide(
  { source, ghost, from, to }: ComparedColumn,
  side: Side,
): { image: ColumnImage; ref: string } {
  return side === 'original'
    ? { image: source, ref: `o.${quoteName(from.name)}` }
    : { image: ghost, ref: `g.${quoteName(to.name)}` };
}

function ofEachSide(make: (side: Side) => string): Readonly<Record<Side, string>> {
  return { original: make('original'), ghost: make('ghost'), probe: make('probe') };
}

function hash(columns: readonly ComparedColumn[], side: Side): string {
  return rowHash(
    columns.map((column) => {
      const { image, ref } = onSide(column, side);
      return image.field(ref);
    }),
  );
}

function checksum(columns: readonly ComparedColumn[], side: Side): string {
  const texts = columns.flatMap((column) => {
    const { image, ref } = onSide(column, side);
    return image.text(ref);
  });
  return `SHA2(CONCAT_WS('#', ${texts.join(', ')}), 256)`;
}

function conditionOf(codec: OrderedKeyCodec, where: KeyRange | readonly Key[], qualifier: string): string {
  return isKeys(where) ? keyInList(codec, where, { qualifier }) : rangeCondition(codec, where, { qualifier });
}

function isKeys(where: KeyRange | readonly Key[]): where is readonly Key[] {
  return Array.isArray(where);
}

/** A key column of the ghost as the original would have it, so that one codec reads both. */
function keyOfGhost(from: Column, to: Column, ref: string): string {
  if (from.charset !== to.charset && from.charset !== null && !/^(enum|set)$/.test(from.dataType))
    return `CONVERT(${ref} USING ${from.charset})`;
  if (/int$/.test(from.dataType) && /^(decimal|numeric)$/.test(to.dataType))
    return `CAST(${ref} AS ${from.unsigned ? 'UNSIGNED' : 'SIGNED'})`;
  return from.dataType === 'date' && to.dataType === 'datetime' ? `CAST(${ref} AS DATE)` : ref;
}
