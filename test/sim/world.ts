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

export interface Outcome {
  readonly steps: number;
  /** The migration ended with the Failure that names two rows of the original that collide. */
  readonly refused: boolean;
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
    // The writers have been at it before we came: the start position may lie after entries that are not visible yet (I1).
    for (let i = random.int(4); i > 0; i -= 1) this.#writers.step();
    const start = { index: server.log.length, low: null, complete: false, marks: 0 };
    this.#migration = new Migration(this.#parts, this.#marks, plan, start);
  }

  /** @throws Divergence when an invariant breaks, the run does not end, or the migration fails without a reason. */
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
    return { steps: this.#steps, refused: this.#verdict() };
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    if (this.#steps > stepsMax) throw new Divergence('the run does not end');
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
      [weights.reconnect, () => stream.reconnect()],
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

  #verdict(): boolean {
    const { failure } = this.#migration;
    if (this.#checks.broken) throw new Divergence(this.#checks.broken);
    if (failure === null) return false;
    const named = /rows \S+ and \S+ have u = \d+/.test(messageOf(failure));
    if (this.plan.collide && failure instanceof Failure && named) return true;
    throw new Divergence(`the migration failed: ${messageOf(failure)}`);
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
  }
}
