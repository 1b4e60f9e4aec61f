import { Transient } from '../../src/base/errors.ts';
import type { BuildLock, BuildStep } from '../../src/core/deferral.ts';
import { type IndexPort, OnlineLogFull } from '../../src/core/index-port.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import type { Build } from './ghost.ts';
import type { StoreParts } from './store.ts';
import type { TableLocks } from './table-locks.ts';

export interface BuilderOptions {
  /** Chance of each step to fail. */
  readonly failure: number;
  /** What others may do with the ghost while it is built. */
  readonly lock: BuildLock;
  readonly unique: boolean;
}

/** Turns that a server takes for a build, at the most. */
const turnsMax = 60;

/** The indexes that a ghost gets after the copy: a plain one, and the unique one last. */
export function buildSteps({ lock, unique }: Pick<BuilderOptions, 'lock' | 'unique'>): readonly BuildStep[] {
  const plain = { names: ['k'], clauses: 'ADD KEY k', lock, unique: false };
  return unique ? [plain, { names: ['u'], clauses: 'ADD UNIQUE KEY u', lock, unique: true }] : [plain];
}

/**
 * Builds indexes of the simulated ghost: what src/mysql/index-builder.ts has the server do. The statement goes on at
 * the server when our process dies; in the end all of its indexes are there, or none. Rows that are equal under a
 * unique key are found when they are read, and when a transaction makes some meanwhile.
 */
export class SimIndexBuilder implements IndexPort {
  readonly #parts: StoreParts & { readonly locks: TableLocks };
  readonly #options: BuilderOptions;

  constructor(parts: StoreParts & { readonly locks: TableLocks }, options: BuilderOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async missing(signal: AbortSignal): Promise<readonly BuildStep[]> {
    await this.#step(signal);
    const { built } = this.#parts.ghost;
    return buildSteps(this.#options).filter(({ names }) => names.some((name) => !built.has(name)));
  }

  async build(step: BuildStep, signal: AbortSignal): Promise<void> {
    const { ghost, scheduler, random } = this.#parts;
    await this.#step(signal);
    // The answer to an earlier try was lost.
    if (step.names.every((name) => ghost.built.has(name))) return;
    const build: Build = { lock: step.lock, unique: step.unique, logged: 0, duplicate: null, killed: false };
    const running = this.#atServer(step, build);
    running.catch(() => undefined);
    await leftBy(running, signal);
    await scheduler.point();
    if (random.chance(this.#options.failure)) throw new Transient('the answer to ALTER was lost');
  }

  async collision(_step: BuildStep, _violated: DuplicateKey, signal: AbortSignal): Promise<string | null> {
    await this.#step(signal);
    const { visible } = this.#parts.server;
    const seen = new Map<number, string>();
    for (const { key, u } of visible.values()) {
      const twin = seen.get(u);
      if (twin !== undefined) return `rows ${twin} and ${key} have u = ${u}`;
      seen.set(u, String(key));
    }
    return null;
  }

  async #atServer(step: BuildStep, build: Build): Promise<void> {
    const { ghost, random } = this.#parts;
    ghost.build = build;
    try {
      await this.#alone(build);
      if (build.unique) build.duplicate = ghost.twin();
      const mayOverflow = step.lock === 'NONE' && random.chance(this.#options.failure);
      for (let n = random.int(turnsMax); n > 0 && build.duplicate === null; n -= 1) await this.#turn(build);
      await this.#alone(build);
      if (build.duplicate !== null) throw new DuplicateKey('u', String(build.duplicate));
      if (mayOverflow && build.logged > 0) throw new OnlineLogFull('the log of the changes was too small');
      for (const name of step.names) ghost.built.add(name);
    } finally {
      ghost.build = null;
    }
  }

  /** For a moment an ALTER has its table alone, before and after: no transaction that has touched it is open. */
  async #alone(build: Build): Promise<void> {
    const { ghost, locks } = this.#parts;
    build.waits = true;
    const granted = locks.ask(build, 'ghost', 'exclusive');
    let held = false;
    granted.then(
      () => {
        held = true;
      },
      () => undefined,
    );
    try {
      while (!held || [...ghost.open].some(({ writes }) => writes.size > 0)) await this.#turn(build);
    } finally {
      locks.leave(build);
      build.waits = false;
    }
  }

  async #turn(build: Build): Promise<void> {
    await this.#parts.scheduler.point();
    if (build.killed) throw new Transient('the ALTER was killed');
  }

  async #step(signal: AbortSignal): Promise<void> {
    await this.#parts.scheduler.point();
    signal.throwIfAborted();
    if (this.#parts.random.chance(this.#options.failure)) throw new Transient('the statement failed');
  }
}

/** Waits for a statement, unless we end first: it goes on then. */
async function leftBy(statement: Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
  });
  signal.addEventListener('abort', leave, { once: true });
  await Promise.race([statement, left]).finally(() => signal.removeEventListener('abort', leave));
}
