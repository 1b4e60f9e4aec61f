/**
 * The phases of a migration, in order. Comparisons by `isAtLeast` are deliberate: the order is part of the contract.
 *
 *  - starting     options are read, nothing is connected
 *  - inspecting   the original and the server are looked at; nothing has been touched
 *  - preparing    the stream is being read; changelog and ghost are created
 *  - copying      chunks are copied while changes are applied
 *  - indexing     deferred secondary indexes of the ghost are built
 *  - verifying    ghost and original are compared
 *  - waiting      all is done and kept in step; the cut-over is postponed or not yet possible
 *  - cutting-over an attempt of the cut-over is under way
 *  - cleaning     the tables are swapped; what is no longer needed is removed
 *  - done         the end of a successful run
 *  - failed       the end of any other
 */
export const phases = [
  'starting',
  'inspecting',
  'preparing',
  'copying',
  'indexing',
  'verifying',
  'waiting',
  'cutting-over',
  'cleaning',
  'done',
  'failed',
] as const;

export type Phase = (typeof phases)[number];

/** True when `phase` is `reference` or comes after it. */
export function isAtLeast(phase: Phase, reference: Phase): boolean {
  return phases.indexOf(phase) >= phases.indexOf(reference);
}
