import type { ChangeSet } from './changeset.ts';
import type { KeyRange } from './chunk.ts';
import type { Key } from './key.ts';
import type { VerifierParts } from './verify-parts.ts';
import { isWithin, type KeyOrder } from './watermark.ts';

/** Keys that are left out of one comparison at the most. */
const owedMax = 500;
/** Keys among which they are looked for at the most: this is done for each chunk. */
const scanMax = 20_000;

/** How often a chunk that differs is compared once more before its rows are listed. */
const comparisonsMore = 2;

/**
 * Compares a chunk without the rows that wait for their sync, and again where it differs: what was committed a moment ago has
 * been received by then. @param what for the log.
 */
export async function compareChunk(
  { store, retry, changes, order }: Pick<VerifierParts, 'store' | 'retry' | 'changes' | 'order'>,
  range: KeyRange,
  what: string,
  signal: AbortSignal,
): Promise<{ rows: number; equal: boolean }> {
  const once = () => store.compareRange(range, owedKeys(changes, order, range), signal);
  for (let again = 0; ; again += 1) {
    const found = await retry(what, once, signal);
    if (found.equal || again >= comparisonsMore) return found;
  }
}

/**
 * The keys of a range that wait for their sync; those of which only the server can tell where they lie, all (I4). They are
 * watched, and are compared when they have been synced: without them a chunk can be compared as a whole also where rows change
 * all the time, and its rows need not be listed.
 * @returns none where they are too many to be named.
 */
function owedKeys(
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
