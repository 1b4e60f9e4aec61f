import type { Scope } from '../base/scope.ts';
import type { VerifiedState } from '../core/checkpoint.ts';
import type { Position } from '../core/position.ts';
import type { ChangeSink } from '../core/stream.ts';
import type { Verifier } from '../stages/verifier.ts';
import type { MigrationParts } from './config.ts';
import { Progress } from './progress.ts';
import type { MadeVerifier } from './verify.ts';

/** Null where nothing is verified. */
export function makeVerification(made: MadeVerifier | null, parts: MigrationParts): Verification | null {
  return made && new Verification(made, parts);
}

/** The verification of one migration: its run, its progress, and what is told of it. */
export class Verification {
  readonly verifier: Verifier;
  readonly progress: Progress;
  readonly #parts: MigrationParts;
  readonly #comparison: string;

  constructor({ verifier, comparison }: MadeVerifier, parts: MigrationParts) {
    this.verifier = verifier;
    this.#comparison = comparison;
    this.progress = new Progress(parts.clock);
    this.#parts = parts;
  }

  /** The sink of the stream, with the verifier told of every touched key of the original after it. */
  observe(sink: ChangeSink): ChangeSink {
    return {
      touched: (role, key, deleted) => {
        sink.touched(role, key, deleted);
        if (role !== 'new') this.verifier.touched(key);
      },
      marked: (row) => sink.marked(row),
      committed: (position) => sink.committed(position),
      noticed: (notice) => sink.noticed(notice),
    };
  }

  /** What a checkpoint says of it. @param start where the stream was started. */
  stateAt(start: Position): VerifiedState {
    const { from, prefix, compared } = this.verifier.claim();
    const { notCompared, leftOut } = this.verifier.report;
    const position = (from.position ?? start).toString();
    const { repairs } = this.verifier;
    return { position, comparison: this.#comparison, prefix, ...compared, notCompared, ...repairs, leftOut };
  }

  /**
   * Compares everything, and goes on with what changes in the background of `scope`; with everything, where a row had to be repaired.
   * @param retired aborted when the tables are swapped: then there is nothing to compare any more.
   */
  async run(scope: Scope, retired: AbortSignal, signal: AbortSignal): Promise<void> {
    scope.spawn((stop) => this.verifier.follow(AbortSignal.any([stop, retired])));
    await this.#compareAll(signal);
    scope.spawn((stop) => this.#compareAgain(AbortSignal.any([stop, retired])));
  }

  /** What spoiled a row that is repaired while the cut-over waits may have spoiled others (HAZARDS 67). */
  async #compareAgain(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.verifier.doubted(signal);
        this.#parts.log.info(
          {},
          'rows were repaired after the verification: everything is compared once more',
        );
        await this.#compareAll(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #compareAll(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    this.progress.start();
    await this.verifier.run(config.verify.workers, signal);
    this.progress.end();
    const { leftOut, comparedAgain: _, ...counts } = this.verifier.report;
    const { rows, rowsBefore, chunks, chunksSkipped, stale, found, repaired, watched } = counts;
    const facts = { ...counts, leftOut, seconds: Number((this.progress.elapsedMs / 1000).toFixed(2)) };
    const sampled = chunksSkipped > 0 ? ` (a sample: ${chunksSkipped} chunks were passed over)` : '';
    const without = leftOut.length > 0 ? `, without ${leftOut.join(', ')}` : '';
    const before = rowsBefore > 0 ? `, ${rowsBefore} rows of them by an earlier run` : '';
    const message =
      `verified: ${rows} rows in ${chunks} chunks${before}${sampled}${without}; ${stale} differences explained by ` +
      `changes on their way, ${found} not, ${repaired} of them repaired; ` +
      `${watched} changed rows are compared again`;
    if (found > 0) log.warn(facts, message);
    else log.info(facts, message);
    this.#tellSampling();
  }

  /**
   * Under the lock of the cut-over, after the drain: compares what still waits.
   * @throws Transient when rows differ.
   */
  async finish(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const startMs = clock.nowMs();
    const before = this.verifier.report.comparedAgain;
    await this.verifier.finish(signal);
    const { comparedAgain, notCompared } = this.verifier.report;
    const tookMs = Math.round(clock.nowMs() - startMs);
    const facts = { underLock: comparedAgain - before, comparedAgain, notCompared, tookMs };
    log.info(facts, `verified under the lock: ${facts.underLock} changed rows`);
    this.#tellSampling();
  }

  #tellSampling(): void {
    const { notCompared } = this.verifier.report;
    if (notCompared === 0) return;
    this.#parts.log.warn(
      { notCompared },
      `${notCompared} changes of rows were not compared again: only a sample of them was`,
    );
  }
}
