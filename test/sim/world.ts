import { Failure, messageOf } from '../../src/base/errors.ts';
import { Checks, Divergence } from './checks.ts';
import { Ghost } from './ghost.ts';
import { SimMarks } from './marks.ts';
import { type Checkpoint, Migration } from './migration.ts';
import { drawPlan, type Plan } from './plan.ts';
import { Random } from './random.ts';
import { KeySpace } from './row.ts';
import { Scheduler } from './scheduler.ts';
import { Server } from './server.ts';
import type { StoreParts } from './store.ts';
import { Writers } from './writers.ts';

/** Steps after which a run counts as one that never ends. */
const stepsMax = 30_000;

/** Were a transaction that does not fit into the change set cut short each time, the run would never end. */
const reconnectsMax = 20;

export interface Outcome {
  readonly steps: number;
  /** The migration ended with the Failure that names two rows of the original that collide. */
  readonly refused: boolean;
  /**
   * The migration gave up on a conflict, as it may where the change set has less room than the table has
   * keys.
   */
  readonly gaveUp: boolean;
}

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
  readonly #parts: StoreParts;
  readonly #marks: SimMarks;
  #migration: Migration;
  #steps = 0;
  #reconnects = 0;

  constructor(seed: number, overrides: Overrides = {}) {
    const random = new Random(seed);
    this.plan = { ...drawPlan(random), ...overrides };
    const { plan } = this;
    const space = new KeySpace(plan.kind, plan.keys);
    const ghost = new Ghost(plan.uniqueness !== 'none');
    this.#random = random;
    this.#scheduler = new Scheduler(random);
    this.#writers = new Writers(this.#server, space, random, plan);
    this.#checks = new Checks(this.#server, ghost, space);
    this.#marks = new SimMarks(this.#server, this.#scheduler, random, plan.failure);
    const { scheduler, server, checks } = {
      scheduler: this.#scheduler,
      server: this.#server,
      checks: this.#checks,
    };
    this.#parts = { server, ghost, space, scheduler, random, checks };
    this.#writers.seed();
    // The writers have been at it before we came: the start position may lie after entries that are not
    // visible yet (I1).
    for (let i = random.int(4); i > 0; i -= 1) this.#writers.step();
    // A migration does not start while XA transactions are prepared: their rows would lie before its start.
    this.#writers.endPrepared();
    const start = { index: server.log.length, low: null, complete: false, marks: 0 };
    this.#migration = new Migration(this.#parts, this.#marks, plan, start);
  }

  /**
   * @throws Divergence when an invariant breaks, the run does not end, or the migration fails without a
   * reason.
   */
  async run(): Promise<Outcome> {
    this.#migration.run();
    let crashIn = this.plan.crashAfter;
    await Scheduler.settle();
    while (!this.#migration.ended) {
      if (crashIn !== null && crashIn-- === 0) {
        crashIn = null;
        await this.#crash();
      } else await this.#step();
    }
    return { steps: this.#steps, ...this.#verdict() };
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
    this.#act();
    // Several things may happen within one turn of the event loop.
    while (this.#random.chance(0.2)) this.#act();
    await Scheduler.settle();
    const { changes, watermark, checkpoint } = this.#migration;
    if (this.#steps % 8 === 0) this.#checks.checkpoint(changes, watermark, checkpoint.index);
    if (this.#checks.broken) throw new Divergence(this.#checks.broken);
  }

  /** Does one of the things that can happen now. */
  #act(): void {
    const { weights } = this.plan;
    const { stream, gate } = this.#migration;
    const writers = this.#writers;
    if (writers.done) this.#migration.writersStopped();
    const choices: [number, () => void][] = [
      [writers.done ? 0 : weights.write, () => writers.step()],
      [this.#server.behind ? weights.show : 0, () => this.#server.show()],
      [stream.hasMore ? weights.deliver : 0, () => stream.deliver(1 + this.#random.int(4))],
      [this.#reconnects < reconnectsMax ? weights.reconnect : 0, () => this.#reconnect()],
      [weights.gate, () => gate.turn()],
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

  #reconnect(): void {
    this.#reconnects += 1;
    this.#migration.stream.reconnect();
  }

  /** The process dies; another one starts from the checkpoint that the first wrote a while before. */
  async #crash(): Promise<void> {
    const checkpoint = this.#migration.checkpoint;
    const lost = this.#random.int(40);
    for (let i = 0; i < lost && !this.#migration.ended; i += 1) await this.#step();
    if (this.#migration.ended) return;
    this.#migration.stop();
    while (!this.#migration.ended) await this.#step();
    // The changelog tells the next run how many marks there were.
    this.#resume({ ...checkpoint, marks: this.#migration.heartbeat.marks });
  }

  #resume(checkpoint: Checkpoint): void {
    const { space, ghost } = this.#parts;
    const isCopied = (rank: number): boolean =>
      checkpoint.complete || (checkpoint.low !== null && rank <= space.rank(checkpoint.low));
    for (const rank of [...ghost.rows.keys()]) if (!isCopied(rank)) ghost.rows.delete(rank);
    this.#checks.restart(isCopied);
    this.#migration = new Migration(this.#parts, this.#marks, this.plan, checkpoint);
    this.#migration.run();
  }

  #verdict(): { refused: boolean; gaveUp: boolean } {
    const { failure } = this.#migration;
    const { collide, capacity, keys } = this.plan;
    if (this.#checks.broken) throw new Divergence(this.#checks.broken);
    if (failure === null) return { refused: false, gaveUp: false };
    const said = messageOf(failure);
    if (collide && failure instanceof Failure && /rows \S+ and \S+ have u = \d+/.test(said)) {
      return { refused: true, gaveUp: false };
    }
    // A set full of keys that a chunk holds stops the stream, and with it the change that the chunk waits
    // for.
    if (capacity < keys && /^conflict of chunk|still in the way/.test(said))
      return { refused: false, gaveUp: true };
    throw new Divergence(`the migration failed: ${said}`);
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
