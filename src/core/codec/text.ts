import type { Column } from '../table.ts';
import {
  bigEndian,
  type CodecOptions,
  fromHex,
  hexLiteral,
  type PartCodec,
  refuseType,
  toHex,
} from './part.ts';

/** Character sets in which bytes sort as code points and a space is one byte that is part of no other character. */
const plainCharsets = new Set(['ascii', 'latin1', 'utf8', 'utf8mb3', 'utf8mb4']);
const wideSpaces: Readonly<Record<string, string>> = {
  ucs2: '\0 ',
  utf16: '\0 ',
  utf16le: ' \0',
  utf32: '\0\0\0 ',
};

/**
 * CHAR and VARCHAR: the bytes as stored, in the column's own character set. What is equal and what sorts first is
 * for the server's collation to say, but for `_bin` collations of plain character sets, where
 *  - NO PAD (`utf8mb4_0900_bin`, MariaDB's `_nopad_bin`) is the order of the bytes;
 *  - PAD SPACE compares as if with endless spaces at the end: see `padded`. Of a VARCHAR this makes 'a' and 'a ' one
 *    key, which is right only where the ghost compares them so too.
 * CHAR loses its trailing spaces on the way out of the server, so they are no part of a key.
 */
export function textPart(column: Column, options: CodecOptions): PartCodec {
  const { charset, collation } = column;
  if (charset === null || collation === null || !/^\w+$/.test(charset) || !/^\w+$/.test(collation))
    throw refuseType(column, 'its character set is not known');
  const isChar = column.dataType === 'char';
  const binary = plainCharsets.has(charset) && collation.endsWith('_bin');
  const noPad = isNoPad(collation);
  // MariaDB sorts '' behind a tab there, and says that it is less than one (measured): ranges would lose rows.
  if (noPad && isChar && options.flavor === 'mariadb')
    throw refuseType(column, 'MariaDB sorts and compares CHAR with a NO PAD collation in two ways');
  const folds = binary && !noPad && (isChar || options.sameComparison === true);
  const space = wideSpaces[charset] ?? ' ';
  const strip = isChar ? (value: string) => stripEnd(value, space) : (value: string) => value;
  const encode = folds ? padded : strip;
  const decode = folds ? unpadded : (encoding: string) => encoding;
  const literal = (encoding: string) => `_${charset} x'${toHex(decode(encoding))}'`;
  const comparable = binary && (noPad || folds);
  return {
    comparable,
    width: null,
    fromImage: (bytes, start, end) => encode(bytes.toString('latin1', start, end)),
    select: (ref) => `HEX(${ref})`,
    fromText: (text) => encode(fromHex(text)),
    literal,
    orderLiteral: comparable ? hexLiteral : (encoding) => `(${literal(encoding)} COLLATE ${collation})`,
  };
}

/** Whether trailing spaces count in comparisons. */
export function isNoPad(collation: string): boolean {
  return collation === 'binary' || /_0900_|_nopad_/.test(collation);
}

function stripEnd(value: string, space: string): string {
  let end = value.length;
  while (end >= space.length && value.slice(end - space.length, end) === space) end -= space.length;
  return value.slice(0, end);
}

/**
 * Bytes that sort as the text does when endless spaces follow it. Each run of spaces becomes one space and what
 * decides between it and a longer or shorter run: 0 and the length where a smaller byte follows, 1 at the end,
 * 2 and the length counted down where a greater byte follows. Every text ends in an (endless) run.
 */
export function padded(text: string): string {
  const body = stripEnd(text, ' ').replace(/( +)([^ ])/g, (_, run: string, next: string) => {
    const size = next < ' ' ? `\0${bigEndian(run.length, 2)}` : `\x02${bigEndian(0xffff - run.length, 2)}`;
    return ` ${size}${next}`;
  });
  return `${body} \x01`;
}

/** Reverse of `padded`; trailing spaces are gone. */
export function unpadded(encoding: string): string {
  let out = '';
  for (let at = 0; at < encoding.length - 2; at++) {
    const char = encoding[at] as string;
    if (char !== ' ') {
      out += char;
      continue;
    }
    const size = encoding.charCodeAt(at + 2) * 256 + encoding.charCodeAt(at + 3);
    out += ' '.repeat(encoding[at + 1] === '\0' ? size : 0xffff - size);
    at += 3;
  }
  return out;
}
