import type { Clock } from '../base/clock.ts';
import { Pulse } from '../base/pulse.ts';
import { type Pace, PaceController, paceDefaults } from '../core/pace.ts';

/** What a pacer looks at. */
export interface PacerParts {
  readonly clock: Clock;
  readonly settings: { readonly niceRatio: number };
  /** Running threads of others, as far as they can be told from ours. */
  readonly othersRunning: (signal: AbortSignal) => Promise<number>;
  /** The worst of our lags and of the backlog, as a share of its bound. */
  readonly lagShare: () => number;
  /** Changes of the original received so far. */
  readonly changes: () => number;
  /** Whether bulk work rests anyhow. */
  readonly throttled: () => boolean;
}

const readEveryMs = 500;
/** The same while the server is measured without us: that should be over soon. */
const probeEveryMs = 100;
/** A rest is slept in slices: what made it long may have changed meanwhile. */
const sliceMs = 100;

/**
 * Gives the workers of the copy their turns: as many as the level says, and with pauses where it is below 1 or
 * the operator wants to be nice. With a fixed number nothing is measured.
 *
 * A worker is parked (its number is not below the number of workers), at rest (after a piece, for a multiple of its time), or
 * working. While the controller probes nobody gets a turn.
 */
export class Pacer implements Pace {
  readonly #parts: PacerParts;
  readonly #controller: PaceController | null;
  readonly #fixed: number;
  readonly #changed = new Pulse();
  readonly #last = new Map<number, { endMs: number; tookMs: number }>();
  #active = 0;
  /** Pieces begun so far: a commit during which one began was not quiet. */
  #begun = 0;
  #rows = 0;

  /** @param fixed number of workers; null: as many as do no harm. */
  constructor(parts: PacerParts, fixed: number | null, controller: PaceController = new PaceController()) {
    this.#parts = parts;
    this.#fixed = fixed ?? 0;
    this.#controller = fixed === null ? controller : null;
  }

  /** Workers, or below 1 the share of its time in which one works. */
  get level(): number {
    if (!this.#controller) return this.#fixed;
    const { level } = this.#controller;
    // Who asks to be nice does not ask for more workers.
    return this.#parts.settings.niceRatio > 0 ? Math.min(level, paceDefaults.start) : level;
  }

  get auto(): boolean {
    return this.#controller !== null;
  }

  /** Whether others are at work, as far as that is measured. */
  get inCompany(): boolean {
    return this.#controller?.inCompany ?? false;
  }

  get workersMax(): number {
    return this.#controller ? paceDefaults.max : this.#fixed;
  }

  async turn(worker: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#controller?.probing || (worker > 0 && worker >= this.level)) await this.#changed.next(signal);
      else {
        const restMs = this.#restMs(worker);
        if (restMs <= 0) return;
        await this.#parts.clock.sleep(Math.min(restMs, sliceMs), signal);
      }
    }
  }

  async piece(worker: number, work: () => Promise<number>): Promise<number> {
    const { clock } = this.#parts;
    const startMs = clock.nowMs();
    this.#active += 1;
    this.#begun += 1;
    try {
      const rows = await work();
      this.#rows += rows;
      return rows;
    } finally {
      this.#active -= 1;
      const endMs = clock.nowMs();
      this.#last.set(worker, { endMs, tookMs: endMs - startMs });
    }
  }

  /** Does a commit, and takes its time as a sample. Those that a piece began or ended beside are none. */
  async commit(work: () => Promise<void>): Promise<void> {
    const { clock } = this.#parts;
    const [startMs, begun, active] = [clock.nowMs(), this.#begun, this.#active];
    await work();
    const nowMs = clock.nowMs();
    const quiet = active === 0 && this.#begun === begun;
    if (quiet || (active > 0 && this.#active > 0)) this.#controller?.commit(nowMs, nowMs - startMs, quiet);
  }

  /** Measures and steers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.#controller) return;
    const { clock } = this.#parts;
    let others = 0;
    let [rows, changes, atMs] = [this.#rows, this.#parts.changes(), clock.nowMs()];
    try {
      while (!signal.aborted) {
        await clock.sleep(this.#controller.probing ? probeEveryMs : readEveryMs, signal);
        const [quiet, begun] = [this.#active === 0, this.#begun];
        // Unknown is nobody: lag and commits are still heeded, and max-load says when it cannot be read.
        const running = await this.#parts.othersRunning(signal).catch(() => null);
        const nowMs = clock.nowMs();
        if (running !== null && quiet === (this.#active === 0) && (!quiet || begun === this.#begun))
          this.#controller.threads(nowMs, running, quiet);
        others = others * 0.7 + (running ?? 0) * 0.3;
        const resting = this.#parts.throttled();
        this.#controller.step({
          ...{ nowMs, othersRunning: others, lagShare: this.#parts.lagShare() },
          changesPerSecond: ((this.#parts.changes() - changes) * 1000) / Math.max(1, nowMs - atMs),
          rows: resting ? null : this.#rows - rows,
        });
        [rows, changes, atMs] = [this.#rows, this.#parts.changes(), nowMs];
        this.#changed.beat();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** How much longer a worker rests after its last piece, ms. */
  #restMs(worker: number): number {
    const last = this.#last.get(worker);
    if (!last) return 0;
    const ratio = this.#parts.settings.niceRatio + 1 / Math.min(1, this.level) - 1;
    return ratio <= 0 ? 0 : last.endMs + ratio * last.tookMs - this.#parts.clock.nowMs();
  }
}
