import { Failure, invariant } from '../base/errors.ts';
import type { Retry } from '../base/retry.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { BuildStep } from '../core/deferral.ts';
import { type IndexPort, OnlineLogFull } from '../core/index-port.ts';
import { collisionFailure, DuplicateKey } from '../core/store.ts';

/** Who keeps the applier away, and catches up before that. */
export interface Solitude {
  /** Reads on until all that has happened before now is received, or the set is full. */
  readOn(signal: AbortSignal): Promise<void>;
  /** Syncs what was received and is visible, then runs `work`, with no sync in flight. */
  alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** What the building of indexes works with. */
export interface IndexesParts {
  readonly port: IndexPort;
  readonly conflicts: Solitude;
  readonly watermark: { readonly complete: boolean };
  readonly changes: Pick<ChangeSet, 'full' | 'changed'>;
  readonly retry: Retry;
  /** From now on the ghost may have all its unique keys: syncs must heed them. */
  readonly heedUniqueKeys: () => void;
  /** Told of a step that begins, and that is tried again. */
  readonly onStep: (step: BuildStep, why: string | null) => void;
  /** How often a step is tried where stale rows or the changes of others stand in the way. */
  readonly attempts: number;
}

/**
 * Builds the deferred indexes of the ghost, after the copy and before the verification.
 *
 * A step is in one of these states: catching up (all that is received and visible is synced, then nothing is in
 * flight) -> building at rest (the applier rests, the change set collects keys; so the rows stand still and a unique
 * key meets few stale ones) -> built, or building in company (the set was full: where the server lets others write
 * meanwhile the applier goes on; else it rests on, and the stream with it) -> built. A duplicate means one of two
 * things (I5): two rows of the original collide, which ends the migration and names both, or a row of the ghost is
 * stale, its change pending: then catch up and build again; so where a unique key that is there already has the syncs
 * before a build meet such a row. Where the server's log of the changes meanwhile
 * overflows, the step is built again without company.
 */
export class Indexes {
  readonly #parts: IndexesParts;
  #total = 0;
  #built = 0;

  constructor(parts: IndexesParts) {
    this.#parts = parts;
  }

  /** Indexes to build in this run, and those that are built. */
  get progress(): { readonly built: number; readonly total: number } {
    return { built: this.#built, total: this.#total };
  }

  /** Builds what is missing. @throws Failure with reason `collision` that names two rows; what cannot be got over. */
  async run(signal: AbortSignal): Promise<void> {
    const { port, retry, watermark } = this.#parts;
    invariant(watermark.complete, 'indexes were to be built before all rows are copied');
    const steps = await retry('looking for missing indexes', () => port.missing(signal), signal);
    this.#total = steps.reduce((count, { names }) => count + names.length, 0);
    for (const step of steps) {
      await this.#build(step, signal);
      this.#built += step.names.length;
    }
  }

  async #build(step: BuildStep, signal: AbortSignal): Promise<void> {
    const { port, conflicts, retry, onStep, attempts } = this.#parts;
    let company = step.lock === 'NONE';
    let why: string | null = null;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      onStep(step, why);
      const tried = (): Promise<unknown> => this.#try(step, company, signal);
      const obstacle = await retry(`building ${step.names.join(', ')}`, tried, signal);
      if (obstacle === null) return;
      if (obstacle instanceof DuplicateKey) {
        const ask = (): Promise<string | null> => port.collision(step, obstacle, signal);
        // Of a key that is there already the syncs have asked, by the rows at hand.
        const isNew = step.names.includes(obstacle.keyName);
        const collision = isNew ? await retry('looking for colliding rows', ask, signal) : null;
        if (collision !== null) throw collisionFailure(obstacle, collision);
        why = `a stale row stood in the way: ${obstacle.message}`;
        await retry('reading on', () => conflicts.readOn(signal), signal);
      } else {
        company = false;
        why = "the server's log of changes meanwhile was too small (innodb_online_alter_log_max_size)";
      }
    }
    throw new Failure(`${step.names.join(', ')} could not be built in ${attempts} attempts: ${why}`, {
      hint: 'The original table is untouched. Go on with --resume at a quieter time; all that is copied stays.',
    });
  }

  /** @returns null when built, else what stood in the way of the build or of the syncs before it. */
  async #try(step: BuildStep, company: boolean, signal: AbortSignal): Promise<unknown> {
    const { port, conflicts, changes } = this.#parts;
    let building: Promise<unknown> = Promise.resolve(null);
    const work = async (): Promise<void> => {
      if (step.unique) this.#parts.heedUniqueKeys();
      building = port.build(step, signal).then(
        () => null,
        (error: unknown) => {
          if (error instanceof DuplicateKey || error instanceof OnlineLogFull) return error;
          return { thrown: error };
        },
      );
      const leave = new AbortController();
      const either = AbortSignal.any([signal, leave.signal]);
      const full = company ? changes.changed.until(() => changes.full, either) : new Promise<void>(() => {});
      await Promise.race([building, full.catch(() => building)]).finally(() => leave.abort());
    };
    try {
      await conflicts.alone(work, signal);
    } catch (error) {
      // A stale row was in the way of the syncs before the build: its change is still in the stream.
      if (error instanceof DuplicateKey) return error;
      throw error;
    }
    const outcome = await building;
    if (typeof outcome === 'object' && outcome !== null && 'thrown' in outcome) throw outcome.thrown;
    return outcome;
  }
}
