/**
 * Reading of the number formats of MySQL's protocol and binlog from a Buffer, without objects: these run for every event.
 * Out-of-range reads give NaN or garbage, never throw; callers compare where they arrive with where they must.
 */

/** Bytes that the length-encoded integer at `offset` takes. */
export function lenencBytes(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  return first < 251 ? 1 : first === 252 ? 3 : first === 253 ? 4 : 9;
}

/** The length-encoded integer at `offset`, as a number (exact to 2^53). */
export function lenencValue(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]!;
  if (first < 251) return first;
  if (first === 252) return bytes[offset + 1]! | (bytes[offset + 2]! << 8);
  if (first === 253) return bytes[offset + 1]! | (bytes[offset + 2]! << 8) | (bytes[offset + 3]! << 16);
  return uint64(bytes, offset + 1);
}

/** Unsigned little-endian, 4 bytes. */
export function uint32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>>
    0
  );
}

/** Unsigned little-endian, 6 bytes: a table id. */
export function uint48(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset) + (bytes[offset + 4]! | (bytes[offset + 5]! << 8)) * 0x1_0000_0000;
}

/** Unsigned little-endian, 8 bytes, as a number: exact to 2^53. */
export function uint64(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset) + uint32(bytes, offset + 4) * 0x1_0000_0000;
}

/** Whether two ranges, maybe of different buffers, hold the same bytes. */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}
