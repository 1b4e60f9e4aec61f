import { Abandoned, Ambiguous, toError } from './base/errors.ts';
import { Scope } from './base/scope.ts';
import type { Phase } from './core/phase.ts';
import { quoteTable } from './core/quote.ts';
import type { LiveSettings } from './core/settings.ts';
import type { MigrationControls, Snapshot } from './core/snapshot.ts';
import { removeArtifacts } from './migrator/aftermath.ts';
import type { MigrationParts } from './migrator/config.ts';
import { buildDataPath, type DataPath } from './migrator/data-path.ts';
import { type Survey, survey } from './migrator/inspect.ts';
import { settleLateWrites } from './migrator/late-writes.ts';
import { makePlan, type Plan } from './migrator/plan.ts';
import { waitForPreparedXa } from './migrator/prepared-xa.ts';
import { Progress } from './migrator/progress.ts';
import { Readiness } from './migrator/readiness.ts';
import { describePlan } from './migrator/report.ts';
import { takeSnapshot } from './migrator/status.ts';
import { swapTables } from './migrator/swap-tables.ts';
import { flagFileSignal, ReplicaLagSignal } from './migrator/throttle-signals.ts';
import { analyze, createChangelog, createGhost, dropTable } from './mysql/artifacts.ts';
import { dataProfile } from './mysql/profile.ts';
import { ReplicaLag } from './mysql/replica-lag.ts';
import { RunLock } from './mysql/run-lock.ts';
import { Session } from './mysql/session.ts';
import { Throttler } from './stages/throttler.ts';

const analyzeTimeoutMs = 60_000;
const firstPassTimeoutMs = 60_000;

/** Conducts one migration: the phases in their order. See core/phase.ts for what each means. */
export class Migrator implements MigrationControls {
  readonly settings: LiveSettings;
  readonly #parts: MigrationParts;
  readonly #progress: Progress;
  readonly #readiness: Readiness;
  readonly #throttler: Throttler;
  readonly #startedMs: number;
  readonly #startedWallMs: number;
  #replicaLag: ReplicaLag | null = null;
  #lagSignal: ReplicaLagSignal;
  #scope: Scope | null = null;
  #phase: Phase = 'starting';
  #survey: Survey | null = null;
  #path: DataPath | null = null;
  #created = false;
  #swapped = false;
  #attempts = 0;
  #writerStopMs: number | null = null;

  constructor(parts: MigrationParts) {
    const { config, settings, clock } = parts;
    this.#parts = parts;
    this.settings = settings;
    this.#progress = new Progress(clock);
    this.#readiness = new Readiness(parts);
    this.#lagSignal = new ReplicaLagSignal(
      { read: (replica, signal) => this.#readLag(replica, signal) },
      settings,
    );
    this.#throttler = new Throttler(
      [...config.throttleFlagFiles.map(flagFileSignal), this.#lagSignal],
      clock,
    );
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
      lock = await RunLock.take(config.connection, clock, config.table);
      scope.spawn((stop) => lock!.keep(clock, stop));
      await this.#migrate(scope.signal);
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

  async #migrate(signal: AbortSignal): Promise<void> {
    const found = await this.#inspect();
    const plan = await this.#prepare(found);
    if (!this.#parts.config.execute) return await this.#showPlan(found, plan);
    const path = await this.#follow(found, plan, signal);
    await this.#copy(path, signal);
    await this.#cutOver(found, path, plan, signal);
    await this.#settle(path, plan, signal);
    await this.#cleanUp(found);
  }

  async #inspect(): Promise<Survey> {
    this.#enter('inspecting');
    const found = await this.#withSession('inspector', (session) => survey(session, this.#parts));
    this.#survey = found;
    for (const warning of found.warnings) this.#parts.log.warn({}, warning);
    return found;
  }

  /** Creates ghost and changelog; the server judges the ALTER on the empty ghost. */
  async #prepare(found: Survey): Promise<Plan> {
    this.#enter('preparing');
    const { artifacts, original, alter } = found;
    const { config } = this.#parts;
    return await this.#withSession('preparation', async (session) => {
      if (config.refusals.initiallyDropGhostTable) await dropTable(session, artifacts.ghost);
      if (config.refusals.initiallyDropOldTable) await dropTable(session, artifacts.old);
      this.#created = true;
      const ghost = await createGhost(session, original.ref, artifacts.ghost, alter.text);
      const plan = makePlan(found, ghost, config);
      if (config.execute) await createChangelog(session, artifacts.changelog);
      return plan;
    });
  }

  async #showPlan(found: Survey, plan: Plan): Promise<void> {
    for (const line of describePlan(found, plan)) this.#parts.print(line);
    await this.#withSession('clean-up', (session) => dropTable(session, found.artifacts.ghost));
  }

  /** Starts everything that runs in the background. The position is taken before any row is read (I1). */
  async #follow(found: Survey, plan: Plan, signal: AbortSignal): Promise<DataPath> {
    const scope = this.#scope!;
    const { config, clock } = this.#parts;
    const { original, artifacts } = found;
    const path = buildDataPath(found, plan, this.#parts, this.#throttler, signal, (error) =>
      scope.fail(error),
    );
    this.#path = path;
    const { stream, heartbeat, intake } = path;
    this.#replicaLag = new ReplicaLag(config.connection, artifacts.changelog, clock);
    stream.subscribe(original.ref, { role: 'original', definition: original, codec: plan.codec });
    stream.followChangelog(artifacts.changelog);
    stream.watch([artifacts.ghost, artifacts.changelog, artifacts.old]);
    const position = await stream.currentPosition();
    scope.spawn((stop) => stream.run(position, intake, stop));
    scope.spawn((stop) => intake.relieve(stop));
    await stream.ready(signal);
    scope.spawn((stop) => heartbeat.run(config.heartbeatIntervalMs, stop));
    scope.spawn((stop) => this.#throttler.run(stop));
    await waitForPreparedXa(path, this.#parts, signal);
    // What was committed before the position may not be visible yet; after this mark it is. It also proves the stream.
    await heartbeat.pass(firstPassTimeoutMs, signal);
    intake.expectCopy();
    return path;
  }

  async #copy(path: DataPath, signal: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    const scope = this.#scope!;
    this.#enter('copying');
    this.#progress.start();
    scope.spawn((stop) => path.applier.run(path.applySessions, AbortSignal.any([stop, path.retired.signal])));
    await path.copier.run(config.copyWorkers, signal);
    this.#progress.end();
    log.info({ rows: path.copier.rows }, 'Row copy complete');
  }

  /** Waits until the operator and the state of things allow it, and swaps the tables. */
  async #cutOver(found: Survey, path: DataPath, plan: Plan, signal: AbortSignal): Promise<void> {
    const report = await swapTables({
      ...{
        parts: this.#parts,
        survey: found,
        plan,
        path,
        readiness: this.#readiness,
        throttler: this.#throttler,
      },
      enter: (phase, attempt) => {
        this.#attempts = attempt;
        this.#enter(phase);
      },
      onSwapped: () => this.#onSwapped(path),
      analyzeGhost: () =>
        this.#withSession('statistics', (session) =>
          analyze(session, found.artifacts.ghost, analyzeTimeoutMs),
        ),
      signal,
    });
    this.#writerStopMs = report.writerStopMs;
  }

  #onSwapped(path: DataPath): void {
    this.#swapped = true;
    path.retired.abort(new Error('the tables are swapped'));
  }

  async #settle(path: DataPath, plan: Plan, signal: AbortSignal): Promise<void> {
    this.#enter('cleaning');
    await settleLateWrites(path, plan, this.#parts.log, signal);
  }

  async #cleanUp(found: Survey): Promise<void> {
    const { config, log } = this.#parts;
    const { artifacts } = found;
    await this.#withSession('clean-up', async (session) => {
      await dropTable(session, artifacts.changelog);
      if (config.okToDropTable) await dropTable(session, artifacts.old);
      else log.info({}, `the old table is kept as ${quoteTable(artifacts.old)}`);
    });
  }

  /** Stops all that runs in the background and closes all sessions. */
  async #end(scope: Scope): Promise<void> {
    await scope.close(new Error('the run is over'));
    await this.#path?.close();
    await this.#replicaLag?.close();
  }

  /** What to throw, after what is of no use any more has been removed. */
  async #failed(error: Error): Promise<Error> {
    this.#enter('failed');
    if (this.#created && this.#survey)
      await removeArtifacts(this.#parts, this.#survey.artifacts, error, this.#swapped);
    return error;
  }

  #enter(phase: Phase): void {
    this.#parts.log.debug({ from: this.#phase, to: phase }, `phase ${phase}`);
    this.#phase = phase;
  }

  async #withSession<T>(name: string, work: (session: Session) => Promise<T>): Promise<T> {
    const { config, clock } = this.#parts;
    const session = await Session.open(config.connection, { profile: dataProfile, clock, name });
    this.#path?.intake.expect(session.threadId);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  #readLag(replica: string, signal: AbortSignal): Promise<number> {
    return this.#replicaLag ? this.#replicaLag.read(replica, signal) : Promise.resolve(0);
  }

  snapshot(): Snapshot {
    return takeSnapshot({
      ...{
        parts: this.#parts,
        phase: this.#phase,
        survey: this.#survey,
        path: this.#path,
        progress: this.#progress,
      },
      startedMs: this.#startedMs,
      startedWallMs: this.#startedWallMs,
      throttled: this.#path ? this.#throttler.reason : null,
      lagMs: this.#lagSignal.lagMs,
      postponing: this.#readiness.postponing,
      cutOverAttempts: this.#attempts,
      writerStopMs: this.#writerStopMs,
    });
  }

  throttle(): void {
    this.#throttler.command(true);
  }

  unthrottle(): void {
    this.#throttler.command(false);
  }

  unpostpone(): boolean {
    return this.#readiness.unpostpone();
  }

  panic(reason: string): void {
    this.#scope?.fail(
      new Abandoned(reason, { hint: 'The original table is as it was. Our tables are left as they are.' }),
    );
  }
}
