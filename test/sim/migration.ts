import { Transient } from '../../src/base/errors.ts';
import { deadline } from '../../src/base/pulse.ts';
import { makeRetry, type Retry } from '../../src/base/retry.ts';
import { Turnstile } from '../../src/base/turnstile.ts';
import { ChangeSet } from '../../src/core/changeset.ts';
import type { Key } from '../../src/core/key.ts';
import type { Position } from '../../src/core/position.ts';
import { ReplaceableStore } from '../../src/core/replaceable-store.ts';
import type { ChangeSink } from '../../src/core/stream.ts';
import type { Column } from '../../src/core/table.ts';
import { Watermark } from '../../src/core/watermark.ts';
import type { MigrationParts } from '../../src/migrator/config.ts';
import type { DataPath } from '../../src/migrator/data-path.ts';
import { Intake } from '../../src/migrator/intake.ts';
import { refuseLeftBehind, settleLateWrites } from '../../src/migrator/late-writes.ts';
import { Readiness } from '../../src/migrator/readiness.ts';
import { Replay } from '../../src/migrator/resume-replay.ts';
import { Applier } from '../../src/stages/applier.ts';
import { Chunker } from '../../src/stages/chunker.ts';
import { Conflicts } from '../../src/stages/conflicts.ts';
import { Copier } from '../../src/stages/copier.ts';
import { CutOver } from '../../src/stages/cutover.ts';
import { Heartbeat } from '../../src/stages/heartbeat.ts';
import { Indexes } from '../../src/stages/indexes.ts';
import type { Verifier } from '../../src/stages/verifier.ts';
import type { Checkpoint } from './checkpoint.ts';
import { SimGate } from './gate.ts';
import { SimIndexBuilder } from './index-builder.ts';
import { SimLateRows } from './late-rows.ts';
import type { SimMarks } from './marks.ts';
import { type Plan, steadySessions } from './plan.ts';
import { LogPosition } from './server.ts';
import { SimStore } from './store.ts';
import { SimStream } from './stream.ts';
import { SimSwap, type SwapParts } from './swap.ts';
import { artifacts, tables } from './tables.ts';
import { claimOf, makeVerifier, spoil } from './verification.ts';

/** Attempts to cut over before a run fails. */
const attemptsMax = 40;
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** What a migration meets. */
export interface MigrationWorld extends SwapParts {
  readonly marks: SimMarks;
  readonly plan: Plan;
  /** The copy is complete, or the tables are swapped. */
  readonly onPhase: (phase: 'copied' | 'swapped') => void;
  /** A step of the cut-over begins. */
  readonly onStep: (step: string) => void;
  /** A checkpoint is to be written out of turn. */
  readonly record: () => void;
  /** A checkpoint is written of what the verifier claims now. */
  readonly onVerified: () => void;
}

/** The real core and stages, wired as the migrator wires them, over the simulated server. */
export class Migration {
  readonly watermark: Watermark;
  readonly changes: ChangeSet;
  readonly heartbeat: Heartbeat;
  readonly stream: SimStream;
  readonly gate = new SimGate();
  readonly swap: SimSwap;
  readonly verifier: Verifier | null;
  readonly #controller = new AbortController();
  /** Aborted when the tables are swapped. */
  readonly #retired = new AbortController();
  readonly #working = AbortSignal.any([this.#controller.signal, this.#retired.signal]);
  readonly #world: MigrationWorld;
  readonly #start: Checkpoint;
  readonly #applier: Applier;
  readonly #copier: Copier;
  /** Null where the ghost has all its indexes from the start. */
  readonly #indexes: Indexes | null;
  readonly #intake: Intake;
  readonly #retry: Retry;
  readonly #turnstile = new Turnstile();
  readonly #loops: Promise<void>[] = [];
  #drained = false;
  #settled = false;
  ended = false;
  failure: unknown = null;

  constructor(world: MigrationWorld, start: Checkpoint) {
    this.#world = world;
    this.#start = start;
    const { scheduler, space, random, server, plan } = world;
    this.watermark = new Watermark(space);
    if (start.complete) this.watermark.resumeComplete();
    else if (start.low !== null) this.watermark.resumeAfter(start.low);
    this.changes = new ChangeSet(this.watermark, { capacity: plan.capacity });
    const { changes, watermark } = this;
    this.heartbeat = new Heartbeat(world.marks, changes, scheduler, start.marks);
    const visibility = this.heartbeat;
    // As src/migrator/data-path.ts makes them: by a plan without the indexes that are missing, and by the whole one.
    const bare = plan.deferred !== null && !start.built.has('u');
    const store = new ReplaceableStore(new SimStore(world, bare ? { ...plan, uniqueness: 'none' } : plan));
    const heedUniqueKeys = (): void => store.replace(new SimStore(world, plan));
    const retry = makeRetry(scheduler, { attempts: 60, delayMs: 1, delayMsMax: 20 }, () => random.next());
    this.#retry = retry;
    const turnstile = this.#turnstile;
    const conflicts = new Conflicts(store, changes, visibility, turnstile, {
      attempts: 60,
      passTimeoutMs: 1e9,
      addedUniqueness: plan.uniqueness === 'added',
      batchKeys: plan.batchKeys,
    });
    const shared = { store, changes, watermark, visibility, conflicts, turnstile, gate: this.gate, retry };
    const chunks = new Chunker(store, watermark, plan, { rowsStart: 2, rowsMin: 1, targetMs: () => 20 });
    this.#applier = new Applier({ ...shared, clock: scheduler, sizing: plan });
    this.#copier = new Copier({ ...shared, chunks, clock: scheduler });
    this.#indexes =
      plan.deferred &&
      new Indexes({
        port: new SimIndexBuilder(world, {
          failure: plan.failure,
          lock: plan.deferred,
          unique: plan.uniqueness !== 'none',
        }),
        ...{ conflicts, watermark, changes, retry, heedUniqueKeys, onStep: () => undefined, attempts: 60 },
      });
    const around = { ...shared, clock: scheduler };
    this.verifier = plan.damage === null ? null : makeVerifier(world, around, start.verified);
    this.stream = new SimStream(server, this.#sink(), start.index, (error) => this.#fail(error));
    this.#intake = new Intake({
      ...{ original: tables.original, ghost: tables.ghost, changes, stream: this.stream, log },
      marked: (row) => this.heartbeat.marked(row),
      fail: (error) => this.#fail(error),
      replay: start.marks > 0 ? new Replay(start.marks, tables.original, artifacts, null) : undefined,
    });
    const failure = Math.min(plan.failure, 0.04);
    this.swap = new SimSwap(world, { ...plan, failure }, (threadId) => this.#intake.expect(threadId));
  }

  /** The tables are swapped. */
  get retired(): boolean {
    return this.#retired.signal.aborted;
  }

  /** The entry of the log right behind our RENAME, where it was read. */
  get swappedAt(): number | null {
    const { swappedAt } = this.#intake;
    return swappedAt instanceof LogPosition ? swappedAt.index : null;
  }

  /** Where a checkpoint written now would let another run start. */
  get checkpoint(): Checkpoint {
    const indexOf = (position: Position | null): number =>
      position instanceof LogPosition ? position.index : this.#start.index;
    return {
      verified: claimOf(this.verifier, indexOf),
      index: indexOf(this.changes.appliedPosition()),
      low: this.watermark.low,
      complete: this.watermark.complete,
      marks: this.heartbeat.marks,
      built: new Set(),
      drained: this.#drained,
      settled: this.#settled || (this.#intake.swapSeen && this.changes.empty),
    };
  }

  /** Runs until the tables are swapped and all is settled, or fails. */
  run(): void {
    this.#begin((signal) => this.#foreground(signal));
  }

  /** Looks for the late writes of a run that died after the swap: as src/migrator/resume-late.ts has it done. */
  settle(): void {
    this.#retired.abort(new Error('the tables are swapped'));
    this.#expectSwap();
    this.#begin((signal) => this.#settle(signal));
  }

  #begin(foreground: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#controller;
    const { plan } = this.#world;
    this.#spawn(this.heartbeat.run(plan.heartbeatMs, signal), signal);
    this.#spawn(this.#applier.run(plan.sessions, this.#working, steadySessions(plan)), this.#working);
    this.#spawn(this.#intake.relieve(signal), signal);
    this.#spawn(this.#hurry(this.#working), this.#working);
    this.#spawn(this.verifier?.follow(this.#working) ?? Promise.resolve(), this.#working);
    void this.#failing(foreground(signal), signal)
      .then(() => this.stop())
      .then(() => Promise.all(this.#loops))
      .then(() => {
        this.ended = true;
      });
  }

  #spawn(loop: Promise<unknown>, until: AbortSignal): void {
    this.#loops.push(this.#failing(loop, until));
  }

  async #failing(task: Promise<unknown>, until: AbortSignal): Promise<void> {
    try {
      await task;
    } catch (error) {
      if (!until.aborted) this.#fail(error);
    }
  }

  /** The run is over, or told to end. */
  stop(): void {
    this.#controller.abort(new Error('stopped'));
  }

  /** The process dies. */
  die(): void {
    this.swap.die();
    this.stop();
  }

  async #foreground(signal: AbortSignal): Promise<void> {
    const { plan, onPhase } = this.#world;
    await this.#copier.run(plan.workers, signal);
    await this.heartbeat.pass(1e9, signal);
    onPhase('copied');
    await this.#indexes?.run(signal);
    if (this.verifier) {
      spoil(this.#world, plan);
      await this.verifier.run(plan.verifyWorkers, signal);
      this.#spawn(this.#verifyAgain(this.#working), this.#working);
    }
    await this.#swapTables(signal);
    onPhase('swapped');
    await this.#settle(signal);
  }

  /** As src/migrator/verification.ts does it. */
  async #verifyAgain(signal: AbortSignal): Promise<void> {
    const { verifyWorkers } = this.#world.plan;
    for (;;) await this.verifier!.doubted(signal).then(() => this.verifier!.run(verifyWorkers, signal));
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { plan, record } = this.#world;
    record();
    const { heartbeat, changes } = this;
    const path = {
      ...{ heartbeat, changes, intake: this.#intake, retry: this.#retry, followsNewTable: plan.followsNew },
      lateRows: new SimLateRows(this.#world, plan.failure),
    };
    const left = await settleLateWrites(
      path,
      { codec: this.#codec(), triggers: { made: plan.triggers ? ['one'] : [] } },
      log,
      signal,
    );
    refuseLeftBehind(left, tables.old);
    this.#settled = true;
    record();
  }

  #expectSwap(): void {
    this.#intake.expectSwap(() => this.stream.follow(this.#world.plan.followsNew ? 'new' : null));
  }

  /** As src/migrator/swap-tables.ts does it. */
  async #swapTables(signal: AbortSignal): Promise<void> {
    const { scheduler, plan, onStep, record } = this.#world;
    const cutOver = new CutOver(
      {
        ...{ port: this.swap, changes: this.changes, visibility: this.heartbeat, applier: this.#applier },
        ...{ turnstile: this.#turnstile, clock: scheduler, warn: () => undefined },
        onStep: (step) => {
          if (step === 'drained') {
            this.#drained = true;
            record();
          }
          onStep(step);
        },
        compare: async (stop) => await this.verifier?.finish(stop),
        retire: () => this.#retired.abort(new Error('the ghost must not be written to any more')),
        onSwapped: () => this.#retired.abort(new Error('the tables are swapped')),
      },
      { lockTimeoutMs: plan.lockTimeoutMs, patienceMs: plan.lockTimeoutMs / 3 },
    );
    const settings = { postponeFlagFile: null, maxLagMs: plan.lockTimeoutMs };
    const config = { cutOver: { lockTimeoutSeconds: plan.lockTimeoutMs / 1000 } };
    const readiness = new Readiness({ settings, config } as unknown as MigrationParts);
    const { changes, heartbeat, verifier } = this;
    const path = { changes, heartbeat, verification: verifier && { verifier } } as unknown as DataPath;
    for (let attempt = 1; ; attempt += 1) {
      while ((await readiness.obstacle(path, null)) !== null) await scheduler.sleep(100, signal);
      this.#expectSwap();
      try {
        await cutOver.attempt(signal);
        return;
      } catch (error) {
        if (!(error instanceof Transient)) throw error;
        this.#drained = false;
        record();
        signal.throwIfAborted();
        if (attempt >= attemptsMax) throw error;
        await scheduler.sleep(1000, signal);
      }
    }
  }

  /** Now and then somebody tries to drain while the writers go on, and gives up. */
  async #hurry(signal: AbortSignal): Promise<void> {
    const { scheduler, plan } = this.#world;
    for (const atMs of plan.hurriesMs) {
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

  #codec() {
    const { space } = this.#world;
    const [columns, literals] = [[{ name: 'k' } as Column], (key: Key) => [String(key)]];
    return { comparable: space.comparable, columns, literals };
  }

  #sink(): ChangeSink {
    const migration = this;
    const { checks, space } = this.#world;
    return {
      touched(role, key, deleted) {
        const { changes } = migration;
        migration.#intake.touched(role, key, deleted);
        if (role === 'new') return;
        if (changes.lastDrop === changes.receipt) checks.dropped(space.rank(key), migration.stream.entry);
        migration.verifier?.touched(key);
      },
      marked: (row) => migration.#intake.marked(row),
      committed: (position) => migration.#intake.committed(position),
      noticed: (notice) => migration.#intake.noticed(notice),
    };
  }
}
