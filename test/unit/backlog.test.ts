// A backlog that only grows: the migration would go on for ever, and must say so (soak seed 4132).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BacklogSources, BacklogWatch } from '../../src/migrator/backlog.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const place = ['--host', 'h', '--database', 'd', '--table', 't', '--alter', 'ADD x INT'];

/** A watch, and figures that change each second. */
async function watch(
  seconds: number,
  each: (second: number, now: { size: number; applied: number; lagMs: number }) => void,
  { options = [] as string[], comparable = true } = {},
) {
  const clock = new VirtualClock();
  const now = { size: 0, applied: 0, lagMs: 0 };
  const lines: string[] = [];
  const say = (_facts: object, message: string): void => void lines.push(message);
  const settings = liveSettings(parseOptions([...place, ...options], {}));
  const sources: BacklogSources = {
    changes: now,
    applier: now,
    heartbeat: {
      get streamLagMs() {
        return now.lagMs;
      },
    },
    applySessions: comparable ? 8 : 1,
  };
  const parts = { settings, clock, log: { debug: say, info: say, warn: say } };
  const watched = new BacklogWatch(parts, { comparable }, sources);
  const stop = new AbortController();
  const running = watched.run(stop.signal);
  for (let second = 0; second < seconds; second += 1) {
    now.applied += 10;
    each(second, now);
    await clock.advance(1000);
  }
  const { grows } = watched;
  stop.abort();
  await running;
  return { grows, lines };
}

describe('a backlog', () => {
  it('that grows for a minute is told once, with what to do', async () => {
    const grow = (second: number, now: { size: number }): void => {
      now.size = second * 100;
    };
    const fixed = await watch(100, grow, { options: ['--dml-batch-size', '20'], comparable: false });
    assert.match(fixed.grows ?? '', /keys wait, 100 more each second for \d+ s; --dml-batch-size 20 fixes/);
    assert.match(fixed.grows ?? '', /only one session may apply/);
    assert.equal(fixed.lines.length, 1);
    assert.match(fixed.lines[0] ?? '', /^the backlog grows: /);
    const collated = await watch(100, grow, { comparable: false });
    assert.match(collated.grows ?? '', /only one session may apply, because of the collation/);
    const many = await watch(100, grow);
    assert.match(many.grows ?? '', /8 sessions at the most apply/);
  });

  it('that rises and falls, is small, or is not being applied on purpose is nothing to tell', async () => {
    const waves = await watch(200, (second, now) => {
      now.size = 50_000 + (second % 40) * 1000;
    });
    assert.deepEqual(waves, { grows: null, lines: [] });
    const small = await watch(200, (second, now) => {
      now.size = second;
    });
    assert.deepEqual(small, { grows: null, lines: [] });
    const resting = await watch(200, (second, now) => {
      now.applied = 0;
      now.size = second * 1000;
    });
    assert.deepEqual(resting, { grows: null, lines: [] });
    const catchingUp = await watch(200, (second, now) => {
      now.lagMs = 60_000;
      now.size = second * 1000;
    });
    assert.deepEqual(catchingUp, { grows: null, lines: [] });
  });

  it('that shrinks again is no longer told, and told anew when it grows anew', async () => {
    const { grows, lines } = await watch(260, (second, now) => {
      now.size = (second % 130) * 100;
    });
    assert.notEqual(grows, null);
    assert.equal(lines.length, 2);
  });
});
