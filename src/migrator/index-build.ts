import { Scope } from '../base/scope.ts';
import type { IndexBuildFigures } from '../core/snapshot.ts';
import { CollisionFinder } from '../mysql/collision.ts';
import { SqlIndexBuilder } from '../mysql/index-builder.ts';
import { Indexes, type IndexesParts } from '../stages/indexes.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';
import type { Pools } from './pools.ts';
import { collisionParts } from './stores.ts';

/** How often the server is asked how far it is, ms. */
const progressPollMs = 1000;

/** The building of the deferred indexes of one migration: its run, and what is told of it. */
export class IndexBuild {
  readonly #indexes: Indexes;
  readonly #port: SqlIndexBuilder;
  readonly #parts: MigrationParts;
  #percent: number | null = null;

  constructor(stage: Omit<IndexesParts, 'port' | 'onStep'>, port: SqlIndexBuilder, parts: MigrationParts) {
    this.#port = port;
    this.#parts = parts;
    const { log } = parts;
    this.#indexes = new Indexes({
      ...stage,
      port,
      onStep: ({ names, lock }, why) => {
        if (why === null) log.info({ lock }, `building ${names.join(', ')}`);
        else log.warn({ lock }, `building ${names.join(', ')} again: ${why}`);
      },
    });
  }

  /** How far it is. */
  get figures(): IndexBuildFigures {
    return { ...this.#indexes.progress, percent: this.#percent };
  }

  /** Builds what is missing. @throws as `Indexes.run`. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const startMs = clock.nowMs();
    const scope = new Scope(signal);
    scope.spawn((stop) => this.#watch(stop));
    try {
      await this.#indexes.run(scope.signal);
    } finally {
      this.#percent = null;
      await scope.close(new Error('the indexes are built'));
    }
    const seconds = Number(((clock.nowMs() - startMs) / 1000).toFixed(2));
    log.info({ indexes: this.#indexes.progress.built, seconds }, 'Indexes built');
  }

  /** For the status only: whatever goes wrong here, the build goes on. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(progressPollMs, signal);
      this.#percent = await this.#port.percent(signal).catch(() => null);
      if (this.#percent !== null) log.debug({ percent: this.#percent }, 'index build');
    }
  }
}

/** What an index build shares with the rest of the data path. */
export interface IndexBuildSurroundings {
  readonly stage: Omit<IndexesParts, 'port' | 'onStep'>;
  readonly pools: Pick<Pools, 'index' | 'ask'>;
  /** Told of the connection whose DDL is ours. */
  readonly intake: { expect(threadId: number): void };
}

/** Wires the building of the deferred indexes; null where none are deferred. */
export function makeIndexBuild(
  { original, artifacts }: Survey,
  plan: Plan,
  parts: MigrationParts,
  { stage, pools, intake }: IndexBuildSurroundings,
): IndexBuild | null {
  const { deferred } = plan;
  if (deferred === null) return null;
  const { ghost } = artifacts;
  const collisions = new CollisionFinder(collisionParts(original.ref, ghost, plan));
  const sessions = { sessions: pools.index, askSessions: pools.ask };
  const port = new SqlIndexBuilder({
    ...{ ghost, deferred, collisions },
    onSession: (threadId) => intake.expect(threadId),
    ...sessions,
    clock: parts.clock,
  });
  return new IndexBuild(stage, port, parts);
}
