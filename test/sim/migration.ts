import { deadline, Pulse } from '../../src/base/pulse.ts';
import { makeRetry } from '../../src/base/retry.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import { ChangeSet } from '../../src/core/changeset.ts';
import type { Gate } from '../../src/core/gate.ts';
import type { Key } from '../../src/core/key.ts';
import type { ChangelogRow } from '../../src/core/stream.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { Applier } from '../../src/stages/applier.ts';
import { Chunker } from '../../src/stages/chunker.ts';
import { Conflicts } from '../../src/stages/conflicts.ts';
import { Copier } from '../../src/stages/copier.ts';
import { Heartbeat } from '../../src/stages/heartbeat.ts';
import type { SimMarks } from './marks.ts';
import type { Plan } from './plan.ts';
import { LogPosition } from './server.ts';
import { SimStore, type StoreParts } from './store.ts';
import { SimStream } from './stream.ts';

/** A gate that somebody opens and shuts. */
export class SimGate implements Gate {
  readonly #opened = new Pulse();
  #reason: string | null = null;

  get reason(): string | null {
    return this.#reason;
  }
  turn(): void {
    this.#reason = this.#reason === null ? 'replica-lag 9 > 1' : null;
    this.#opened.beat();
  }
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#reason !== null) await this.#opened.next(signal);
  }
}

/** From where a migration goes on. */
export interface Checkpoint {
  /** The stream is read from this entry of the log. */
  readonly index: number;
  readonly low: Key | null;
  readonly complete: boolean;
  /** Number of the last mark of an earlier run. */
  readonly marks: number;
}

/** The real core and stages, wired as the migrator wires them, over the simulated server. */
export class Migration {
  readonly watermark: Watermark;
  readonly changes: ChangeSet;
  readonly heartbeat: Heartbeat;
  readonly stream: SimStream;
  readonly gate = new SimGate();
  readonly #controller = new AbortController();
  readonly #parts: StoreParts;
  readonly #plan: Plan;
  readonly #start: Checkpoint;
  readonly #applier: Applier;
  readonly #copier: Copier;
  /** True while the writers are not to be waited for any more. */
  readonly writersDone = new Pulse();
  #quiet = false;
  ended = false;
  failure: unknown = null;

  constructor(parts: StoreParts, marks: SimMarks, plan: Plan, start: Checkpoint) {
    this.#parts = parts;
    this.#plan = plan;
    this.#start = start;
    const { scheduler, space, random, checks } = parts;
    this.watermark = new Watermark(space);
    if (start.complete) this.watermark.resumeComplete();
    else if (start.low !== null) this.watermark.resumeAfter(start.low);
    this.changes = new ChangeSet(this.watermark, { capacity: plan.capacity });
    const { changes, watermark } = this;
    this.heartbeat = new Heartbeat(marks, changes, scheduler, start.marks);
    const visibility = this.heartbeat;
    const store = new SimStore(parts, plan);
    const retry = makeRetry(scheduler, { attempts: 60, delayMs: 1, delayMsMax: 20 }, () => random.next());
    const turnstile = new Turnstile();
    const conflicts = new Conflicts(store, changes, visibility, turnstile, {
      attempts: 60,
      passTimeoutMs: 1e9,
      addedUniqueness: plan.uniqueness === 'added',
      batchKeys: plan.batchKeys,
    });
    const shared = { store, changes, watermark, visibility, conflicts, turnstile, gate: this.gate, retry };
    const chunks = new Chunker(store, watermark, plan, { rowsStart: 2, rowsMin: 1, targetMs: 20 });
    this.#applier = new Applier({ ...shared, sizing: plan });
    this.#copier = new Copier({ ...shared, chunks, clock: scheduler });
    this.stream = new SimStream(parts.server, this.#sink(checks, space), start.index);
  }

  /** Where a checkpoint written now would let another run start. */
  get checkpoint(): Checkpoint {
    const position = this.changes.appliedPosition();
    return {
      index: position instanceof LogPosition ? position.index : this.#start.index,
      low: this.watermark.low,
      complete: this.watermark.complete,
      marks: this.heartbeat.marks,
    };
  }

  /** The seam for the cut-over: from now on nobody writes to the original. */
  writersStopped(): void {
    this.#quiet = true;
    this.writersDone.beat();
  }

  /** Runs until the ghost agrees with the original, or fails. */
  run(): void {
    const { signal } = this.#controller;
    const background = (task: Promise<unknown>): Promise<void> =>
      task.then(
        () => undefined,
        (error: unknown) => {
          if (!signal.aborted) this.#fail(error);
        },
      );
    const loops = [
      background(this.heartbeat.run(this.#plan.heartbeatMs, signal)),
      background(this.#applier.run(this.#plan.sessions, signal)),
      background(this.#hurry(signal)),
    ];
    void background(this.#foreground(signal))
      .then(() => this.stop())
      .then(() => Promise.all(loops))
      .then(() => {
        this.ended = true;
      });
  }

  /** The process dies, or the run is over. */
  stop(): void {
    this.#controller.abort(new Error('stopped'));
  }

  async #foreground(signal: AbortSignal): Promise<void> {
    await this.#copier.run(this.#plan.workers, signal);
    while (!this.#quiet) await this.writersDone.next(signal);
    // Everything is stopped under the lock: the mark that is written now is the drain mark.
    await this.heartbeat.pass(1e9, signal);
    await this.#applier.drain(signal);
    this.#parts.checks.compare();
  }

  /** Now and then somebody tries to drain while the writers go on, and gives up. */
  async #hurry(signal: AbortSignal): Promise<void> {
    const { scheduler } = this.#parts;
    for (const atMs of this.#plan.hurriesMs) {
      await scheduler.sleep(atMs, signal);
      const limit = deadline(30, 'a drain', scheduler, signal);
      await this.#applier.drain(limit.signal).catch(() => undefined);
      limit.clear();
    }
  }

  #fail(error: unknown): void {
    this.failure ??= error;
    this.stop();
  }

  #sink(checks: StoreParts['checks'], space: StoreParts['space']) {
    const { changes, heartbeat } = this;
    const migration = this;
    return {
      get full() {
        return changes.full;
      },
      touched(_role: string, key: Key, deleted: boolean) {
        changes.touch(key, deleted);
        if (changes.lastDrop === changes.receipt) checks.dropped(space.rank(key), migration.stream.entry);
      },
      marked: (row: ChangelogRow) => heartbeat.marked(row),
      committed: (position: LogPosition) => changes.committed(position),
      noticed: () => undefined,
    };
  }
}
