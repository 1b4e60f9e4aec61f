import * as zlib from 'node:zlib';
import { uint32 } from './bytes.ts';
import { CHECKSUM_BYTES } from './event-type.ts';

/** Node has it from 20.15 and 22.2 on; the types we compile against are older. */
const nativeCrc32 = (zlib as { crc32?: (data: Uint8Array, value?: number) => number }).crc32;

/** Below this many bytes the table is faster than a view and a call into the native code. */
const NATIVE_FROM_BYTES = 96;

const TABLE = (() => {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    table[n] = c;
  }
  return table;
})();

/** CRC-32 (IEEE 802.3, reflected, as zlib) of `bytes[start..end)` by table look-up. */
export function tableCrc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** CRC-32 of `bytes[start..end)`, by the fastest way there is. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  if (nativeCrc32 === undefined || end - start < NATIVE_FROM_BYTES) return tableCrc32(bytes, start, end);
  return nativeCrc32(bytes.subarray(start, end));
}

/** Whether the last four bytes of the event at `bytes[start..end)` are the CRC32 of what is before them. */
export function hasValidChecksum(bytes: Uint8Array, start: number, end: number): boolean {
  const body = end - CHECKSUM_BYTES;
  return body > start && uint32(bytes, body) === crc32(bytes, start, body);
}
