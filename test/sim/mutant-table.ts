import type { Mutant } from './mutant.ts';
import { changes, server } from './mutants-changes.ts';
import { attempts, settling, world } from './mutants-cutover.ts';
import { builds } from './mutants-indexes.ts';
import { marks, places } from './mutants-marks.ts';
import { reverts } from './mutants-revert.ts';
import { stages, units } from './mutants-stages.ts';
import { verification } from './mutants-verify.ts';

/**
 * Left out, because they change nothing that can be seen from outside: an exclusive sync without a mark of
 * its own (it syncs less and tries again); a batch that is taken before the turnstile (its rows are displaced
 * and written again); a change given back without its age (the younger event of its key lies after any
 * position that is claimed); parked keys that are claimed as applied (their chunk lies above the low
 * watermark, so a resume copies it again).
 */
export const mutants: readonly Mutant[] = [
  ...builds,
  ...marks,
  ...places,
  ...changes,
  ...stages,
  ...server,
  ...units,
  ...attempts,
  ...settling,
  ...reverts,
  ...world,
  ...verification,
];
