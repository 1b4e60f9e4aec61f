import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from './verdict.ts';
import { type Overrides, simulate } from './world.ts';

/** Writers, bystanders and all else take their turns. */
const busy = {
  write: 1,
  show: 1,
  deliver: 1,
  reconnect: 0.02,
  gate: 0,
  ring: 0.1,
  goOn: 1,
  come: 0,
  go: 0.1,
};

/** Runs many simulations; the message of a divergence carries its seed and plan. */
async function many(runs: number, overrides: Overrides): Promise<Readonly<Record<keyof Outcome, number>>> {
  const first = Math.floor(Math.random() * 1e9);
  const sum: Partial<Record<keyof Outcome, number>> = {};
  for (let i = 0; i < runs; i += 1) {
    const outcome = await simulate(first + i, overrides);
    for (const name of Object.keys(outcome) as (keyof Outcome)[]) {
      sum[name] = (sum[name] ?? 0) + Number(outcome[name]);
    }
  }
  return sum as Record<keyof Outcome, number>;
}

// The real change set, watermark and stages over a server in memory, with every interleaving drawn from a seed.
// To look at one again: npm run test:sim -- --runs 1 --seed N --plan '{..}' with the fields that the test here sets.
describe('the data path converges (I6), whatever the order of things', () => {
  it('in any weather', async () => {
    const { gaveUp } = await many(300, {});
    assert.ok(gaveUp < 10, `${gaveUp} gave up`);
  });

  it('with a second unique key whose values rotate between rows (HAZARDS 14, 17, 120)', async () => {
    await many(150, { uniqueness: 'enforced', collide: false, dawdle: 40 });
  });

  it('with collated keys (HAZARDS 8, 9)', async () => {
    await many(120, { kind: 'collated', sessions: 1, capacity: 1000 });
  });

  it('with keys that move, composite ones too (HAZARDS 2, 15)', async () => {
    await many(150, { kind: 'composite', uniqueness: 'none', collide: false });
  });

  it('with statements that fail and answers that are lost (HAZARDS 18)', async () => {
    await many(120, { failure: 0.1, capacity: 1000 });
  });

  it('across a crash and a resume (HAZARDS 6, 7, 93, 99)', async () => {
    await many(150, { crashAfter: 60, capacity: 1000 });
  });

  it('with indexes that are built after the copy, the new unique one last', async () => {
    for (const deferred of ['NONE', 'SHARED'] as const) await many(60, { deferred, capacity: 1000 });
    await many(40, { deferred: 'NONE', capacity: 4, uniqueness: 'enforced', collide: false });
  });

  it('across a crash and a resume while indexes are built', async () => {
    await many(100, {
      deferred: 'NONE',
      crashAfter: 400,
      uniqueness: 'enforced',
      collide: false,
      capacity: 1000,
    });
  });

  it('with XA transactions (HAZARDS 38)', async () => {
    await many(120, { xa: true, capacity: 1000 });
  });

  it('with rows that really collide under a new unique key: refused, never lost (HAZARDS 89)', async () => {
    const { refused } = await many(150, { uniqueness: 'added', collide: true, capacity: 1000, damage: null });
    assert.ok(refused > 12, `only ${refused} were refused`);
  });
});

describe('the cut-over loses no acknowledged write (I7), whatever dies at whatever step', () => {
  const calm = { capacity: 1000, collide: false, damage: null };

  it('with sessions that are killed or lost, and others that hold original or ghost', async () => {
    const weights = { ...busy, come: 0.2 };
    const { swapped } = await many(120, { ...calm, strikes: 2, weights });
    assert.ok(swapped > 90, `only ${swapped} were swapped`);
  });

  it('with writes that pass the lock: carried over, or told by key with the old table kept (HAZARDS 108)', async () => {
    const { carried, told } = await many(300, { ...calm, leaks: 3, more: [15, 5], weights: busy });
    assert.ok(carried > 4, `only ${carried} were carried over`);
    assert.ok(told > 4, `only ${told} runs have told`);
  });

  it('when the process dies after the swap: the next one carries late writes over, or tells them (HAZARDS 108)', async () => {
    const late = { ...calm, leaks: 3, more: [15, 5], weights: busy, failoverAfter: null } as const;
    const { resettled, carried, told } = await many(100, { ...late, dieAt: 'unlocked' });
    assert.ok(resettled > 60, `only ${resettled} were looked at by another run`);
    assert.ok(carried > 1, `only ${carried} were carried over`);
    assert.ok(told > 4, `only ${told} runs have told`);
  });

  for (const dieAt of ['locked', 'queued', 'dropped', 'poised', 'unlocked'] as const) {
    it(`when the process dies at the step: ${dieAt}`, async () => {
      await many(20, { ...calm, dieAt, weights: busy });
    });
  }
});

describe('the world changes (I10)', () => {
  const calm = { capacity: 1000, collide: false, damage: null, dieAt: null };

  it('and another server takes over: refused, whether the run goes on or is resumed', async () => {
    for (const crashAfter of [null, 60]) {
      const { refused } = await many(30, { ...calm, failoverAfter: 50, crashAfter });
      assert.ok(refused > 24, `only ${refused} were refused`);
    }
  });

  it('and somebody alters the original: the tables are not swapped', async () => {
    const { refused } = await many(120, { ...calm, alterAfter: 50, crashAfter: null, failoverAfter: null });
    // The ALTER needs a moment when nobody holds the table.
    assert.ok(refused > 12, `only ${refused} were refused`);
  });
});

describe('a migration that is reverted', () => {
  const calm = { capacity: 1000, collide: false, failoverAfter: null, alterAfter: null, leaks: 0 };

  it('loses no write of before, between, meanwhile or after, also where the revert is cut off and begun again', async () => {
    for (const crashAfter of [null, 60, 300]) {
      const { reverted } = await many(60, { ...calm, revert: { crashAfter }, more: [15, 15] });
      assert.ok(reverted > 40, `only ${reverted} were reverted`);
    }
  });
});

describe('the verifier', () => {
  const crashing = { damage: 2, capacity: 1000, collide: false, dieAt: null, failoverAfter: null };

  it('finds what was spoiled behind our back, and nothing else, while the writers go on', async () => {
    const { found } = await many(120, { damage: 2, capacity: 1000, collide: false });
    assert.ok(found > 12, `only ${found} were found`);
  });

  it('goes on after a crash, and what was claimed as verified is right (HAZARDS 67, 68)', async () => {
    for (const crashAfter of [200, 300, 450]) await many(30, { ...crashing, crashAfter, spoils: 1 });
  });
});

describe('a simulation', () => {
  it('is the same again from the same seed', async () => {
    assert.deepEqual(await simulate(4711), await simulate(4711));
  });
});
