import { type Mutant, one } from './mutant.ts';

const indexes = 'src/stages/indexes.ts';
const intake = 'src/migrator/intake.ts';
const test = 'test/unit/indexes.test.ts';

/** A new unique key that is built last, beside writers that keep its values apart. */
const built = {
  ...{ deferred: 'NONE', uniqueness: 'enforced', collide: false, capacity: 1000, damage: null, dieAt: null },
  ...{ kind: 'integer', keys: 6, sessions: 3, more: [15, 5], failoverAfter: null, alterAfter: null },
};

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
  one(
    'indexes are built beside syncs',
    'DESIGN 4',
    indexes,
    'await conflicts.alone(work, signal);',
    'await work();',
    `sim ${JSON.stringify({ ...built, deferred: 'SHARED' })}`,
  ),
  one(
    'a unique index is built with no sync alone before it',
    'DESIGN 2, DESIGN 4',
    indexes,
    'await conflicts.alone(work, signal);',
    'await work();',
    `sim ${JSON.stringify(built)}`,
  ),
  {
    name: 'keys that come while the applier rests for an index build are dropped',
    breaks: 'I6, DESIGN 4',
    caughtBy: `sim ${JSON.stringify({ ...built, deferred: 'SHARED', capacity: 4 })}`,
    edits: [
      {
        file: intake,
        from: '    this.#parts.changes.touch(key, deleted);',
        to: '    if (!this.#parts.changes.full) this.#parts.changes.touch(key, deleted);',
      },
      { file: intake, from: 'this.#parts.stream.pause();', to: 'void 0;' },
    ],
  },
  one(
    'syncs displace rows beside a unique index that is built',
    'DESIGN 2',
    indexes,
    'if (step.unique) this.#parts.heedUniqueKeys();',
    '',
    `sim ${JSON.stringify(built)}`,
  ),
  one(
    'an index is passed over',
    'DESIGN 4, I8',
    indexes,
    'for (const step of steps) {',
    'for (const step of steps.slice(1)) {',
  ),
  one(
    'a resumed run takes an index for missing that a dead one has built meanwhile',
    'DESIGN 2, I8',
    'test/sim/world.ts',
    '    built = new Set(ghost.built);\n',
    '',
    `sim @59 ${JSON.stringify({ ...built, crashAfter: 400, dieAt: null })}`,
  ),
];
