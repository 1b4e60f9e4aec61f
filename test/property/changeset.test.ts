import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Batch, ChangeSet, type Frontier } from '../../src/core/changeset.ts';
import type { Chunk } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { LogPosition } from '../sim/server.ts';

const order = { comparable: true, compare: (a: Key, b: Key) => Number(a) - Number(b) };
const keysMax = 12;
const step = fc.record({
  what: fc.constantFrom(
    'touch',
    'touch',
    'touch',
    'mark',
    'take',
    'release',
    'giveBack',
    'dispatch',
    'settle',
  ),
  key: fc.integer({ min: 0, max: keysMax - 1 }),
  deleted: fc.boolean(),
  pick: fc.nat(),
});

/** What each key still owes: the receipt of its last event that no sync has read since it was visible. */
class Ledger {
  readonly watermark = new Watermark(order);
  readonly changes = new ChangeSet(this.watermark, { capacity: 1000 });
  readonly owed = new Map<number, number>();
  readonly flights: Chunk[] = [];
  readonly batches: { batch: Batch; readAt: number }[] = [];
  visible: Frontier = { receipt: 0, position: null };
  #entries = 0;

  touch(key: number, deleted: boolean): void {
    const place = this.watermark.place(key);
    this.changes.touch(key, deleted);
    if (place !== 'above') this.owed.set(key, this.changes.receipt);
    this.#entries += 1;
    this.changes.committed(new LogPosition(this.#entries));
  }
  mark(): void {
    this.visible = { receipt: this.changes.receipt, position: this.changes.readPosition };
  }
  take(limit: number, aged: boolean): void {
    const never = { receipt: -1, position: null };
    const batch = this.changes.take(limit, this.visible, aged ? this.visible : never);
    if (!batch) return;
    for (const { batch: other } of this.batches) {
      for (const key of batch.keys) assert.ok(!other.keys.includes(key), 'a key is reserved twice');
    }
    for (const key of batch.keys) {
      assert.ok(
        !this.flights.some((chunk) => this.watermark.place(key) === chunk),
        'a key in flight is synced',
      );
    }
    this.batches.push({ batch, readAt: this.visible.receipt });
  }
  end(at: number, release: boolean): void {
    const [ended] = this.batches.splice(at, 1);
    if (!release) this.changes.giveBack(ended!.batch);
    else this.changes.release(ended!.batch);
    if (!release) return;
    for (const key of ended!.batch.keys) {
      // The sync has read all that was visible when it was taken; a later event is still owed.
      if (this.owed.get(Number(key))! <= ended!.readAt) this.owed.delete(Number(key));
    }
  }
  dispatch(upTo: number | null): void {
    if (this.watermark.ended) return;
    const range = { after: this.watermark.high, upTo };
    const chunk = { number: this.watermark.dispatched, range, rowsAimed: 1 };
    this.watermark.dispatch(chunk);
    this.flights.push(chunk);
  }
  settle(at: number): void {
    const [chunk] = this.flights.splice(at, 1);
    this.watermark.settle(chunk!);
    this.changes.settled(chunk!);
  }
}

function play(
  ledger: Ledger,
  { what, key, deleted, pick }: { what: string; key: number; deleted: boolean; pick: number },
) {
  const { batches, flights, watermark } = ledger;
  if (what === 'touch') ledger.touch(key, deleted);
  if (what === 'mark') ledger.mark();
  if (what === 'take') ledger.take(1 + (pick % 3), deleted);
  if (what === 'release' && batches.length > 0) ledger.end(pick % batches.length, true);
  if (what === 'giveBack' && batches.length > 0) ledger.end(pick % batches.length, false);
  if (what === 'dispatch') {
    const upTo = Number(watermark.high ?? -1) + 1 + (pick % 5);
    ledger.dispatch(upTo >= keysMax ? null : upTo);
  }
  if (what === 'settle' && flights.length > 0) ledger.settle(pick % flights.length);
}

describe('the change set, against a ledger of what is owed', () => {
  it('forgets no event, reserves no key twice, claims nothing that is owed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const ledger = new Ledger();
        for (const each of steps) {
          play(ledger, each);
          const oldest = Math.min(...ledger.owed.values(), Number.POSITIVE_INFINITY);
          const claimed = ledger.changes.appliedPosition();
          // Each event is a transaction of its own: receipt n ends at position n.
          const index = claimed instanceof LogPosition ? claimed.index : 0;
          assert.ok(index < oldest, `position ${index} claims event ${oldest}`);
        }
        while (ledger.batches.length > 0) ledger.end(0, false);
        while (!ledger.watermark.ended) ledger.dispatch(null);
        while (ledger.flights.length > 0) ledger.settle(0);
        ledger.mark();
        for (let i = 0; i < keysMax; i += 1) ledger.take(2, false);
        while (ledger.batches.length > 0) ledger.end(0, true);
        assert.deepEqual([...ledger.owed], [], 'an event was forgotten');
        assert.ok(ledger.changes.empty);
      }),
      { numRuns: 500 },
    );
  });
});
