// The verifier against a store that answers what the test says: what is a defect, what is only late, and
// what it does then.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pulse } from '../../src/base/pulse.ts';
import { makeRetry } from '../../src/base/retry.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import type { Chunk, KeyRange } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import type { VerifierOptions } from '../../src/core/verify-options.ts';
import type { Judgement, VerifyStore } from '../../src/core/verify-store.ts';
import type { Mark } from '../../src/core/visibility.ts';
import { Verifier } from '../../src/stages/verifier.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

/** A ghost and an original of a few integers, and everything around a verifier. */
class World implements VerifyStore {
  readonly clock = new VirtualClock();
  readonly original = new Map<Key, number>();
  readonly ghost = new Map<Key, number>();
  readonly pending = new Set<Key>();
  readonly changed = new Pulse();
  readonly lines: string[] = [];
  readonly verifier: Verifier;
  readonly stop = new AbortController();
  readonly leftOut: string[] = [];
  doubtful: string[] = [];
  /** Called whenever a mark is asked for. */
  onPass: (count: number) => void = () => undefined;
  onCompare: () => void = () => undefined;
  /** Whether a touch by the verifier is answered by a sync. */
  repairs = true;
  passes = 0;
  /** Keys that each comparison of a chunk was made without, and how often rows were listed. */
  readonly compared: (readonly Key[])[] = [];
  listed = 0;
  readonly #chunks: readonly Chunk[];
  #left: Chunk[] = [];

  constructor(options: Partial<VerifierOptions> = {}, chunks = 1) {
    this.#chunks = Array.from({ length: chunks }, (_, number) => ({
      number,
      range: {
        after: number === 0 ? null : number * 10,
        upTo: number === chunks - 1 ? null : number * 10 + 10,
      },
      rowsAimed: 10,
    }));
    const say = (facts: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(facts)}`);
    this.verifier = new Verifier(
      {
        store: this,
        chunks: {
          begin: () => {
            this.#left = [...this.#chunks];
          },
          next: () => Promise.resolve(this.#left.shift() ?? null),
          feedback: () => undefined,
          settle: () => undefined,
        },
        changes: {
          ...sizeOf(this.pending),
          changed: this.changed,
          has: (key) => this.pending.has(key),
          pending: () => this.pending.keys() as Generator<Key>,
          touch: (key) => void (this.repairs && this.#sync(key)),
        },
        visibility: {
          pass: () => {
            this.passes += 1;
            this.onPass(this.passes);
            return Promise.resolve({} as Mark);
          },
        },
        turnstile: new Turnstile(),
        gate: { reason: null, pass: () => Promise.resolve() },
        clock: this.clock,
        retry: makeRetry(this.clock, { attempts: 2, delayMs: 1, delayMsMax: 1 }),
        log: { info: say, warn: say },
        describe: (key) => `id=${key}`,
        leftOut: [],
        order: { comparable: true, compare: (a, b) => Number(a) - Number(b) },
      },
      options,
    );
    for (const table of [this.original, this.ghost]) for (let id = 1; id <= 20; id += 1) table.set(id, id);
  }

  /** Runs the verification to its end. @throws what it failed with. */
  async run(): Promise<void> {
    const follow = this.verifier.follow(this.stop.signal);
    const failed = follow.then(() => new Promise<never>(() => undefined));
    await this.clock.runUntil(Promise.race([this.verifier.run(2, this.stop.signal), failed]));
  }

  /** Lets the verifier look until nothing waits any more. */
  async lookAtAll(): Promise<void> {
    const wait = async (): Promise<void> => {
      for (let i = 0; i < 100 && this.verifier.report.watched > 0; i += 1)
        await this.clock.sleep(100, this.stop.signal);
    };
    await this.clock.runUntil(wait());
  }

  compareRange(_: KeyRange, without: readonly Key[]): Promise<{ rows: number; equal: boolean }> {
    this.onCompare();
    this.compared.push(without);
    const differing = this.#differing([...this.original.keys(), ...this.ghost.keys()]);
    const equal = differing.every((key) => without.includes(key));
    return Promise.resolve({ rows: this.original.size, equal });
  }
  differences(): Promise<Key[]> {
    this.listed += 1;
    return Promise.resolve(this.#differing([...this.original.keys(), ...this.ghost.keys()]));
  }
  compareKeys(keys: readonly Key[]): Promise<Key[]> {
    return Promise.resolve(this.#differing(keys));
  }
  judge(keys: readonly Key[]): Promise<Judgement> {
    const differing = this.doubtful.length > 0 ? [] : this.#differing(keys);
    return Promise.resolve({
      differing: new Map(differing.map((key) => [key, ['v']])),
      doubtful: this.doubtful,
    });
  }
  leaveOut(column: string): void {
    this.leftOut.push(column);
    for (const key of this.original.keys()) this.#sync(key);
  }

  #differing(keys: readonly Key[]): Key[] {
    return [...new Set(keys)].filter((key) => this.original.get(key) !== this.ghost.get(key));
  }
  #sync(key: Key): void {
    const value = this.original.get(key);
    if (value === undefined) this.ghost.delete(key);
    else this.ghost.set(key, value);
  }
}

function sizeOf(pending: ReadonlySet<Key>): { readonly size: number } {
  return {
    get size() {
      return pending.size;
    },
  };
}

describe('verifier', () => {
  it('compares a chunk without the rows that wait for their sync, and those when they are synced', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.pending.add(5);
    world.onPass = () => {
      world.ghost.set(5, 5);
      world.pending.clear();
      world.changed.beat();
    };
    await world.run();
    await world.lookAtAll();
    assert.deepEqual([world.compared, world.listed], [[[5]], 0], 'one comparison, and no list');
    const { stale, found, watched, comparedAgain } = world.verifier.report;
    assert.deepEqual(
      { stale, found, watched, comparedAgain },
      { stale: 0, found: 0, watched: 0, comparedAgain: 1 },
    );
  });

  it('sees a defect of a row that waits for its sync, when that has been made', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.pending.add(5);
    world.onPass = () => {
      world.pending.clear();
      world.changed.beat();
    };
    await world.run();
    await world.lookAtAll();
    assert.equal(world.verifier.report.found, 1);
  });

  it('compares a chunk again before it lists its rows: what was just committed has come meanwhile', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.onCompare = () => {
      if (world.compared.length === 0) world.pending.add(5);
    };
    world.onPass = () => world.pending.clear();
    await world.run();
    assert.deepEqual(world.compared, [[], [5]]);
    assert.equal(world.listed, 0);
  });

  it('takes a change on its way for what it is', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    // The mark brings the change, and it is synced at once.
    world.onPass = () => world.ghost.set(5, 5);
    await world.run();
    const { stale, found, rows, chunks } = world.verifier.report;
    assert.deepEqual({ stale, found, rows, chunks }, { stale: 1, found: 0, rows: 20, chunks: 1 });
  });

  it('repairs what no change explains, says what it was, and looks again', async () => {
    const world = new World();
    world.ghost.delete(5);
    world.ghost.set(99, 1);
    await world.run();
    const { found, repaired } = world.verifier.report;
    assert.deepEqual([found, repaired, world.verifier.unrepaired], [2, 2, 0]);
    assert.deepEqual([world.ghost.get(5), world.ghost.has(99)], [5, false]);
    assert.match(world.lines.join('\n'), /no change explains it.*id=5.*\n.*id=99/);
  });

  it('fails when a repaired row differs again', async () => {
    const world = new World();
    world.repairs = false;
    world.ghost.set(5, 0);
    await assert.rejects(world.run(), /row id=5 differs from the original again \(v\)/);
  });

  it('judges nothing by a row that changed between the reading and the mark', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    // The second mark of the first look brings a touch: the row had changed before it was read.
    world.onPass = (count) => {
      if (count === 2) world.verifier.touched(5);
      if (count === 3) world.ghost.set(5, 5);
    };
    await world.run();
    assert.deepEqual([world.verifier.report.found, world.verifier.report.stale], [0, 1]);
  });

  it('leaves rows that never rest to the cut-over, which compares them while nobody writes', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    world.onPass = () => world.verifier.touched(5);
    await world.run();
    assert.equal(world.verifier.report.watched, 1);
    await assert.rejects(
      world.verifier.finish(world.stop.signal),
      /1 rows of the ghost differ .* under the lock/,
    );
    world.ghost.set(5, 5);
    await world.verifier.finish(world.stop.signal);
    assert.deepEqual([world.verifier.report.watched, world.verifier.report.notCompared], [0, 0]);
  });

  it('says what it does not compare: beyond its bounds it is a sample', async () => {
    const world = new World({ watchMax: 3, finishKeysMax: 2, lookKeys: 2 });
    await world.run();
    world.stop.abort();
    for (const key of [1, 2, 3, 4, 5]) world.verifier.touched(key);
    assert.deepEqual([world.verifier.report.watched, world.verifier.report.notCompared], [3, 2]);
    await world.verifier.finish(new AbortController().signal);
    assert.equal(world.verifier.report.notCompared, 3);
  });

  it('passes over chunks of a sample, but never over all', async () => {
    const world = new World({ percent: 25 }, 8);
    await world.run();
    const { chunks, chunksSkipped } = world.verifier.report;
    assert.deepEqual([chunks, chunksSkipped], [2, 6]);
  });

  it('leaves a column out, and says so, where its expression is not exact', async () => {
    const world = new World();
    for (let id = 1; id <= 100; id += 1) world.original.set(id, -id);
    for (let id = 1; id <= 100; id += 1) world.ghost.set(id, id);
    world.doubtful = ['price'];
    await world.run();
    assert.deepEqual(world.verifier.report.leftOut, ['price']);
    assert.deepEqual([world.verifier.report.found, world.leftOut], [0, ['price']]);
  });

  it('compares everything once more after a repair, and fails when no pass is clean', async () => {
    const world = new World();
    world.ghost.set(5, 0);
    await world.run();
    assert.equal(world.verifier.report.chunks, 2);
    const other = new World();
    let writes = 0;
    other.ghost.set(1, 0);
    // Somebody spoils another row whenever a chunk is compared.
    other.onCompare = () => {
      writes += 1;
      other.ghost.set(1 + writes, 0);
    };
    await assert.rejects(other.run(), /still differ from the original after 3 passes/);
  });

  it('sees touches of the rows it looks at, also where only a sample is asked for', async () => {
    const world = new World({ percent: 1 });
    world.ghost.set(5, 0);
    world.onPass = (count) => {
      if (count === 2) world.verifier.touched(5);
      if (count === 3) world.ghost.set(5, 5);
    };
    await world.run();
    assert.equal(world.verifier.report.found, 0);
  });

  it('fails when more rows differ than could be a mishap', async () => {
    const world = new World({ repairsMax: 3 });
    for (let id = 1; id <= 20; id += 1) world.ghost.set(id, 0);
    await assert.rejects(world.run(), /more than 3 rows of the ghost differ/);
  });
});
