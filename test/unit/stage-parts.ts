import { Pulse } from '../../src/base/pulse.ts';
import { makeRetry } from '../../src/base/retry.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import { ChangeSet } from '../../src/core/changeset.ts';
import type { KeyRange } from '../../src/core/chunk.ts';
import type { Gate } from '../../src/core/gate.ts';
import type { Key } from '../../src/core/key.ts';
import type { GhostStore } from '../../src/core/store.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { Heartbeat } from '../../src/stages/heartbeat.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

/** A signal that never aborts. */
export const forever: AbortSignal = new AbortController().signal;

/** A gate that a test opens and shuts. */
export class TestGate implements Gate {
  readonly #opened = new Pulse();
  reason: string | null = null;

  open(): void {
    this.reason = null;
    this.#opened.beat();
  }
  async pass(signal: AbortSignal): Promise<void> {
    while (this.reason !== null) await this.#opened.next(signal);
  }
}

/** What a store was asked to do: `copy 1..5`, `sync 3,4 beside`. */
export function describeCall(name: string, what: KeyRange | readonly Key[]): string {
  if ('upTo' in what) return `${name} ${what.after ?? ''}..${what.upTo ?? ''}`;
  return `${name} ${what.join(',')}`;
}

/** A store that does nothing, notes what it was asked, and lets a test replace what it does. */
export function fakeStore(clock: VirtualClock, calls: string[]): GhostStore {
  const took = async (call: string): Promise<void> => {
    calls.push(call);
    await clock.sleep(10);
  };
  return {
    copy: async (range) => {
      await took(describeCall('copy', range));
      return 7;
    },
    clear: (range) => took(describeCall('clear', range)),
    sync: async (keys, _deleted, manner) => {
      await took(`${describeCall('sync', keys)} ${manner}`);
      return keys.length;
    },
    bound: async () => null,
    last: async () => null,
    place: async (keys) => keys.map((key) => ({ key, place: 'copied' as const })),
    findCollision: async () => null,
  };
}

/** The parts that the stages share; marks take 1 ms and come back at once where `echo` is true. */
export function stageParts(options: { complete?: boolean; comparable?: boolean; echo?: boolean } = {}) {
  const { complete = true, comparable = true, echo = true } = options;
  const clock = new VirtualClock();
  const calls: string[] = [];
  const watermark = new Watermark({ comparable, compare: (a, b) => Number(a) - Number(b) });
  if (complete) watermark.resumeComplete();
  const changes = new ChangeSet(watermark, { capacity: 100 });
  const writeMark = async (sequence: number, writtenAtMs: number): Promise<void> => {
    calls.push('mark');
    await clock.sleep(1);
    if (echo) visibility.marked({ id: 1, sequence, writtenAtMs });
  };
  const visibility: Heartbeat = new Heartbeat({ writeMark }, changes, clock);
  const retry = makeRetry(clock, { attempts: 4, delayMs: 10, delayMsMax: 10 }, () => 1);
  const [turnstile, gate, store] = [new Turnstile(), new TestGate(), fakeStore(clock, calls)];
  return { clock, calls, watermark, changes, visibility, retry, turnstile, gate, store };
}
