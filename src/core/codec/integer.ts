import { Bug } from '../../base/errors.ts';
import type { Column } from '../table.ts';
import { labelsOf } from './labels.ts';
import {
  bigEndian,
  checkWidth,
  fromHex,
  hexLiteral,
  integerTextOf,
  type PartCodec,
  refuseType,
} from './part.ts';

const bytesOf: Readonly<Record<string, number>> = {
  tinyint: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  bigint: 8,
};

/** Bytes of an integer type; undefined for other types. */
export function integerBytes(column: Column): number | undefined {
  return bytesOf[column.dataType === 'integer' ? 'int' : column.dataType];
}

/** Integers: the sign bit flipped, big end first, so that bytes sort as numbers. */
export function integerPart(column: Column): PartCodec {
  const width = integerBytes(column);
  if (width === undefined) throw new Bug(`${column.columnType} is no integer`);
  const flip = column.unsigned ? 0 : 0x80;
  const bits = BigInt(8 * width);
  const offset = column.unsigned ? 0n : 1n << (bits - 1n);
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, width);
      let out = String.fromCharCode((bytes[end - 1] as number) ^ flip);
      for (let i = end - 2; i >= start; i--) out += String.fromCharCode(bytes[i] as number);
      return out;
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText: (text) => encodeUnsigned(BigInt(integerTextOf(text)) + offset, width),
    literal: (encoding) => String(decodeUnsigned(encoding) - offset),
    orderLiteral: hexLiteral,
  };
}

/** YEAR: one byte, 0 for the year 0000, else years since 1900. */
export function yearPart(column: Column): PartCodec {
  return {
    comparable: true,
    width: 1,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, 1);
      return bytes.toString('latin1', start, end);
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText(text) {
      const year = Number(integerTextOf(text));
      return bigEndian(year === 0 ? 0 : year - 1900, 1);
    },
    literal(encoding) {
      const byte = encoding.charCodeAt(0);
      return byte === 0 ? '0' : String(1900 + byte);
    },
    orderLiteral: hexLiteral,
  };
}

/** BIT(n): its bytes, big end first, as the image has them. */
export function bitPart(column: Column): PartCodec {
  const width = Math.ceil((column.precision ?? 1) / 8);
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, width);
      return bytes.toString('latin1', start, end);
    },
    // HEX() of a number prints no leading zeros.
    select: (ref) => `HEX(${ref})`,
    fromText: (text) => fromHex(text.padStart(2 * width, '0')),
    literal: (encoding) => String(decodeUnsigned(encoding)),
    orderLiteral: hexLiteral,
  };
}

/**
 * ENUM by ordinal (0 is the error value '') and SET by bit mask: little end first in the image; the server
 * sorts both as numbers.
 */
export function ordinalPart(column: Column): PartCodec {
  // The server compares a SET with a number as signed, but sorts it as unsigned (measured).
  if (column.dataType === 'set' && labelsOf(column.columnType).length > 63)
    throw refuseType(column, 'the server itself sorts and compares a SET of 64 members in two ways');
  const width = column.dataType === 'enum' ? 2 : 8;
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      let out = '';
      for (let i = start + width - 1; i >= start; i--) out += i < end ? String.fromCharCode(bytes[i]!) : '\0';
      return out;
    },
    // CAST(.. AS UNSIGNED) is exact for 64 members; `+ 0` would go through a double.
    select: (ref) => `CAST(CAST(${ref} AS UNSIGNED) AS CHAR)`,
    fromText: (text) => encodeUnsigned(BigInt(integerTextOf(text)), width),
    literal: (encoding) => String(decodeUnsigned(encoding)),
    orderLiteral: hexLiteral,
  };
}

function encodeUnsigned(value: bigint, width: number): string {
  const hex = value.toString(16).padStart(2 * width, '0');
  if (value < 0n || hex.length !== 2 * width) throw new Bug(`${value} does not fit ${width} bytes`);
  return fromHex(hex);
}

function decodeUnsigned(encoding: string): bigint {
  return BigInt(`0x${Buffer.from(encoding, 'latin1').toString('hex')}`);
}
