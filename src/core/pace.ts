/** How fast bulk work may go: its workers ask before each piece. */
export interface Pace {
  /** Workers that there can ever be. */
  readonly workersMax: number;
  /** Resolves when worker number `worker`, from 0, may begin its next piece. @throws the signal's reason. */
  turn(worker: number, signal: AbortSignal): Promise<void>;
  /** Does one piece of work, which gives the rows that it has gone through. */
  piece(worker: number, work: () => Promise<number>): Promise<number>;
}

/** Numbers that a pace is steered by; all of them can be measured on stock MySQL and MariaDB. */
export interface PaceOptions {
  /** Level at the start, and bounds of it: below 1, the share of its time in which one worker works. */
  readonly start: number;
  readonly min: number;
  readonly max: number;
  /**
   * Threads of others that may wait for us, on the average: with as many as run without us it tells how many times as long as
   * without us a commit may take, between the two bounds.
   */
  readonly waiting: number;
  readonly slowdownMin: number;
  readonly slowdownMax: number;
  /** The highest level to begin with where others are at work. */
  readonly companyStart: number;
  /** Gain in rows for which one more worker is kept. */
  readonly gain: number;
}

/** What a pace does unless it is told otherwise. */
export const paceDefaults: PaceOptions = {
  ...{ start: 2, min: 0.1, max: 8 },
  ...{ waiting: 0.8, slowdownMin: 1.2, slowdownMax: 4, gain: 1.05, companyStart: 0.5 },
};

/** What a level is judged by. */
export interface PaceReading {
  readonly nowMs: number;
  /** Threads of others that are running, and changes of the table a second: whether anybody is there to be hurt. */
  readonly othersRunning: number | null;
  readonly changesPerSecond: number;
  /** The worst of our lags and of the backlog, as a share of its bound. */
  readonly lagShare: number;
  /** Rows gone through since the last reading; null when nothing was allowed to work. */
  readonly rows: number | null;
}

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** Samples of quiet times are compared with for this long, ms; without enough of them nothing works for a moment (a probe). */
const quietAgeMs = 15_000;
const quietNeeded = 4;
/** Just after our work others still do what they could not do beside it: so long after its begin a probe does not measure, ms. */
const settleMs = 300;
/** A probe that gets no samples ends all the same. */
const probeMaxMs = 1500;
/** How long the lowest mean of a probe counts, ms, and how often there is one at the least: others may have had more to do than usual. */
const lowestAgeMs = 60_000;
/** Samples of a level, and the time that it must have lasted, before it is judged. */
const busyNeeded = 6;
const levelMs = 1500;
/** After a worker that brought nothing the next try is this far away, and twice as far each time. */
const holdMs = 20_000;
const holdMaxMs = 160_000;
const samplesMax = 60;
/** What a level falls by where lag or the backlog is near its bound. */
const lagFactor = 0.7;
/** One step below one worker changes the level by this factor at the most, up or down. */
const shareStep = 2;
/** Which part of the way to the level that is reckoned to be the limit a step upwards goes. */
const nearLimit = 0.9;

/**
 * The level of bulk work: how many workers, or which share of its time one of them works. Additive increase, multiplicative
 * decrease (as TCP does), where congestion is: commits that take longer while we work than while we do not, threads of others that
 * pile up, a change stream, a backlog or replicas that fall behind. What is bounded is the number of threads that wait for us (Little's
 * law: those that run without us, times what their commits take longer). So a server that is nearly idle lets us work, and beside many
 * writers that never pause, who go slower by exactly what their commits take longer, little is allowed. As with TCP Vegas, the time
 * without us is the lowest one measured lately. Pure: time and samples come from outside.
 *
 * States: working (at `level`) -> probing (nothing works until enough quiet samples are there; only while others work) -> working.
 * A level above 1 that brings no more rows than the one below is given up for a while (hill climbing): on an idle server, too, more
 * workers than it has processors bring nothing.
 */
export class PaceController {
  readonly #options: PaceOptions;
  #level: number;
  #levelSinceMs: number | null = null;
  #quiet: Sample[] = [];
  /** Means of the probes so far. */
  #probes: Sample[] = [];
  #busy: Sample[] = [];
  #threadsQuiet: Sample[] = [];
  #threadsBusy: Sample[] = [];
  #rows = 0;
  #rowsMs = 0;
  #readAtMs: number | null = null;
  /** Rows a second of the level below, while one more worker is tried. */
  #rateBefore: number | null = null;
  #holdUntilMs = 0;
  #holdMs = holdMs;
  #probeSinceMs: number | null = null;
  #probedAtMs = Number.NEGATIVE_INFINITY;
  #inCompany = false;

  constructor(options: Partial<PaceOptions> = {}) {
    this.#options = { ...paceDefaults, ...options };
    this.#level = this.#options.start;
  }

  /** Workers, or below 1 the share of its time in which one works. */
  get level(): number {
    return this.#level;
  }

  /** True while others are at work. */
  get inCompany(): boolean {
    return this.#inCompany;
  }

  /** True while nothing may work, so that others can be measured alone. */
  get probing(): boolean {
    return this.#probeSinceMs !== null;
  }

  /** A commit of ours took so long, while nothing (or something) of the bulk work was under way. */
  commit(atMs: number, tookMs: number, quiet: boolean): void {
    if (!this.#settling(atMs - tookMs)) push(quiet ? this.#quiet : this.#busy, { atMs, value: tookMs });
  }

  /** Others' running threads at a moment. */
  threads(atMs: number, others: number, quiet: boolean): void {
    if (!this.#settling(atMs)) push(quiet ? this.#threadsQuiet : this.#threadsBusy, { atMs, value: others });
  }

  /** How many times as long as without us others wait, on the average; null while that is not known. */
  get slowdown(): number | null {
    if (this.#quiet.length < quietNeeded || this.#busy.length < busyNeeded) return null;
    const share = Math.min(1, this.#level);
    const quiet = Math.min(mean(this.#quiet), ...this.#probes.map(({ value }) => value));
    const commits = mean(this.#busy) / Math.max(0.1, quiet);
    const piled = mean(this.#threadsBusy) >= 4 && this.#threadsQuiet.length >= 3;
    const threads = piled ? mean(this.#threadsBusy) / Math.max(1, mean(this.#threadsQuiet)) : 0;
    return 1 + share * (Math.max(commits, threads) - 1);
  }

  /** Judges the level. Called at the caller's own pace, some times a second. */
  step(reading: PaceReading): void {
    const { nowMs, rows, lagShare } = reading;
    const sinceMs = this.#readAtMs === null ? 0 : nowMs - this.#readAtMs;
    this.#readAtMs = nowMs;
    this.#levelSinceMs ??= nowMs;
    this.#quiet = this.#quiet.filter(({ atMs }) => nowMs - atMs < quietAgeMs);
    this.#probes = this.#probes.filter(({ atMs }) => nowMs - atMs < lowestAgeMs);
    this.#threadsQuiet = this.#threadsQuiet.filter(({ atMs }) => nowMs - atMs < 2 * quietAgeMs);
    if (this.#probe(nowMs)) return;
    if (rows === null) return void this.#begin(nowMs);
    this.#rows += rows;
    this.#rowsMs += sinceMs;
    const others = reading.othersRunning ?? 0;
    const inCompany = others >= 0.3 || reading.changesPerSecond >= 5;
    if (inCompany && !this.#inCompany) {
      this.#level = Math.min(this.#level, this.#options.companyStart);
      this.#rateBefore = null;
    }
    this.#inCompany = inCompany;
    if (inCompany && (this.#quiet.length < quietNeeded || nowMs - this.#probedAtMs >= lowestAgeMs)) {
      this.#probeSinceMs = nowMs;
      // Those were measured between our pieces, or while we began.
      this.#quiet = [];
      return;
    }
    const lasted = nowMs - this.#levelSinceMs;
    if (lagShare >= 0.7) {
      if (lasted >= 500) this.#decrease(nowMs, this.#level * lagFactor);
      return;
    }
    if (lasted < levelMs) return;
    const ideal = inCompany ? this.#ideal(others) : Number.POSITIVE_INFINITY;
    if (ideal === null) return;
    if (ideal < this.#level) return void this.#decrease(nowMs, ideal);
    if (lagShare < 0.4) this.#increase(nowMs, ideal * nearLimit);
  }

  /** @returns true while a probe is under way. */
  #probe(nowMs: number): boolean {
    if (this.#probeSinceMs === null) return false;
    const enough = this.#quiet.length >= quietNeeded || nowMs - this.#probeSinceMs >= probeMaxMs;
    if (enough) {
      this.#probeSinceMs = null;
      this.#probedAtMs = nowMs;
      if (this.#quiet.length >= quietNeeded) this.#probes.push({ atMs: nowMs, value: mean(this.#quiet) });
      this.#begin(nowMs);
    }
    return true;
  }

  /**
   * The level at which others would be slowed down by as much as they may be, if they are slowed down in proportion to it; null
   * while that is not known. How many of them run is told by what runs while we rest: beside us they are seen waiting.
   */
  #ideal(others: number): number | null {
    const { slowdown } = this;
    if (slowdown === null) return null;
    const { waiting, slowdownMin, slowdownMax } = this.#options;
    const alone = this.#threadsQuiet.length >= 2 ? mean(this.#threadsQuiet) : others;
    const limit = Math.min(slowdownMax, Math.max(slowdownMin, 1 + waiting / alone));
    return slowdown <= 1 ? Number.POSITIVE_INFINITY : (this.#level * (limit - 1)) / (slowdown - 1);
  }

  /** @param ideal where to; not all the way if that is far. */
  #decrease(nowMs: number, ideal: number): void {
    const { min } = this.#options;
    const lower = Math.max(this.#level / shareStep, ideal);
    this.#rateBefore = null;
    this.#set(nowMs, this.#level > 1 ? Math.max(1, Math.floor(lower)) : Math.max(min, lower));
  }

  /** @param most the highest level to go to. */
  #increase(nowMs: number, most: number): void {
    const { max, gain } = this.#options;
    if (this.#level < 1) {
      // A little more is within what the samples differ by.
      const higher = Math.min(1, max, most, this.#level * shareStep);
      if (higher > this.#level * 1.1) this.#set(nowMs, higher);
      return;
    }
    if (this.#level + 1 > most) return;
    const rate = this.#rowsMs > 0 ? this.#rows / this.#rowsMs : 0;
    const tried = this.#rateBefore;
    this.#rateBefore = null;
    if (tried !== null && rate < tried * gain) {
      this.#holdUntilMs = nowMs + this.#holdMs;
      this.#holdMs = Math.min(holdMaxMs, this.#holdMs * 2);
      return void this.#set(nowMs, this.#level - 1);
    }
    if (nowMs < this.#holdUntilMs || this.#level + 1 > max || rate === 0) return void this.#begin(nowMs);
    this.#rateBefore = rate;
    this.#set(nowMs, this.#level + 1);
  }

  /** Whether a probe has just begun. */
  #settling(nowMs: number): boolean {
    return this.#probeSinceMs !== null && nowMs < this.#probeSinceMs + settleMs;
  }

  #set(nowMs: number, level: number): void {
    this.#level = level;
    this.#begin(nowMs);
  }

  /** What was measured at another level, or with others about, says nothing of what comes. */
  #begin(nowMs: number): void {
    this.#levelSinceMs = nowMs;
    this.#busy = [];
    this.#threadsBusy = [];
    this.#rows = 0;
    this.#rowsMs = 0;
  }
}

function push(samples: Sample[], sample: Sample): void {
  samples.push(sample);
  if (samples.length > samplesMax) samples.shift();
}

function mean(samples: readonly Sample[]): number {
  return samples.length === 0 ? 0 : samples.reduce((sum, { value }) => sum + value, 0) / samples.length;
}
