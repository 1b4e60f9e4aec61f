import { type Mutant, one } from './mutant.ts';

const indexes = 'src/stages/indexes.ts';
const test = 'test/unit/indexes.test.ts';

/** The building of deferred indexes. */
export const builds: readonly Mutant[] = [
  one(
    'the applier does not rest while indexes are built',
    'DESIGN 4',
    indexes,
    'await conflicts.alone(work, signal);',
    'await work();',
    test,
  ),
  one(
    'indexes are built before the end of the copy',
    'DESIGN 4',
    indexes,
    "invariant(watermark.complete, 'indexes were to be built before all rows are copied');",
    '',
    test,
  ),
  one(
    'a full change set does not let the applier go on',
    'the stream rests for hours',
    indexes,
    'const full = company ?',
    'const full = (false as boolean) ?',
    test,
  ),
  one(
    'a real duplicate of an index build is taken for a stale row',
    'I5',
    indexes,
    'if (collision !== null) throw collisionFailure(obstacle, collision);',
    '',
    test,
  ),
  one(
    'a stale row is taken for a real duplicate of an index build',
    'I5',
    indexes,
    'if (collision !== null) throw collisionFailure(obstacle, collision);',
    "throw collisionFailure(obstacle, collision ?? '');",
    test,
  ),
  one(
    'syncs do not heed unique indexes that are built',
    'DESIGN 2',
    indexes,
    'if (step.unique) this.#parts.heedUniqueKeys();',
    '',
    test,
  ),
  one(
    'a stale row in the way of the syncs before a build ends the migration',
    'I5',
    indexes,
    'if (error instanceof DuplicateKey) return error;\n      throw error;',
    'throw error;',
    test,
  ),
  one(
    'what is known is not synced before indexes are built',
    'I5',
    'src/stages/conflicts.ts',
    'await this.#syncAll(signal);\n      return await work();',
    'return await work();',
    test,
  ),
];
