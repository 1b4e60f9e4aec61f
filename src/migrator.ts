import { Ambiguous, toError } from './base/errors.ts';
import { Scope } from './base/scope.ts';
import type { Phase } from './core/phase.ts';
import type { LiveSettings } from './core/settings.ts';
import type { MigrationControls, Snapshot } from './core/snapshot.ts';
import { endRun, removeAfterSwap, type SwapEnd } from './migrator/aftermath.ts';
import { Checkpoint } from './migrator/checkpoint.ts';
import type { MigrationParts } from './migrator/config.ts';
import { buildDataPath, type DataPath } from './migrator/data-path.ts';
import { type Survey, survey } from './migrator/inspect.ts';
import { refuseLeftBehind, settleLateWrites } from './migrator/late-writes.ts';
import { onOneSession } from './migrator/one-session.ts';
import { copyPaced } from './migrator/pace.ts';
import type { Plan } from './migrator/plan.ts';
import { Progress } from './migrator/progress.ts';
import { Readiness } from './migrator/readiness.ts';
import { showBlockers, showPlan } from './migrator/report.ts';
import { type Beginning, begin, type ResumePoint, type SwappedBefore } from './migrator/resume-begin.ts';
import { panicked } from './migrator/resume-ending.ts';
import { catchUp, follow } from './migrator/resume-follow.ts';
import { settleForDead } from './migrator/resume-late.ts';
import { RowCount } from './migrator/row-count.ts';
import { takeSnapshot } from './migrator/status.ts';
import { swapTables } from './migrator/swap-tables.ts';
import { Throttling } from './migrator/throttling.ts';
import { locate, ownParts } from './migrator/topology.ts';
import { analyze } from './mysql/artifacts.ts';
import { RunLock } from './mysql/run-lock.ts';
import type { Session } from './mysql/session.ts';
import type { Topology } from './mysql/topology.ts';

/** Conducts one migration: the phases in their order. See core/phase.ts for what each means. */
export class Migrator implements MigrationControls {
  readonly settings: LiveSettings;
  readonly #parts: MigrationParts;
  readonly #progress: Progress;
  readonly #readiness: Readiness;
  readonly #throttling: Throttling;
  readonly #startedMs: number;
  readonly #startedWallMs: number;
  readonly #rowCount: RowCount;
  #scope: Scope | null = null;
  #phase: Phase = 'starting';
  #survey: Survey | null = null;
  #path: DataPath | null = null;
  #checkpoint: Checkpoint | null = null;
  #created = false;
  #swapped = false;
  #attempts = 0;
  #writerStopMs: number | null = null;

  constructor(parts: MigrationParts) {
    const { settings, clock } = parts;
    this.#parts = ownParts(parts);
    this.settings = settings;
    this.#progress = new Progress(clock);
    this.#readiness = new Readiness(this.#parts);
    this.#rowCount = new RowCount(this.#parts);
    this.#throttling = new Throttling(this.#parts);
    this.#startedMs = clock.nowMs();
    this.#startedWallMs = clock.wallMs();
  }

  get controls(): MigrationControls {
    return this;
  }

  /**
   * Migrates, or plans without --execute.
   * @throws a PoltergeistError whose exit code is the command's.
   */
  async run(signal: AbortSignal): Promise<void> {
    const scope = new Scope(signal);
    this.#scope = scope;
    let lock: RunLock | null = null;
    try {
      const { config, clock } = this.#parts;
      const topology = await locate(this.#parts);
      lock = await RunLock.take(config.connection, clock, config.table);
      scope.spawn((stop) => lock!.keep(clock, stop));
      await this.#migrate(topology, scope.signal);
      this.#enter('done');
    } catch (thrown) {
      const reason = scope.failure ?? (scope.signal.aborted ? scope.signal.reason : thrown);
      // That nobody knows which table is which is the first thing to be told.
      const cause = thrown instanceof Ambiguous ? thrown : reason;
      await this.#end(scope);
      throw await this.#failed(toError(cause));
    } finally {
      await this.#end(scope);
      await lock?.release();
    }
  }

  async #migrate(topology: Topology, signal: AbortSignal): Promise<void> {
    const found = await this.#inspect(topology, signal);
    if (found.directly !== null) return;
    const beginning = await this.#prepare(found, signal);
    if ('swapped' in beginning) return await this.#finish(beginning, signal);
    const { survey: now, plan } = beginning;
    await this.#parts.moments?.reach('validated', signal);
    if (!this.#parts.config.execute)
      return await this.#withSession('plan', (session) => showPlan(session, now, plan, this.#parts));
    const path = await this.#follow(beginning, signal);
    await this.#copy(path, beginning, signal);
    await this.#index(path, signal);
    await this.#verify(path, signal);
    await this.#cutOver(now, path, plan, signal);
    const left = await this.#settle(path, plan, signal);
    await this.#cleanUp(now, { late: left.length > 0, swappedAt: path.intake.swappedAt });
    refuseLeftBehind(left, now.artifacts.old);
  }

  async #inspect(topology: Topology, signal: AbortSignal): Promise<Survey> {
    this.#enter('inspecting');
    const found = await this.#withSession('inspector', (each) => survey(each, this.#parts, topology, signal));
    this.#survey = found;
    found.blockers.throwIfAny();
    await this.#throttling.check();
    for (const warning of found.warnings) this.#parts.log.warn({}, warning);
    return found;
  }

  /** Makes the tables, or takes over what a run before has left; the server judges the ALTER on the empty ghost. */
  async #prepare(found: Survey, signal: AbortSignal): Promise<Beginning | SwappedBefore> {
    this.#enter('preparing');
    const checkpoint = new Checkpoint(this.#parts, found.artifacts.checkpoint, found.streamed.uuid);
    this.#checkpoint = checkpoint;
    const touching = (): void => {
      this.#created = true;
    };
    return await begin({ found, parts: this.#parts, checkpoint, touching, signal });
  }

  /** An earlier run has swapped the tables and died before its end. */
  async #finish(before: SwappedBefore, signal: AbortSignal): Promise<void> {
    this.#enter('cleaning');
    const context = {
      parts: this.#parts,
      scope: this.#scope!,
      signal,
      build: this.#build.bind(this, signal),
    };
    const { left, ...end } = await settleForDead(before, context);
    await this.#cleanUp(before.swapped, end);
    refuseLeftBehind(left, before.swapped.artifacts.old);
  }

  #build(signal: AbortSignal, found: Survey, plan: Plan, point: ResumePoint | null): DataPath {
    const fail = (error: Error): void => this.#scope!.fail(error);
    const beginning = { survey: found, plan, point, checkpoint: this.#checkpoint! };
    this.#path = buildDataPath(beginning, this.#parts, this.#throttling, signal, fail);
    return this.#path;
  }

  /** Starts everything that runs in the background. */
  async #follow(beginning: Beginning, signal: AbortSignal): Promise<DataPath> {
    const scope = this.#scope!;
    const { survey: found, plan, point, checkpoint } = beginning;
    this.#survey = found;
    const path = this.#build(signal, found, plan, point);
    this.#throttling.follow(found.artifacts.changelog, path.heartbeat);
    const parts = this.#parts;
    const start = await follow({ beginning, path, parts, scope, throttler: this.#throttling, signal });
    const run = { path, start, phase: () => this.#phase, lossy: plan.lossy };
    scope.spawn((stop) => checkpoint.run(run, AbortSignal.any([stop, path.retired.signal])));
    return path;
  }

  async #copy(path: DataPath, beginning: Beginning, signal: AbortSignal): Promise<void> {
    const { log, moments } = this.#parts;
    const scope = this.#scope!;
    this.#enter('copying');
    const { stream } = path;
    await this.#rowCount.run(this.#survey!.original.ref, () => stream.stats.growth, signal);
    await moments?.reach('before-row-copy', signal);
    this.#progress.start();
    scope.spawn((stop) => path.applier.run(path.applySessions, AbortSignal.any([stop, path.retired.signal])));
    await copyPaced(path, signal);
    await catchUp(path, beginning, signal);
    this.#progress.end();
    const seconds = Number((this.#progress.elapsedMs / 1000).toFixed(2));
    log.info({ rows: path.copier.rows, seconds }, 'Row copy complete');
    await moments?.reach('row-copy-complete', signal);
  }

  async #index({ indexBuild }: DataPath, signal: AbortSignal): Promise<void> {
    if (indexBuild === null) return;
    this.#enter('indexing');
    await indexBuild.run(signal);
  }

  async #verify({ verification, retired }: DataPath, signal: AbortSignal): Promise<void> {
    if (verification === null) return;
    this.#enter('verifying');
    await verification.run(this.#scope!, retired.signal, signal);
  }

  /** Waits until the operator and the state of things allow it, and swaps the tables. */
  async #cutOver(found: Survey, path: DataPath, plan: Plan, signal: AbortSignal): Promise<void> {
    await this.#rowCount.stop();
    const report = await swapTables({
      ...{
        parts: this.#parts,
        survey: found,
        plan,
        path,
        checkpoint: this.#checkpoint!,
        readiness: this.#readiness,
        throttler: this.#throttling,
      },
      enter: (phase, attempt) => {
        this.#attempts = attempt;
        this.#enter(phase);
      },
      onSwapped: () => {
        this.#swapped = true;
        path.retired.abort(new Error('the tables are swapped'));
      },
      analyzeGhost: () =>
        this.#withSession('statistics', (session) => analyze(session, found.artifacts.ghost)),
      signal,
    });
    this.#writerStopMs = report.writerStopMs;
  }

  async #settle(path: DataPath, plan: Plan, signal: AbortSignal): Promise<readonly string[]> {
    this.#enter('cleaning');
    await this.#checkpoint?.writeLast(this.#phase);
    const left = await settleLateWrites(path, plan, this.#parts.log, signal);
    if (left.length === 0) await this.#checkpoint?.writeSettled(this.#phase);
    return left;
  }

  #cleanUp(found: Survey, end?: SwapEnd): Promise<void> {
    return this.#withSession('clean-up', (each) => removeAfterSwap(each, found, this.#parts, end));
  }

  /** Stops all that runs in the background and closes all sessions. */
  async #end(scope: Scope): Promise<void> {
    await scope.close(new Error('the run is over'));
    await this.#rowCount.stop();
    await this.#path?.close();
    await this.#checkpoint?.close();
    await this.#throttling.close();
  }

  /** What to throw, after what is of no use any more has been removed. */
  async #failed(error: Error): Promise<Error> {
    const phase = this.#phase;
    this.#enter('failed');
    const [survey, checkpoint] = [this.#survey, this.#checkpoint];
    showBlockers(error, survey, this.#parts);
    if (this.#created && survey && checkpoint)
      await endRun(this.#parts, survey, error, { swapped: this.#swapped, checkpoint, phase });
    return error;
  }

  #enter(phase: Phase): void {
    this.#parts.log.debug({ from: this.#phase, to: phase }, `phase ${phase}`);
    this.#phase = phase;
    this.#checkpoint?.phaseChanged();
  }

  #withSession<T>(name: string, work: (session: Session) => Promise<T>): Promise<T> {
    const onOpen = (threadId: number): void => this.#path?.intake.expect(threadId);
    return onOneSession(this.#parts, { name, onOpen }, work);
  }

  snapshot(): Snapshot {
    return takeSnapshot({
      ...{ parts: this.#parts, phase: this.#phase, survey: this.#survey, path: this.#path },
      ...{ progress: this.#progress, rowCount: this.#rowCount },
      startedMs: this.#startedMs,
      startedWallMs: this.#startedWallMs,
      throttled: this.#path ? this.#throttling.bulk.reason : null,
      lagMs: this.#throttling.lagMs,
      postponing: this.#readiness.postponing,
      cutOverAttempts: this.#attempts,
      writerStopMs: this.#writerStopMs,
    });
  }

  throttle(): void {
    this.#throttling.command(true);
  }

  unthrottle(): void {
    this.#throttling.command(false);
  }

  unpostpone(): boolean {
    return this.#readiness.unpostpone();
  }

  panic(reason: string): void {
    this.#scope?.fail(panicked(reason));
  }
}
