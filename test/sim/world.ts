import { messageOf } from '../../src/base/errors.ts';
import { hashOf } from '../../src/core/checkpoint.ts';
import { refuseAnother } from '../../src/migrator/resume.ts';
import { Bystanders } from './bystanders.ts';
import { Checks, Divergence } from './checks.ts';
import { Ghost } from './ghost.ts';
import { SimMarks } from './marks.ts';
import { type Checkpoint, Migration, type MigrationWorld } from './migration.ts';
import { drawPlan, type Plan } from './plan.ts';
import { Random } from './random.ts';
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
  readonly #checks: Checks;
  readonly #parts: MigrationWorld;
  readonly #locks: TableLocks;
  readonly #bystanders: Bystanders;
  readonly #sessions = new Set<SwapSession>();
  #migration: Migration;
  #steps = 0;
  #reconnects = 0;
  #leaks: number;
  #strikes: number;
  /** The attempt to cut over has drained: whatever is written now comes late. */
  #isDrained = false;
  /** The process has died in a cut-over, or after it. */
  #died = false;

  constructor(seed: number, overrides: Overrides = {}) {
    const random = new Random(seed);
    this.plan = { ...drawPlan(random), ...overrides };
    const { plan } = this;
    [this.#leaks, this.#strikes] = [plan.leaks, plan.strikes];
    const space = new KeySpace(plan.kind, plan.keys);
    const ghost = new Ghost(plan.uniqueness !== 'none');
    this.#random = random;
    this.#scheduler = new Scheduler(random);
    const scheduler = this.#scheduler;
    this.#writers = new Writers(this.#server, space, random, plan);
    this.#checks = new Checks(this.#server, ghost, space);
    const server = this.#server;
    this.#locks = new TableLocks(() => server.isHeld);
    const locks = this.#locks;
    this.#bystanders = new Bystanders(locks, scheduler, random, this.#writers);
    this.#parts = {
      ...{ server, ghost, space, scheduler, random, checks: this.#checks, locks, plan },
      ...{ bystanders: this.#bystanders, sessions: this.#sessions },
      marks: new SimMarks(server, scheduler, random, plan.failure),
      onPhase: (phase) => this.#writers.more(plan.more[phase === 'copied' ? 0 : 1]),
      onStep: (step) => {
        this.#isDrained = step !== 'looking' && (this.#isDrained || step === 'drained');
        if (step !== plan.dieAt || this.#died) return;
        this.#died = true;
        this.#migration.die();
      },
    };
    this.#writers.seed();
    // The writers have been at it before we came: the start position may lie after entries that are not
    // visible yet (I1).
    for (let i = random.int(4); i > 0; i -= 1) this.#writers.step();
    // A migration does not start while XA transactions are prepared: their rows would lie before its start.
    this.#writers.endPrepared();
    const start = { index: server.log.length, low: null, complete: false, marks: 0 };
    this.#migration = new Migration(this.#parts, start);
  }

  /**
   * @throws Divergence when an invariant breaks, the run does not end, or the migration fails without a
   * reason.
   */
  async run(): Promise<Outcome> {
    this.#migration.run();
    let crashIn = this.plan.crashAfter;
    await Scheduler.settle();
    let checkpoint = this.#migration.checkpoint;
    for (let dead = false; ; ) {
      if (this.#migration.ended) {
        if (!this.#died || dead) break;
        dead = true;
        if (await this.#goOn(checkpoint)) break;
      } else if (crashIn !== null && crashIn-- === 0) {
        crashIn = null;
        if (await this.#crash(checkpoint)) break;
        checkpoint = this.#migration.checkpoint;
      } else {
        await this.#step();
        if (!this.#died && this.#random.chance(0.05)) checkpoint = this.#migration.checkpoint;
      }
    }
    const outcome = judge({
      ...{ plan: this.plan, server: this.#server, checks: this.#checks, space: this.#parts.space },
      failure: this.#migration.failure,
      died: this.#died,
    });
    return { steps: this.#steps, ...outcome };
  }

  /** What stood where when a run broke off. */
  #describe(): unknown {
    const m = this.#migration;
    const { changes, watermark, stream } = m;
    return {
      size: changes.size,
      reserved: changes.reservedCount,
      unplaced: changes.unplaced(99),
      receipt: changes.receipt,
      visible: m.heartbeat.visible.receipt,
      complete: watermark.complete,
      low: watermark.low,
      high: watermark.high,
      flights: watermark.flights,
      entry: stream.entry,
      log: this.#server.log.length,
      shown: this.#server.shown,
      gate: m.gate.reason,
      waiting: this.#scheduler.waiting,
      timers: this.#scheduler.timers,
      writersDone: this.#writers.done,
      marks: m.heartbeat.marks,
      now: this.#scheduler.nowMs(),
    };
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps > stepsMax)
      throw new Divergence(`the run does not end: ${JSON.stringify(this.#describe())}`);
    this.#disturb();
    this.#act();
    // Several things may happen within one turn of the event loop.
    while (this.#random.chance(0.2)) this.#act();
    await Scheduler.settle();
    const { changes, watermark, checkpoint } = this.#migration;
    if (this.#steps % 8 === 0 && this.#server.swap === null && this.#server.uuid === 'first')
      this.#checks.checkpoint(changes, watermark, checkpoint.index);
    if (this.#checks.broken) throw new Divergence(this.#checks.broken);
  }

  /** Does one of the things that can happen now. */
  #act(): void {
    const { weights } = this.plan;
    const { stream, gate } = this.#migration;
    const writers = this.#writers;
    this.#locks.grant();
    const choices: [number, () => void][] = [
      [writers.done ? 0 : weights.write, () => this.#write()],
      [this.#server.behind ? weights.show : 0, () => this.#server.show()],
      [stream.hasMore ? weights.deliver : 0, () => stream.deliver(1 + this.#random.int(4))],
      [this.#reconnects < reconnectsMax ? weights.reconnect : 0, () => this.#reconnect()],
      [weights.gate, () => gate.turn()],
      [this.#bystanders.mayCome ? weights.come : 0, () => this.#bystanders.come()],
      [this.#bystanders.count > 0 ? weights.go : 0, () => this.#bystanders.go()],
      [this.#strikes > 0 && this.#sessions.size > 0 ? 0.1 : 0, () => this.#strike()],
      [this.#zombie ? 0.1 : 0, () => this.#migration.swap.endAtServer(this.#zombie!)],
      [this.#scheduler.timers > 0 ? weights.ring : 0, () => this.#scheduler.ring()],
      [
        this.#scheduler.waiting > 0 ? weights.goOn * this.#scheduler.waiting : 0,
        () => this.#scheduler.goOn(),
      ],
    ];
    let at = 0;
    for (const [weight] of choices) at += weight;
    at *= this.#random.next();
    for (const [weight, act] of choices) {
      at -= weight;
      if (weight === 0 || at >= 0) continue;
      act();
      return;
    }
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
      this.#checks.leaked = true;
    }
    this.#writers.step(isFree || leaks);
  }

  /**
   * The process has died: once all its statements are over another one goes on, unless the tables are
   * swapped.
   * @returns true when they are.
   */
  async #goOn(checkpoint: Checkpoint): Promise<boolean> {
    while (this.#sessions.size > 0) {
      this.#steps += 1;
      if (this.#steps > stepsMax) throw new Divergence('sessions of a process that died never end');
      this.#act();
      await Scheduler.settle();
    }
    if (this.#server.swap !== null) {
      this.#died = true;
      return true;
    }
    if (this.#refused()) return true;
    this.#server.sentry = false;
    this.#server.dressed = false;
    // The changelog tells the next run how many marks there were.
    this.#resume({ ...checkpoint, marks: this.#migration.heartbeat.marks });
    return false;
  }

  /** Whether the next run refuses to go on: everything else of what it compares has stayed as it was. */
  #refused(): boolean {
    const alter = { text: 'ADD c int', statement: '' };
    const flavor = 'mysql';
    const task = { server: 'first', flavor, statement: alter.text, statementHash: hashOf(alter.text) };
    const original = { ref: { schema: 's', name: 't' } };
    try {
      refuseAnother(task, { facts: { uuid: this.#server.uuid, flavor }, alter, original });
      return false;
    } catch (error) {
      this.#migration.failure = error;
      return true;
    }
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
      this.#checks.altered = true;
      this.#server.ddl('ALTER TABLE `t` ADD d int', 7);
    }
  }

  #reconnect(): void {
    this.#reconnects += 1;
    this.#migration.stream.reconnect();
  }

  /**
   * The process dies, or is told to end; another one starts from the checkpoint that the first wrote a while
   * before. @returns true when the tables are swapped.
   */
  async #crash(checkpoint: Checkpoint): Promise<boolean> {
    if (this.#random.chance(0.5)) this.#migration.die();
    else this.#migration.stop();
    while (!this.#migration.ended) await this.#step();
    return await this.#goOn(checkpoint);
  }

  #resume(checkpoint: Checkpoint): void {
    const { space, ghost } = this.#parts;
    const isCopied = (rank: number): boolean =>
      checkpoint.complete || (checkpoint.low !== null && rank <= space.rank(checkpoint.low));
    for (const rank of [...ghost.rows.keys()]) if (!isCopied(rank)) ghost.rows.delete(rank);
    this.#checks.restart(isCopied);
    this.#migration = new Migration(this.#parts, checkpoint);
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
