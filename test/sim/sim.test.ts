import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Overrides, simulate } from './world.ts';

/** Runs many simulations; the message of a divergence carries its seed and plan. */
async function many(runs: number, overrides: Overrides): Promise<{ refused: number; gaveUp: number }> {
  const first = Math.floor(Math.random() * 1e9);
  const sum = { refused: 0, gaveUp: 0 };
  for (let i = 0; i < runs; i += 1) {
    const outcome = await simulate(first + i, overrides);
    sum.refused += Number(outcome.refused);
    sum.gaveUp += Number(outcome.gaveUp);
  }
  return sum;
}

// The real change set, watermark and stages over a server in memory, with every interleaving drawn from a seed.
// To look at one again: npm run test:sim -- --runs 1 --seed N --plan '{..}' with the fields that the test here sets.
describe('the data path converges (I6), whatever the order of things', () => {
  it('in any weather', async () => {
    const { gaveUp } = await many(1200, {});
    assert.ok(gaveUp < 25, `${gaveUp} gave up`);
  });

  it('with a second unique key whose values rotate between rows (HAZARDS 14, 17, 120)', async () => {
    await many(600, { uniqueness: 'enforced', collide: false, dawdle: 40 });
  });

  it('with collated keys (HAZARDS 8, 9)', async () => {
    await many(500, { kind: 'collated', sessions: 1, capacity: 1000 });
  });

  it('with keys that move, composite ones too (HAZARDS 2, 15)', async () => {
    await many(600, { kind: 'composite', uniqueness: 'none', collide: false });
  });

  it('with statements that fail and answers that are lost (HAZARDS 18)', async () => {
    await many(600, { failure: 0.1, capacity: 1000 });
  });

  it('across a crash and a resume (HAZARDS 6, 7, 93, 99)', async () => {
    await many(600, { crashAfter: 60, capacity: 1000 });
  });

  it('with XA transactions (HAZARDS 38)', async () => {
    await many(400, { xa: true, capacity: 1000 });
  });

  it('with rows that really collide under a new unique key: refused, never lost (HAZARDS 89)', async () => {
    const { refused } = await many(500, { uniqueness: 'added', collide: true, capacity: 1000 });
    assert.ok(refused > 50, `only ${refused} were refused`);
  });
});

describe('a simulation', () => {
  it('is the same again from the same seed', async () => {
    assert.deepEqual(await simulate(4711), await simulate(4711));
  });
});
