import type { Column } from '../table.ts';
import { fromHex, hexLiteral, type PartCodec } from './part.ts';

/** BINARY(n): the image leaves trailing zero bytes out, the value has them, and so must a literal. */
export function binaryPart(column: Column): PartCodec {
  const width = column.lengthBytes ?? 1;
  const pad = (value: string) => (value.length === width ? value : value.padEnd(width, '\0'));
  return {
    comparable: true,
    width,
    fromImage: (bytes, start, end) => pad(bytes.toString('latin1', start, end)),
    select: (ref) => `HEX(${ref})`,
    fromText: (text) => pad(fromHex(text)),
    literal: hexLiteral,
    orderLiteral: hexLiteral,
  };
}

/** VARBINARY: compared byte by byte without padding; a prefix sorts first. */
export function varbinaryPart(): PartCodec {
  return {
    comparable: true,
    width: null,
    fromImage: (bytes, start, end) => bytes.toString('latin1', start, end),
    select: (ref) => `HEX(${ref})`,
    fromText: fromHex,
    literal: hexLiteral,
    orderLiteral: hexLiteral,
  };
}
