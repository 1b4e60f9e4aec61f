import { messageOf } from '../../src/base/errors.ts';
import { marksBefore } from '../../src/core/checkpoint.ts';
import { Bystanders } from './bystanders.ts';
import type { Checkpoint } from './checkpoint.ts';
import { Checks, Divergence } from './checks.ts';
import { describe } from './describe.ts';
import { Ghost } from './ghost.ts';
import { buildSteps } from './index-builder.ts';
import { type Chance, Lottery } from './lottery.ts';
import { SimMarks } from './marks.ts';
import { Migration, type MigrationWorld } from './migration.ts';
import { drawPlan, type Plan } from './plan.ts';
import { Random } from './random.ts';
import { refusalOf } from './refusal.ts';
import { turnBack } from './revert.ts';
import { KeySpace } from './row.ts';
import { Scheduler } from './scheduler.ts';
import { Server } from './server.ts';
import type { SwapSession } from './swap.ts';
import { TableLocks } from './table-locks.ts';
import { judge, type Outcome } from './verdict.ts';
import { Writers } from './writers.ts';

/** Steps after which a run counts as one that never ends. */
const stepsMax = 30_000;

/** Were a transaction that does not fit into the change set cut short each time, the run would never end. */
const reconnectsMax = 20;

/** Changes to the drawn plan, to look at one case. */
export type Overrides = Partial<Plan>;

/** One run: a migration beside its writers, every interleaving drawn from the seed. */
export class World {
  readonly plan: Plan;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #server = new Server();
  readonly #writers: Writers;
  #parts: MigrationWorld;
  readonly #locks: TableLocks;
  readonly #bystanders: Bystanders;
  readonly #sessions = new Set<SwapSession>();
  readonly #lottery: Lottery;
  #migration: Migration;
  #steps = 0;
  #reconnects = 0;
  #leaks: number;
  #strikes: number;
  /** The attempt to cut over has drained: whatever is written now comes late. */
  #isDrained = false;
  /** The migration has ended, and is being reverted. */
  #isReverting = false;
  /** The process is killed, or told to end. */
  #isDead = false;
  #crashIn: number | null;
  /** So is the one that ends its swap. */
  #crashesAgain: boolean;
  /** It dies at a step of a cut-over. */
  #diesAt: string | null;
  #checkpoint: Checkpoint | null = null;
  /** The tables are swapped, and nobody could look for late writes. */
  #unsettled = false;
  /** Another run than that which swapped the tables has looked. */
  #resettled = false;

  constructor(seed: number, overrides: Overrides = {}) {
    const random = new Random(seed);
    this.plan = { ...drawPlan(random), ...overrides };
    const { plan } = this;
    [this.#leaks, this.#strikes] = [plan.leaks, plan.strikes];
    [this.#crashIn, this.#crashesAgain, this.#diesAt] = [plan.crashAfter, plan.crashAgain, plan.dieAt];
    const space = new KeySpace(plan.kind, plan.keys);
    const unique = plan.uniqueness !== 'none';
    const indexes = buildSteps({ lock: 'NONE', unique }).flatMap(({ names }) => names);
    const ghost = new Ghost(plan.deferred === null ? indexes : []);
    this.#random = random;
    this.#scheduler = new Scheduler(random);
    const scheduler = this.#scheduler;
    this.#writers = new Writers(this.#server, space, random, plan);
    const checks = new Checks(this.#server, ghost, space, indexes);
    const server = this.#server;
    this.#locks = new TableLocks(() => server.isHeld);
    const locks = this.#locks;
    this.#bystanders = new Bystanders(locks, scheduler, random, this.#writers);
    this.#parts = {
      ...{ server, ghost, space, scheduler, random, checks, locks, plan },
      ...{ bystanders: this.#bystanders, sessions: this.#sessions },
      marks: new SimMarks(server, scheduler, random, plan.failure),
      onPhase: (phase) => this.#writers.more(plan.more[phase === 'copied' ? 0 : 1]),
      onStep: (step) => {
        this.#isDrained = step !== 'looking' && (this.#isDrained || step === 'drained');
        if (step !== this.#diesAt) return;
        this.#diesAt = null;
        this.#isDead = true;
        this.#migration.die();
      },
      onVerified: () => this.#record(),
      record: () => {
        if (!random.chance(plan.failure)) this.#record();
      },
    };
    this.#lottery = new Lottery(this.#chances(), random);
    this.#writers.seed();
    // The writers have been at it before we came: the start position may lie after entries that are not
    // visible yet (I1).
    for (let i = random.int(4); i > 0; i -= 1) this.#writers.step();
    // A migration does not start while XA transactions are prepared: their rows would lie before its start.
    this.#writers.endPrepared();
    const start = {
      index: server.log.length,
      low: null,
      complete: false,
      marks: 0,
      ...{ built: new Set<string>(), drained: false, settled: false, verified: null },
    };
    this.#migration = new Migration(this.#parts, start);
  }

  /**
   * @throws Divergence when an invariant breaks, the run does not end, or the migration fails without a
   * reason.
   */
  async run(): Promise<Outcome> {
    this.#migration.run();
    const outcome = await this.#runToEnd();
    const { failure, swappedAt } = this.#migration;
    const { revert } = this.plan;
    const isClean =
      outcome.swapped && failure === null && !outcome.unsettled && this.#server.uuid === 'first';
    if (revert === null || !isClean || swappedAt === null)
      return { steps: this.#steps, reverted: false, ...outcome };
    this.#parts = turnBack(this.#parts);
    [this.#isReverting, this.#isDrained, this.#crashIn, this.#resettled] = [
      true,
      false,
      revert.crashAfter,
      false,
    ];
    this.#migration = new Migration(this.#parts, {
      ...{ index: swappedAt, low: null, complete: true, marks: marksBefore(this.#migration.heartbeat.marks) },
      ...{ built: this.#parts.ghost.built, drained: false, settled: false, verified: null },
    });
    this.#migration.run();
    const back = await this.#runToEnd();
    return { steps: this.#steps, reverted: back.swapped, ...outcome };
  }

  /** Until no process goes on any more. @throws Divergence where it has not ended as it may. */
  async #runToEnd(): Promise<Omit<Outcome, 'steps' | 'reverted'>> {
    await Scheduler.settle();
    this.#checkpoint = this.#migration.checkpoint;
    for (;;) {
      if (this.#migration.ended) {
        if (!this.#isDead || !(await this.#goOn())) break;
      } else if (this.#crashIn !== null && this.#crashIn-- === 0) {
        this.#crashIn = null;
        this.#isDead = true;
        // It is killed, or told to end.
        if (this.#random.chance(0.5)) this.#migration.die();
        else this.#migration.stop();
      } else {
        await this.#step();
        if (!this.#migration.retired && this.#random.chance(0.05)) this.#record();
      }
    }
    const { plan, server, checks, space } = this.#parts;
    const [unsettled, resettled] = [this.#unsettled, this.#resettled];
    return judge({ plan, server, checks, space, failure: this.#migration.failure, unsettled, resettled });
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps > stepsMax)
      throw new Divergence(
        `the run does not end: ${JSON.stringify(describe(this.#migration, this.#parts, this.#writers))}`,
      );
    this.#disturb();
    this.#act();
    // Several things may happen within one turn of the event loop.
    while (this.#random.chance(0.2)) this.#act();
    await Scheduler.settle();
    const { changes, watermark, checkpoint } = this.#migration;
    if (this.#steps % 8 === 0 && this.#server.swap === null && this.#server.uuid === 'first')
      this.#parts.checks.checkpoint(changes, watermark, checkpoint.index);
    if (this.#parts.checks.broken) throw new Divergence(this.#parts.checks.broken);
  }

  /** What can happen, each with its weight now: 0 where it cannot. */
  #chances(): readonly Chance[] {
    const { weights } = this.plan;
    const [server, scheduler] = [this.#server, this.#scheduler];
    const [writers, bystanders] = [this.#writers, this.#bystanders];
    return [
      [() => (writers.done ? 0 : weights.write), () => this.#write()],
      [() => (server.behind ? weights.show : 0), () => server.show()],
      [
        () => (this.#migration.stream.hasMore ? weights.deliver : 0),
        () => this.#migration.stream.deliver(1 + this.#random.int(4)),
      ],
      [() => (this.#reconnects < reconnectsMax ? weights.reconnect : 0), () => this.#reconnect()],
      [() => weights.gate, () => this.#migration.gate.turn()],
      [() => (bystanders.mayCome ? weights.come : 0), () => bystanders.come()],
      [() => (bystanders.count > 0 ? weights.go : 0), () => bystanders.go()],
      [() => (this.#strikes > 0 && this.#sessions.size > 0 ? 0.1 : 0), () => this.#strike()],
      [() => (this.#zombie ? 0.1 : 0), () => this.#migration.swap.endAtServer(this.#zombie!)],
      [() => (scheduler.timers > 0 ? weights.ring : 0), () => scheduler.ring()],
      [() => weights.goOn * scheduler.waiting, () => scheduler.goOn()],
    ];
  }

  /** Does one of the things that can happen now. */
  #act(): void {
    this.#locks.grant();
    this.#lottery.draw();
  }

  /** A session of a cut-over that is lost, which the server has not noticed yet. */
  get #zombie(): SwapSession | undefined {
    for (const session of this.#sessions) if (!session.usable) return session;
    return undefined;
  }

  #strike(): void {
    this.#strikes -= 1;
    this.#migration.swap.strike();
  }

  /** A writer that has to wait for the table waits, but for those that slip through. */
  #write(): void {
    const isFree = this.#locks.isFree('original', 'write');
    const leaks = !isFree && this.#leaks > 0 && this.#isDrained && this.#server.swap === null;
    if (leaks) {
      this.#leaks -= 1;
      this.#parts.checks.leaked = true;
    }
    this.#writers.step(isFree || leaks, isFree);
  }

  /** A checkpoint is written, as long as there is a process to do it. */
  #record(): void {
    // A revert begins each time where the migration has ended.
    if (!this.#isDead && !this.#isReverting) this.#checkpoint = this.#migration.checkpoint;
  }

  /**
   * The process has died: once all its statements are over another one goes on.
   * @returns false where none does.
   */
  async #goOn(): Promise<boolean> {
    // Read before the statements of the dead run are ended, and again after it: one may have come to its end meanwhile.
    const { ghost } = this.#parts;
    let built = new Set(ghost.built);
    while (this.#sessions.size > 0 || ghost.build !== null) {
      this.#steps += 1;
      if (this.#steps > stepsMax) throw new Divergence('statements of a process that died never end');
      if (ghost.build && this.#random.chance(0.1)) ghost.build.killed = true;
      this.#act();
      await Scheduler.settle();
    }
    built = new Set(ghost.built);
    this.#isDead = false;
    // The changelog tells the next run how many marks there were.
    const checkpoint = { ...this.#checkpoint!, marks: marksBefore(this.#migration.heartbeat.marks), built };
    if (this.#server.swap === null) {
      if (this.#refused()) return false;
      this.#server.sentry = false;
      this.#server.dressed = false;
      this.#resume(checkpoint);
      return true;
    }
    if (checkpoint.settled) this.#migration.failure = null;
    else if (this.#refused() || !checkpoint.drained) this.#unsettled = true;
    if (checkpoint.settled || this.#unsettled) return false;
    this.#resettled = true;
    if (this.#crashesAgain) this.#crashIn = this.#random.int(100);
    this.#crashesAgain = false;
    this.#migration = new Migration(this.#parts, checkpoint);
    this.#migration.settle();
    return true;
  }

  #refused(): boolean {
    const refusal = refusalOf(this.#server, this.#parts.checks.altered);
    if (refusal !== null) this.#migration.failure = refusal;
    return refusal !== null;
  }

  /** What others do to the server as a whole. */
  #disturb(): void {
    const { failoverAfter, failoverLoses, alterAfter } = this.plan;
    if (this.#steps === failoverAfter) {
      this.#server.failover(failoverLoses);
      for (const session of [...this.#sessions]) this.#migration.swap.endAtServer(session);
    }
    // Whoever alters a table needs it alone; at other times he has not come.
    if (this.#steps === alterAfter && this.#locks.isFree('original', 'exclusive') && !this.#server.swap) {
      this.#parts.checks.altered = true;
      this.#server.ddl('ALTER TABLE `t` ADD d int', 7);
    }
  }

  #reconnect(): void {
    this.#reconnects += 1;
    this.#migration.stream.reconnect();
  }

  #resume(checkpoint: Checkpoint): void {
    const { space, ghost } = this.#parts;
    const isCopied = (rank: number): boolean =>
      checkpoint.complete || (checkpoint.low !== null && rank <= space.rank(checkpoint.low));
    for (const rank of [...ghost.rows.keys()]) if (!isCopied(rank)) ghost.rows.delete(rank);
    this.#parts.checks.restart(isCopied);
    const index = checkpoint.verified?.index ?? checkpoint.index;
    this.#migration = new Migration(this.#parts, { ...checkpoint, index });
    this.#migration.run();
  }
}

/** Runs the simulation once. @throws Divergence, with the seed in its message. */
export async function simulate(seed: number, overrides: Overrides = {}): Promise<Outcome> {
  const world = new World(seed, overrides);
  try {
    return await world.run();
  } catch (error) {
    throw new Divergence(`seed ${seed}: ${messageOf(error)}; plan ${JSON.stringify(world.plan)}`, {
      cause: error,
    });
  } finally {
    // Lets go of what the run's signals hold until the end of this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
