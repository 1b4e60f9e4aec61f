import type { PartitionOperation } from './action.ts';
import type { Cursor } from './cursor.ts';

/** The words that come before PARTITION in an operation on a table's partitions. */
const VERBS: ReadonlySet<string> = new Set([
  ...['ADD', 'DROP', 'TRUNCATE', 'COALESCE', 'REORGANIZE', 'EXCHANGE', 'CONVERT', 'REBUILD'],
  ...['DISCARD', 'IMPORT', 'ANALYZE', 'CHECK', 'OPTIMIZE', 'REPAIR'],
]);

/**
 * The partition operation that starts at the cursor, which stays where it is; undefined when none does.
 * Such an operation is the last thing in an ALTER, and its commas do not separate clauses.
 */
export function partitionOperationAt(cursor: Cursor): PartitionOperation | undefined {
  if (cursor.sees('PARTITION', 'BY')) return 'BY';
  if (cursor.sees('REMOVE', 'PARTITIONING')) return 'REMOVE';
  if (cursor.sees('UPGRADE', 'PARTITIONING')) return 'UPGRADE';
  const verb = cursor.keyword();
  if (!VERBS.has(verb)) return undefined;
  if (cursor.keyword(1) === 'PARTITION') return verb as PartitionOperation;
  // MariaDB: CONVERT TABLE x TO PARTITION p ..
  return verb === 'CONVERT' && cursor.keyword(1) === 'TABLE' ? 'CONVERT' : undefined;
}

/** Whether a partition clause starts here that needs no comma before it. */
export function partitioningFollows(cursor: Cursor): boolean {
  return cursor.sees('PARTITION', 'BY') || cursor.sees('REMOVE', 'PARTITIONING');
}
