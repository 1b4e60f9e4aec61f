import type { ChangeSet } from './changeset.ts';
import type { KeyRange } from './chunk.ts';
import type { Key } from './key.ts';
import { isWithin, type KeyOrder } from './watermark.ts';

/** Keys that are left out of one comparison at the most. */
const owedMax = 500;
/** Keys among which they are looked for at the most: this is done for each chunk. */
const scanMax = 20_000;

/**
 * The keys of a range that wait for their sync; those of which only the server can tell where they lie, all (I4). They are
 * watched, and are compared when they have been synced: without them a chunk can be compared as a whole also where rows change
 * all the time, and its rows need not be listed.
 * @returns none where they are too many to be named.
 */
export function owedKeys(
  changes: Pick<ChangeSet, 'pending' | 'size'>,
  order: KeyOrder,
  range: KeyRange,
): readonly Key[] {
  if (changes.size > scanMax) return [];
  const owed: Key[] = [];
  for (const key of changes.pending()) {
    if (order.comparable && !isWithin(order, range, key)) continue;
    owed.push(key);
    if (owed.length > owedMax) return [];
  }
  return owed;
}
