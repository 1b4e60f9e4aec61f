import type { Column } from '../table.ts';
import { fromHex, hexLiteral, type PartCodec, toHex } from './part.ts';

/**
 * MariaDB's UUID: the binlog has the bytes in the order of the text, trailing zeros left out, whatever the version
 * (measured). The server sorts by the node first for most versions, so only the server can compare.
 */
export function uuidPart(): PartCodec {
  const literal = (encoding: string) =>
    `'${toHex(encoding).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}'`;
  return {
    ...addressPart(16, literal),
    comparable: false,
    orderLiteral: (encoding) => `CAST(${literal(encoding)} AS UUID)`,
  };
}

/** MariaDB's INET4 and INET6: the address, big end first, trailing zeros left out in the binlog. */
export function inetPart(column: Column): PartCodec {
  return column.dataType === 'inet4'
    ? addressPart(4, (encoding) => `'${Array.from(Buffer.from(encoding, 'latin1')).join('.')}'`)
    : addressPart(16, (encoding) => `'${toHex(encoding).replace(/(.{4})(?=.)/g, '$1:')}'`);
}

function addressPart(width: number, literal: (encoding: string) => string): PartCodec {
  const pad = (value: string) => value.padEnd(width, '\0');
  return {
    comparable: true,
    width,
    fromImage: (bytes, start, end) => pad(bytes.toString('latin1', start, end)),
    // HEX() alone would be that of the text.
    select: (ref) => `HEX(CAST(${ref} AS BINARY(${width})))`,
    fromText: (text) => pad(fromHex(text)),
    literal,
    orderLiteral: hexLiteral,
  };
}
