import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchSize } from '../../src/core/batch-size.ts';

const make = () => new BatchSize({ targetMs: 100, keysStart: 100, keysMin: 10, keysMax: 1000 });

describe('the size of a batch', () => {
  it('follows the target time, grows by steps, and stays within its bounds', () => {
    const size = make();
    size.feedback(100, 80);
    assert.equal(size.keys, 125);
    size.feedback(125, 10);
    assert.equal(size.keys, 188, 'half as much again at the most');
    for (let i = 0; i < 20; i += 1) size.feedback(size.keys, 1);
    assert.equal(size.keys, 1000);
    size.feedback(1000, 400);
    assert.equal(size.keys, 250, 'shrinking is not bounded');
    size.feedback(250, 1e6);
    assert.equal(size.keys, 10);
    size.feedback(10, 0);
    assert.equal(size.keys, 15, 'a clock that has not moved');
  });

  // A batch of what happened to be there is quick because it is small: the size would run away.
  it('learns nothing from a small batch, unless that was too slow', () => {
    const size = make();
    size.feedback(10, 1);
    assert.equal(size.keys, 100);
    size.feedback(50, 200);
    assert.equal(size.keys, 25);
  });

  // Rows of 8 kB, or a ghost with many indexes: thousands of keys at once would hold their locks for long.
  it('halves where locks are met', () => {
    const size = make();
    size.contended();
    assert.equal(size.keys, 50);
    for (let i = 0; i < 9; i += 1) size.contended();
    assert.equal(size.keys, 10);
  });

  // What is under way when the cut-over takes its lock keeps the writers waiting.
  it('is a share of what is left, so that the end of a backlog is done side by side', () => {
    const size = make();
    for (let i = 0; i < 20; i += 1) size.feedback(size.keys, 1);
    assert.equal(size.shared(5000, 2), 1000);
    assert.equal(size.shared(1200, 2), 600);
    assert.equal(size.shared(120, 2), 100);
  });
});
