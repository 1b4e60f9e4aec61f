import { Bug } from '../../base/errors.ts';
import type { Column } from '../table.ts';
import { bigEndian, checkWidth, fromBigEndian, hexLiteral, type PartCodec } from './part.ts';

const groupDigits = 9;
/** Bytes of a group of so many digits. */
const groupBytes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/**
 * DECIMAL in the server's own binary form, which sorts as the numbers do: groups of nine digits in four bytes around
 * the point, shorter groups at the outer ends; all bits of a negative number are inverted, then the first bit.
 */
export function decimalPart(column: Column): PartCodec {
  const scale = column.scale ?? 0;
  const whole = (column.precision ?? 10) - scale;
  const groups = [...groupsOf(whole).reverse(), ...groupsOf(scale)];
  const width = groups.reduce((sum, digits) => sum + (groupBytes[digits] as number), 0);
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, width);
      return bytes.toString('latin1', start, end);
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText(text) {
      const match = /^(-?)(?=\d|\.\d)0*(\d*)(?:\.(\d*))?$/.exec(text);
      const digits = `${(match?.[2] ?? '').padStart(whole, '0')}${(match?.[3] ?? '').padEnd(scale, '0')}`;
      if (match === null || digits.length !== whole + scale)
        throw new Bug(`'${text}' is no ${column.columnType}`);
      let out = '';
      let at = 0;
      for (const size of groups) {
        out += bigEndian(Number(digits.slice(at, at + size)), groupBytes[size] as number);
        at += size;
      }
      return flip(out, match[1] === '-' && /[1-9]/.test(digits));
    },
    literal(encoding) {
      const negative = encoding.charCodeAt(0) < 0x80;
      const plain = flip(encoding, negative);
      let digits = '';
      let at = 0;
      for (const size of groups) {
        const length = groupBytes[size] as number;
        digits += String(fromBigEndian(plain, at, length)).padStart(size, '0');
        at += length;
      }
      const integer = digits.slice(0, whole).replace(/^0+(?=\d)/, '') || '0';
      return `${negative ? '-' : ''}${integer}${scale === 0 ? '' : `.${digits.slice(whole)}`}`;
    },
    orderLiteral: hexLiteral,
  };
}

/** Sizes of the digit groups from the point outwards. */
function groupsOf(digits: number): number[] {
  const sizes = Array.from({ length: Math.floor(digits / groupDigits) }, () => groupDigits);
  return digits % groupDigits === 0 ? sizes : [...sizes, digits % groupDigits];
}

function flip(encoding: string, invert: boolean): string {
  const bytes = Buffer.from(encoding, 'latin1');
  if (invert) for (let i = 0; i < bytes.length; i++) bytes[i] = ~(bytes[i] as number);
  bytes[0] = (bytes[0] as number) ^ 0x80;
  return bytes.toString('latin1');
}
