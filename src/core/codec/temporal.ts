import { Bug } from '../../base/errors.ts';
import type { Column } from '../table.ts';
import {
  bigEndian,
  type CodecOptions,
  checkWidth,
  fromBigEndian,
  hexLiteral,
  type PartCodec,
  refuseType,
} from './part.ts';

const dateTimeOffset = 0x80_0000_0000;
const timeOffset = 0x80_0000;
/** What servers put into the type of a column that still has a format from before MySQL 5.6. */
const oldFormat = /mariadb-5\.3|5\.5 binary format/;

/** DATE, DATETIME, TIMESTAMP and TIME: in the server's format with the big end first, which sorts as time does. */
export function temporalPart(column: Column, options: CodecOptions): PartCodec {
  const digits = column.fractionDigits ?? 0;
  const old = oldFormat.test(column.columnType);
  if (old && digits > 0)
    throw refuseType(column, 'the old format with fractions cannot be told from the new one in the binlog');
  switch (column.dataType) {
    case 'date':
      return datePart(column);
    case 'datetime':
      return datetimePart(column, digits);
    case 'time':
      return timePart(column, digits, old);
    default:
      return timestampPart(column, digits, old, options);
  }
}

function datePart(column: Column): PartCodec {
  return {
    comparable: true,
    width: 3,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, 3);
      return bigEndian(bytes.readUIntLE(start, 3), 3);
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText(text) {
      const [year, month, day] = numbers(text, /^(\d+)-(\d+)-(\d+)$/);
      return bigEndian(year * 512 + month * 32 + day, 3);
    },
    literal(encoding) {
      const value = fromBigEndian(encoding, 0, 3);
      return `DATE'${dateText(value >> 9, (value >> 5) & 15, value & 31)}'`;
    },
    orderLiteral: hexLiteral,
  };
}

function datetimePart(column: Column, digits: number): PartCodec {
  const fraction = fractionBytes(digits);
  const encode = (year: number, month: number, day: number, seconds: number, part: number) =>
    bigEndian(dateTimeOffset + ((year * 13 + month) * 32 + day) * 0x2_0000 + seconds, 5) +
    bigEndian(part, fraction);
  return {
    comparable: true,
    width: 5 + fraction,
    fromImage(bytes, start, end) {
      if (digits === 0 && end - start === 8) return encodeOld(bytes.readBigUInt64LE(start));
      checkWidth(column, start, end, 5 + fraction);
      return bytes.toString('latin1', start, end);
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText(text) {
      const pattern = /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)(?:\.(\d+))?$/;
      const [year, month, day, hour, minute, second] = numbers(text, pattern);
      const clock = hour * 4096 + minute * 64 + second;
      return encode(year, month, day, clock, fractionOf(text, fraction));
    },
    literal(encoding) {
      const value = fromBigEndian(encoding, 0, 5) - dateTimeOffset;
      const days = Math.floor(value / 0x2_0000);
      const months = days >> 5;
      const date = dateText(Math.floor(months / 13), months % 13, days & 31);
      return `TIMESTAMP'${date} ${clockText(value % 0x2_0000)}${fractionText(encoding, 5, digits)}'`;
    },
    orderLiteral: hexLiteral,
  };

  /** Before MySQL 5.6: the number YYYYMMDDhhmmss. */
  function encodeOld(stored: bigint): string {
    const text = String(stored).padStart(14, '0');
    const at = (from: number, to: number) => Number(text.slice(from, to));
    const clock = at(8, 10) * 4096 + at(10, 12) * 64 + at(12, 14);
    return encode(at(0, 4), at(4, 6), at(6, 8), clock, 0);
  }
}

function timePart(column: Column, digits: number, old: boolean): PartCodec {
  const fraction = fractionBytes(digits);
  const scale = 256 ** fraction;
  const width = 3 + fraction;
  const encode = (negative: boolean, clock: number, part: number) => {
    const size = clock * scale + part;
    return bigEndian(timeOffset * scale + (negative ? -size : size), width);
  };
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, width);
      if (!old) return bytes.toString('latin1', start, end);
      // Before MySQL 5.6: the number hhmmss with the sign of the whole.
      const stored = bytes.readIntLE(start, 3);
      const size = Math.abs(stored);
      const clock = Math.floor(size / 10_000) * 4096 + (Math.floor(size / 100) % 100) * 64 + (size % 100);
      return encode(stored < 0, clock, 0);
    },
    select: (ref) => `CAST(${ref} AS CHAR)`,
    fromText(text) {
      const [hour, minute, second] = numbers(text, /^-?(\d+):(\d+):(\d+)(?:\.(\d+))?$/);
      return encode(text.startsWith('-'), hour * 4096 + minute * 64 + second, fractionOf(text, fraction));
    },
    literal(encoding) {
      const value = fromBigEndian(encoding, 0, width) - timeOffset * scale;
      const size = Math.abs(value);
      const part = bigEndian(size % scale, fraction);
      const sign = value < 0 ? '-' : '';
      return `TIME'${sign}${clockText(Math.floor(size / scale))}${fractionText(part, 0, digits)}'`;
    },
    orderLiteral: hexLiteral,
  };
}

/**
 * TIMESTAMP: seconds since the epoch. Where the session's zone is not UTC a literal goes through local time, in which
 * an hour that the clock goes through twice names two instants: FROM_UNIXTIME(second instant) finds the row of the
 * first (measured on MySQL 9.7 and MariaDB 10.11; MySQL's offset literals do the same). Only a fixed zone is exact.
 */
function timestampPart(column: Column, digits: number, old: boolean, options: CodecOptions): PartCodec {
  const { timestampZone: zone } = options;
  if (zone === 'epoch' && options.fixedZone !== true)
    throw refuseType(column, 'in a time zone that repeats an hour each year a TIMESTAMP cannot be looked up');
  const fraction = fractionBytes(digits);
  const width = 4 + fraction;
  return {
    comparable: true,
    width,
    fromImage(bytes, start, end) {
      checkWidth(column, start, end, width);
      return old ? bigEndian(bytes.readUInt32LE(start), 4) : bytes.toString('latin1', start, end);
    },
    select: (ref) => `CAST(UNIX_TIMESTAMP(${ref}) AS CHAR)`,
    fromText(text) {
      const [seconds] = numbers(text, /^(\d+)(?:\.(\d+))?$/);
      return bigEndian(seconds, 4) + bigEndian(fractionOf(text, fraction), fraction);
    },
    literal(encoding) {
      const seconds = fromBigEndian(encoding, 0, 4);
      const part = fractionText(encoding, 4, digits);
      if (seconds === 0 && !/[1-9]/.test(part)) return `TIMESTAMP'0000-00-00 00:00:00${part}'`;
      if (zone === 'epoch') return `FROM_UNIXTIME(${seconds}${part})`;
      return `TIMESTAMP'${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}${part}'`;
    },
    orderLiteral: hexLiteral,
  };
}

function fractionBytes(digits: number): number {
  return Math.ceil(digits / 2);
}

/** The fraction as stored: in hundredths, ten-thousandths or millionths. */
function fractionOf(text: string, bytes: number): number {
  const point = text.indexOf('.');
  return point < 0
    ? 0
    : Number(
        text
          .slice(point + 1)
          .padEnd(2 * bytes, '0')
          .slice(0, 2 * bytes),
      );
}

function fractionText(encoding: string, at: number, digits: number): string {
  if (digits === 0) return '';
  const bytes = fractionBytes(digits);
  const text = String(fromBigEndian(encoding, at, bytes)).padStart(2 * bytes, '0');
  return `.${text.slice(0, digits)}`;
}

function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

/** hh:mm:ss of the packed form with six bits each for minute and second. */
function clockText(packed: number): string {
  return `${two(packed >> 12)}:${two((packed >> 6) & 63)}:${two(packed & 63)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

type Numbers = [number, number, number, number, number, number];

function numbers(text: string, pattern: RegExp): Numbers {
  const match = pattern.exec(text);
  if (match === null) throw new Bug(`'${text}' is not the text of a date or time key`);
  return match.slice(1).map(Number) as Numbers;
}
