import { Bug } from '../../base/errors.ts';
import type { PartCodec } from './part.ts';

/**
 * One string of the parts' encodings that sorts as the tuple does and can be taken apart again (HAZARDS 19): parts
 * of varying width have each 0 byte written as 0 255 and end in 0 0. The last part ends where the string ends.
 */
export function joinParts(encodings: readonly string[], parts: readonly PartCodec[]): string {
  const last = parts.length - 1;
  let out = '';
  for (let i = 0; i < last; i++) {
    const encoding = encodings[i] as string;
    out += parts[i]?.width === null ? `${encoding.replaceAll('\0', '\0\xff')}\0\0` : encoding;
  }
  return out + (encodings[last] as string);
}

/** Reverse of `joinParts`. @throws Bug when the key is not one of these parts. */
export function splitParts(key: string, parts: readonly PartCodec[]): string[] {
  const encodings: string[] = [];
  let at = 0;
  parts.forEach(({ width }, i) => {
    const isLast = i === parts.length - 1;
    const end = isLast ? key.length : width === null ? endOfEscaped(key, at) : at + width;
    if (end > key.length || (isLast && width !== null && end - at !== width))
      throw new Bug(`key ${Buffer.from(key, 'latin1').toString('hex')} does not have ${parts.length} parts`);
    const raw = key.slice(at, end);
    const escaped = !isLast && width === null;
    encodings.push(escaped ? raw.replaceAll('\0\xff', '\0') : raw);
    at = escaped ? end + 2 : end;
  });
  return encodings;
}

function endOfEscaped(key: string, from: number): number {
  for (let at = key.indexOf('\0', from); at >= 0; at = key.indexOf('\0', at + 2))
    if (key[at + 1] === '\0') return at;
  throw new Bug(`key ${Buffer.from(key, 'latin1').toString('hex')} has a part without an end`);
}
