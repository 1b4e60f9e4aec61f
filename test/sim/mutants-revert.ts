import { type Mutant, one } from './mutant.ts';

const intake = 'src/migrator/intake.ts';

/** Writers that are at it all the time, and a migration that is reverted. */
const reverted = {
  ...{ kind: 'integer', uniqueness: 'none', collide: false, capacity: 1000, damage: null, dieAt: null },
  ...{ crashAfter: null, failoverAfter: null, alterAfter: null, leaks: 0, strikes: 0, triggers: false },
  ...{ revert: { crashAfter: null }, more: [15, 30], heartbeatMs: 5 },
};

/** The old table brought up to date and swapped back (`--revert`). */
export const reverts: readonly Mutant[] = [
  one(
    'a revert begins where the stream was when the migration ended',
    'I1, I6',
    intake,
    'if (this.#swapSeen) this.#swappedAt ??= position;',
    'if (this.#swapSeen) this.#swappedAt = position;',
    `sim ${JSON.stringify(reverted)}`,
  ),
  one(
    'a revert begins before the RENAME',
    'I1, I10',
    intake,
    'if (this.#swapSeen) this.#swappedAt ??= position;',
    'if (!this.#swapSeen) this.#swappedAt = position;',
    `sim ${JSON.stringify(reverted)}`,
  ),
  one(
    'a revert that was cut off goes on where its stream was',
    'I8',
    'test/sim/world.ts',
    'if (!this.#isDead && !this.#isReverting) this.#checkpoint',
    'if (this.#isReverting) this.#checkpoint = { ...this.#migration.checkpoint, index: this.#migration.stream.entry };\n' +
      '    else if (!this.#isDead) this.#checkpoint',
    `sim ${JSON.stringify({ ...reverted, revert: { crashAfter: 60 } })}`,
  ),
];
