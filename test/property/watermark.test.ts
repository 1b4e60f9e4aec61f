import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Chunk } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import { Watermark } from '../../src/core/watermark.ts';

const order = { comparable: true, compare: (a: Key, b: Key) => Number(a) - Number(b) };
const keysMax = 40;

/** Widths of chunks, which end in any order: at each step one is dispatched, or one of those in flight ends. */
const story = fc.record({
  widths: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 }),
  choices: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
});

describe('the watermark, against a table of what happened to each key', () => {
  it('places every key, low is the longest copied prefix', () => {
    fc.assert(
      fc.property(story, ({ widths, choices }) => {
        const watermark = new Watermark(order);
        const state: ('above' | 'copied' | Chunk)[] = Array(keysMax).fill('above');
        const flights: Chunk[] = [];
        const left: (number | null)[] = [...widths, null];
        for (const choice of choices) {
          if (left.length > 0 && (flights.length === 0 || choice % 2 === 0)) {
            const width = left.shift()!;
            const upTo = width === null ? null : Number(watermark.high ?? -1) + width;
            const range = { after: watermark.high, upTo };
            const chunk = { number: watermark.dispatched, range, rowsAimed: 1 };
            watermark.dispatch(chunk);
            flights.push(chunk);
            state.forEach((place, key) => {
              if (place === 'above' && (upTo === null || key <= upTo)) state[key] = chunk;
            });
          } else if (flights.length > 0) {
            const [chunk] = flights.splice(choice % flights.length, 1);
            watermark.settle(chunk!);
            state.forEach((place, key) => {
              if (place === chunk) state[key] = 'copied';
            });
          }
          state.forEach((place, key) => {
            assert.equal(watermark.place(key), place);
          });
          const gap = state.findIndex((place) => place !== 'copied');
          if (gap >= 0) assert.ok(watermark.low === null || Number(watermark.low) < gap);
          assert.equal(watermark.complete, left.length === 0 && flights.length === 0);
        }
      }),
    );
  });
});
