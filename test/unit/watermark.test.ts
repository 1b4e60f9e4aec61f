import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Chunk } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import { Watermark } from '../../src/core/watermark.ts';

const order = { comparable: true, compare: (a: Key, b: Key) => Number(a) - Number(b) };

function dispatch(watermark: Watermark, upTo: Key | null): Chunk {
  const chunk = { number: watermark.dispatched, range: { after: watermark.high, upTo }, rowsAimed: 10 };
  watermark.dispatch(chunk);
  return chunk;
}

describe('the watermark', () => {
  // HAZARDS 5.
  it('low is the contiguous prefix, in whatever order chunks end', () => {
    const watermark = new Watermark(order);
    const [first, second, third] = [10, 20, 30].map((upTo) => dispatch(watermark, upTo));
    watermark.settle(third!);
    assert.equal(watermark.low, null);
    watermark.settle(first!);
    assert.equal(watermark.low, 10);
    assert.equal(watermark.place(15), second);
    assert.equal(watermark.place(25), 'copied');
    watermark.settle(second!);
    assert.equal(watermark.low, 30);
    assert.equal(watermark.place(31), 'above');
  });

  // HAZARDS 3: the last chunk may end before the others.
  it('is complete when the last chunk was dispatched and all have ended', () => {
    const watermark = new Watermark(order);
    const [first, last] = [dispatch(watermark, 10), dispatch(watermark, null)];
    watermark.settle(last);
    assert.equal(watermark.complete, false);
    watermark.settle(first);
    assert.equal(watermark.complete, true);
    assert.equal(watermark.place(1e9), 'copied');
  });

  it('takes chunks in turn and without a gap only', () => {
    const watermark = new Watermark(order);
    const first = dispatch(watermark, 10);
    const chunk = (number: number, after: Key): Chunk => ({
      number,
      range: { after, upTo: 20 },
      rowsAimed: 1,
    });
    assert.throws(() => watermark.dispatch(chunk(2, 10)), /out of turn/);
    assert.throws(() => watermark.dispatch(chunk(1, 9)), /does not begin/);
    watermark.settle(first);
    assert.throws(() => watermark.settle(first), /not in flight/);
    dispatch(watermark, null);
    assert.throws(() => watermark.dispatch(chunk(2, 10)), /after the last one/);
  });

  it('asks the server about collated keys as soon as there is something to ask', () => {
    const compare = (): number => assert.fail('JS compared collated keys');
    const watermark = new Watermark({ comparable: false, compare });
    assert.equal(watermark.place('a'), 'above');
    const chunk = dispatch(watermark, null);
    assert.equal(watermark.place('a'), 'unknown');
    watermark.settle(chunk);
    assert.equal(watermark.place('a'), 'copied');
  });

  // HAZARDS 6, 7.
  it('resumes after a prefix, or with everything copied', () => {
    const watermark = new Watermark(order);
    watermark.resumeAfter(10);
    assert.deepEqual([watermark.place(10), watermark.place(11), watermark.low], ['copied', 'above', 10]);
    assert.equal(dispatch(watermark, 20).range.after, 10);
    assert.throws(() => watermark.resumeAfter(5), /after a dispatch/);
    const whole = new Watermark(order);
    whole.resumeComplete();
    assert.deepEqual([whole.complete, whole.ended, whole.place(1)], [true, true, 'copied']);
  });
});
