import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionLevel } from '../../src/core/session-level.ts';

/** Applies with as many sessions as the level says, each batch 100 ms, until `untilMs`. */
function work(
  level: SessionLevel,
  fromMs: number,
  untilMs: number,
  keysOf: (sessions: number) => number,
): void {
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 100) level.done(nowMs, keysOf(level.level), true);
}

describe('the number of sessions that apply', () => {
  it('grows while one more brings more, up to its bound', () => {
    const level = new SessionLevel(4);
    assert.equal(level.level, 2);
    work(level, 0, 60_000, (sessions) => sessions * 100);
    assert.equal(level.level, 4);
    assert.equal(new SessionLevel(1).level, 1);
  });

  // Two processors are busy with two sessions; a third takes time from the writers and brings nothing.
  it('goes back where one more brings nothing, and tries again later and later', () => {
    const level = new SessionLevel(8);
    let tries = 0;
    const keysOf = (sessions: number): number => {
      tries = Math.max(tries, sessions);
      return 200;
    };
    work(level, 0, 6000, keysOf);
    assert.deepEqual([tries, level.level], [3, 2]);
    tries = 0;
    work(level, 6000, 20_000, keysOf);
    assert.deepEqual([tries, level.level], [2, 2], 'not at once');
    work(level, 20_000, 40_000, keysOf);
    assert.deepEqual([tries, level.level], [3, 2], 'but later');
  });

  it('tries nothing while there is no backlog', () => {
    const level = new SessionLevel(8);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) level.done(nowMs, 10, nowMs % 500 === 0);
    assert.equal(level.level, 2);
  });

  it('falls where sessions are in each other’s way, to one at the least', () => {
    const level = new SessionLevel(8);
    level.contended(0);
    level.contended(1);
    assert.equal(level.level, 1);
    work(level, 100, 15_000, (sessions) => sessions * 100);
    assert.equal(level.level, 1, 'and stays there for a while');
    work(level, 15_000, 30_000, (sessions) => sessions * 100);
    assert.ok(level.level > 1);
  });
});
