import { Bug, Refusal } from '../../base/errors.ts';
import type { Key, KeyCodec } from '../key.ts';
import type { Column } from '../table.ts';

/**
 * How one column of a key travels. An encoding is a string of bytes (one char a byte), one for each value
 * that the server tells apart; where the part is `comparable` encodings sort as the server sorts.
 */
export interface PartCodec {
  readonly comparable: boolean;
  /** Bytes of every encoding; null where they vary: the key then escapes them, unless it is the last part. */
  readonly width: number | null;
  /** Encodes the value at `bytes[start..end)` of a row image. */
  fromImage(bytes: Buffer, start: number, end: number): string;
  /** The SQL that makes the text for `fromText`; `ref` is the quoted column. Independent of session settings. */
  select(ref: string): string;
  fromText(text: string): string;
  /** A literal that equals the value and nothing else, fit for an index lookup. */
  literal(encoding: string): string;
  /** A literal that sorts against others of its kind as the column sorts, without a column beside it. */
  orderLiteral(encoding: string): string;
}

/** A KeyCodec that can also write keys that are compared with each other by the server, without a column. */
export interface OrderedKeyCodec extends KeyCodec {
  /** One literal a part, carrying its own type and collation: they sort as the columns do. */
  orderLiterals(key: Key): string[];
  /** `selectExpressions` of other references to the key's columns. */
  selectOf(refs: readonly string[]): string[];
}

/** What a codec must know of the server and the session besides the columns. */
export interface CodecOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** `utc`: the session's time_zone is '+00:00'; `epoch`: it may be any. */
  readonly timestampZone: 'utc' | 'epoch';
  /** With `epoch`: the session's zone is a fixed offset, where no hour comes twice. */
  readonly fixedZone?: boolean;
  /**
   * True where original and ghost compare the key's strings alike (MigrationKey.sameComparison): trailing spaces
   * that a PAD SPACE collation ignores are then left out of a `_bin` key, which makes it comparable.
   */
  readonly sameComparison?: boolean;
}

/** The bytes of an encoding in hex. */
export function toHex(encoding: string): string {
  return Buffer.from(encoding, 'latin1').toString('hex');
}

/** The encoding that has the bytes of a hex text. @throws Bug when it is not hex. */
export function fromHex(text: string): string {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new Bug(`expected the HEX() of a key column, got '${text}'`);
  return Buffer.from(text, 'hex').toString('latin1');
}

/** A hex literal of the bytes. */
export function hexLiteral(encoding: string): string {
  return `x'${toHex(encoding)}'`;
}

/** A non-negative integer below 2^53 as `width` bytes, big end first. */
export function bigEndian(value: number, width: number): string {
  let out = '';
  for (let rest = value, i = 0; i < width; i++) {
    out = String.fromCharCode(rest % 256) + out;
    rest = Math.floor(rest / 256);
  }
  return out;
}

/** Reverse of `bigEndian`, for at most 6 bytes of `encoding` from `at` on. */
export function fromBigEndian(encoding: string, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) value = value * 256 + encoding.charCodeAt(i);
  return value;
}

/** @throws Bug where the image has another number of bytes than the type has. */
export function checkWidth(column: Column, start: number, end: number, width: number): void {
  if (end - start === width) return;
  throw new Bug(
    `the row image has ${end - start} bytes for key column ${column.name} (${column.columnType}), not ${width}`,
    { hint: 'The table may have been created by an older server: rebuild it (ALTER TABLE .. FORCE).' },
  );
}

/** The refusal of a key column whose type cannot be carried exactly. */
export function refuseType(column: Column, why: string): Refusal {
  return new Refusal('key-type', `key column ${column.name} (${column.columnType}): ${why}`, {
    hint: 'Give the table a unique key of integers, decimals, dates, strings or binaries.',
  });
}

/** What a driver gave for one of `selectExpressions`, as text. @throws Bug for NULL and for what is no text. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new Bug(`a key column was selected as ${value === null ? 'NULL' : typeof value}`);
}

/** The same for an integer. @throws Bug where it is none. */
export function integerTextOf(value: unknown): string {
  const text = textOf(value);
  if (!/^-?\d+$/.test(text)) throw new Bug(`'${text}' is not the text of an integer key`);
  return text;
}
