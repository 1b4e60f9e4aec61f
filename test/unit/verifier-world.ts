import { Pulse } from '../../src/base/pulse.ts';
import { makeRetry } from '../../src/base/retry.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import type { Frontier } from '../../src/core/changeset.ts';
import type { CopiedPrefix } from '../../src/core/checkpoint.ts';
import type { Chunk, KeyRange } from '../../src/core/chunk.ts';
import type { Key } from '../../src/core/key.ts';
import type { VerifierOptions } from '../../src/core/verify-options.ts';
import type { VerifiedBefore } from '../../src/core/verify-report.ts';
import type { Judgement, VerifyStore } from '../../src/core/verify-store.ts';
import type { Mark } from '../../src/core/visibility.ts';
import { Verifier } from '../../src/stages/verifier.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';
import { LogPosition } from '../sim/server.ts';

/** A verifier that has not come to an end after so many marks never will. */
const passesMax = 1000;

/** A ghost and an original of a few integers, and everything around a verifier. */
export class World implements VerifyStore {
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
  onCompare: (range: KeyRange) => unknown = () => undefined;
  /** Whether a touch by the verifier is answered by a sync. */
  repairs = true;
  passes = 0;
  /** Keys that each comparison of a chunk was made without, and how often rows were listed. */
  readonly compared: (readonly Key[])[] = [];
  listed = 0;
  onRecord: () => Promise<void> = () => Promise.resolve();
  /** The stream has come so far, and all of it is synced. */
  frontier: Frontier = { receipt: 0, position: null };
  #from: CopiedPrefix = { complete: false, low: null };
  readonly #chunks: readonly Chunk[];
  #left: Chunk[] = [];

  constructor(options: Partial<VerifierOptions> = {}, chunks = 1, before: Partial<VerifiedBefore> = {}) {
    this.#chunks = Array.from({ length: chunks }, (_, number) => ({
      number,
      range: {
        after: number === 0 ? null : number * 10,
        upTo: number === chunks - 1 ? null : number * 10 + 10,
      },
      rowsAimed: 10,
    }));
    const changes = this;
    const say = (facts: object, message: string): void =>
      void this.lines.push(`${message} ${JSON.stringify(facts)}`);
    this.verifier = new Verifier(
      {
        store: this,
        chunks: {
          begin: (from) => this.#begin(from),
          isAhead: (key) => !this.#from.complete && Number(key) > Number(this.#from.low ?? -1),
          next: () => Promise.resolve(this.#left.shift() ?? null),
          feedback: () => undefined,
          settle: () => undefined,
        },
        changes: {
          changed: this.changed,
          has: (key) => this.pending.has(key),
          pending: () => this.pending.keys() as Generator<Key>,
          applied: () => this.frontier,
          get size() {
            return changes.pending.size;
          },
          get receipt() {
            return changes.frontier.receipt;
          },
          get readPosition() {
            return changes.frontier.position;
          },
          touch: (key) => void (this.repairs && this.#sync(key)),
        },
        visibility: {
          pass: () => {
            this.passes += 1;
            if (this.passes > passesMax) throw new Error('the verifier looks again and again');
            this.onPass(this.passes);
            return Promise.resolve({} as Mark);
          },
        },
        turnstile: new Turnstile(),
        gate: { reason: null, pass: () => Promise.resolve() },
        clock: this.clock,
        retry: makeRetry(this.clock, { attempts: 2, delayMs: 1, delayMsMax: 1 }),
        log: { info: say, warn: say },
        record: () => this.onRecord(),
        describe: (key) => `id=${key}`,
        leftOut: [],
        order: { comparable: true, compare: (a, b) => Number(a) - Number(b) },
      },
      options,
      { covered: null, notCompared: 0, repairs: { repaired: 0, repairedRows: [] }, ...before },
    );
    for (const table of [this.original, this.ghost]) for (let id = 1; id <= 20; id += 1) table.set(id, id);
  }

  /** Runs the verification to its end. @throws what it failed with. */
  async run(workers = 2): Promise<void> {
    const follow = this.verifier.follow(this.stop.signal);
    const failed = follow.then(() => new Promise<never>(() => undefined));
    await this.clock.runUntil(Promise.race([this.verifier.run(workers, this.stop.signal), failed]));
  }

  /** Lets the verifier look until nothing waits any more. */
  async lookAtAll(): Promise<void> {
    const wait = async (): Promise<void> => {
      for (let i = 0; i < 100 && this.verifier.report.watched > 0; i += 1)
        await this.clock.sleep(100, this.stop.signal);
    };
    await this.clock.runUntil(wait());
  }

  /** A change comes in, as a transaction of its own, and is synced at once. */
  change(key: Key): void {
    const receipt = this.frontier.receipt + 1;
    const before = new LogPosition(receipt - 1);
    this.frontier = { receipt, position: before };
    this.verifier.touched(key);
    this.frontier = { receipt, position: new LogPosition(receipt) };
  }

  #begin(from: CopiedPrefix = { complete: false, low: null }): void {
    this.#from = from;
    const isLeft = ({ range: { after } }: Chunk): boolean =>
      !from.complete && (from.low === null || (after !== null && Number(after) >= Number(from.low)));
    this.#left = this.#chunks.filter(isLeft).map((chunk, number) => ({ ...chunk, number }));
  }

  async compareRange(range: KeyRange, without: readonly Key[]): Promise<{ rows: number; equal: boolean }> {
    await this.onCompare(range);
    this.compared.push(without);
    const rows = within(this.original.keys(), range).length;
    return { rows, equal: this.#differingIn(range).every((key) => without.includes(key)) };
  }
  differences(range: KeyRange): Promise<Key[]> {
    this.listed += 1;
    return Promise.resolve(this.#differingIn(range));
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

  #differingIn(range: KeyRange): Key[] {
    return this.#differing(within([...this.original.keys(), ...this.ghost.keys()], range));
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

function within(keys: Iterable<Key>, { after, upTo }: KeyRange): Key[] {
  return [...keys].filter((key) => (after === null || key > after) && (upTo === null || key <= upTo));
}
