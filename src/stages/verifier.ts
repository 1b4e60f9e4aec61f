import { runCrew, type Shift } from '../base/crew.ts';
import { Failure, Transient } from '../base/errors.ts';
import { Pulse } from '../base/pulse.ts';
import type { Chunk } from '../core/chunk.ts';
import type { Key } from '../core/key.ts';
import { Doubts } from '../core/verify-doubts.ts';
import { type VerifierOptions, verifierDefaults } from '../core/verify-options.ts';
import { owedKeys } from '../core/verify-owed.ts';
import type { VerifierParts } from '../core/verify-parts.ts';
import { Repairs } from '../core/verify-repairs.ts';
import type { VerifyReport } from '../core/verify-report.ts';
import { WatchList } from '../core/verify-watch.ts';

/** How long a look waits for the syncs of its keys at the most; the others are looked at later. */
const settleMs = 5000;
/** The pause between looks while nothing is suspected, ms: a key that changes often is then compared once. */
const lookPauseMs = 200;
/** Looks after which a suspect that kept changing is left to the cut-over. */
const looksMax = 5;
/** Passes over all chunks until one finds nothing. */
const passesMax = 3;
/** How often a chunk that differs is compared once more before its rows are listed. */
const comparisonsMore = 2;
/** Lines about single rows in the log; the report has their number. */
const linesMax = 100;

/**
 * Compares ghost and original without locks, while changes flow (I6).
 *
 * States: idle -> comparing (`run`: workers compare chunk by chunk; what differs is suspected) -> watching
 * (all chunks are done). In both, keys that were touched since `run` began are compared again, until
 * `follow` ends.
 *
 * A difference proves nothing: its change may still be on its way. So keys that differ are looked at, together with
 * keys that were touched. A look waits until the stream has passed a mark and no change of its keys waits or is being
 * synced; then it reads their rows on both sides, and waits for a second mark. If a key differs and no touch of it came
 * between the reading and that mark, then all changes that the reading can have seen had been synced: no change explains
 * it. That is a true difference, a defect of ours or a write that left no trace in the binlog. It is reported, repaired
 * by a sync, and looked at again; a repaired row that differs once more fails the migration. Keys that change all the
 * time are compared under the lock of the cut-over (`finish`).
 */
export class Verifier {
  readonly #parts: VerifierParts;
  readonly #options: VerifierOptions;
  readonly #watch: WatchList;
  readonly #repairs = new Repairs();
  readonly #doubts: Doubts;
  readonly #progressed = new Pulse();
  #state: 'idle' | 'comparing' | 'watching' = 'idle';
  #rows = 0;
  #chunks = 0;
  #chunksSkipped = 0;
  #suspected = 0;
  #comparedAgain = 0;
  #notCompared = 0;
  /** What is due of a sample, in percent: the first chunk always is. */
  #share: number;
  #touchShare = 0;

  constructor(parts: VerifierParts, options: Partial<VerifierOptions> = {}) {
    this.#parts = parts;
    this.#options = { ...verifierDefaults, ...options };
    this.#watch = new WatchList(this.#options.watchMax);
    this.#doubts = new Doubts(parts.leftOut);
    this.#share = 100 - this.#options.percent;
  }

  get report(): VerifyReport {
    return {
      rows: this.#rows,
      chunks: this.#chunks,
      chunksSkipped: this.#chunksSkipped,
      stale: Math.max(0, this.#suspected - this.#repairs.found),
      found: this.#repairs.found,
      repaired: this.#repairs.found - this.#repairs.outstanding,
      comparedAgain: this.#comparedAgain,
      watched: this.#watch.size,
      notCompared: this.#watch.dropped + this.#notCompared,
      leftOut: this.#doubts.leftOut,
    };
  }

  /** Repaired rows that have not been found right yet: nobody should cut over before. */
  get unrepaired(): number {
    return this.#repairs.outstanding;
  }

  /** A change of this row of the original was received. Called in the stream's turn. */
  touched(key: Key): void {
    if (this.#state === 'idle') return;
    this.#touchShare += this.#options.percent;
    const sampled = this.#touchShare >= 100;
    if (sampled) this.#touchShare -= 100;
    const wasEmpty = this.#watch.size === 0;
    this.#watch.touch(key, sampled);
    if (wasEmpty) this.#progressed.beat();
  }

  /**
   * Compares every chunk (or a sample), and waits until what differed is explained or repaired, or keeps changing.
   * `follow` must be running: it throws Failure when a repaired row differs again, or too many rows differ.
   */
  async run(workers: number, signal: AbortSignal): Promise<void> {
    this.#state = 'comparing';
    // A chunk may find their rows right, and a sync that is still to come spoil them.
    for (const key of this.#parts.changes.pending()) this.touched(key);
    for (let pass = 1; ; pass += 1) {
      const before = this.#repairs.found;
      await this.#pass(workers, signal);
      // A pass with repairs proves nothing: what spoiled those rows may have spoiled others behind us.
      if (this.#repairs.found === before) break;
      if (pass >= passesMax) {
        throw new Failure(`rows of the ghost still differ from the original after ${pass} passes`, {
          hint: 'The original table is untouched. Does somebody write with sql_log_bin=0, or to the ghost?',
        });
      }
      this.#parts.log.info({ pass }, 'rows were repaired: everything is compared once more');
    }
    this.#state = 'watching';
  }

  async #pass(workers: number, signal: AbortSignal): Promise<void> {
    this.#parts.chunks.begin();
    this.#rows = 0;
    await runCrew(workers, signal, (shift) => this.#work(shift));
    await this.#progressed.until(
      () => this.#repairs.outstanding === 0 && !this.#watch.hasFresh(looksMax),
      signal,
    );
  }

  /** Looks at suspects and at touched keys until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      for (;;) await this.#lookAgain(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    const { gate, clock } = this.#parts;
    if (this.#watch.size === 0) await this.#progressed.next(signal);
    // Keys of one transaction come one by one, and a hot key comes again and again.
    if (!this.#watch.hasFresh(looksMax)) await clock.sleep(lookPauseMs, signal);
    await gate.pass(signal);
    await this.#look(signal);
    this.#progressed.beat();
  }

  /**
   * Compares the keys that still wait, while nobody writes and everything is synced: under the lock of the cut-over. What does
   * not fit into the bounds is left uncompared, and counted.
   * @throws Transient when rows differ: they are suspects now, and the cut-over may be tried again later.
   */
  async finish(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const { finishKeysMax, finishMs, lookKeys } = this.#options;
    if (this.unrepaired > 0) throw new Transient(`${this.unrepaired} rows of the ghost are being repaired`);
    const startMs = clock.nowMs();
    const keys = this.#watch.keys();
    let done = 0;
    while (done < Math.min(keys.length, finishKeysMax) && clock.nowMs() - startMs < finishMs) {
      const slice = keys.slice(done, done + lookKeys);
      const judged = await this.#read(slice, signal);
      if (judged.size > 0) {
        for (const key of judged.keys()) this.#watch.suspect(key);
        this.#progressed.beat();
        throw new Transient(`${judged.size} rows of the ghost differ from the original under the lock`, {
          hint: 'The tables are not swapped. The rows are looked at again and repaired.',
        });
      }
      this.#watch.settle(slice);
      this.#comparedAgain += slice.length;
      done += slice.length;
    }
    this.#notCompared = keys.length - done;
  }

  async #work({ signal }: Shift): Promise<void> {
    const { gate, chunks, retry } = this.#parts;
    for (;;) {
      await gate.pass(signal);
      // What differs must be remembered, however much it is: wait for the looks.
      await this.#progressed.until(() => !this.#watch.full, signal);
      const chunk = await retry('looking up a chunk to verify', () => chunks.next(signal), signal);
      if (!chunk) return;
      this.#share += this.#options.percent;
      if (this.#share >= 100) {
        this.#share -= 100;
        await this.#compare(chunk, signal);
      } else this.#chunksSkipped += 1;
      chunks.settle(chunk);
    }
  }

  async #compare(chunk: Chunk, signal: AbortSignal): Promise<void> {
    const { store, retry, clock, chunks, changes, order } = this.#parts;
    const startMs = clock.nowMs();
    const what = `verifying chunk ${chunk.number}`;
    const { range } = chunk;
    const once = () => store.compareRange(range, owedKeys(changes, order, range), signal);
    const compare = () => retry(what, once, signal);
    let { rows, equal } = await compare();
    // What was committed a moment ago has been received by now.
    for (let again = 0; !equal && again < comparisonsMore; again += 1) ({ rows, equal } = await compare());
    if (!equal) {
      const keys = await retry(what, () => store.differences(range, signal), signal);
      for (const key of keys) this.#watch.suspect(key);
      this.#suspected += keys.length;
      if (keys.length > 0) this.#progressed.beat();
    }
    chunks.feedback(chunk, rows, clock.nowMs() - startMs);
    this.#rows += rows;
    this.#chunks += 1;
  }

  /** See the class comment. */
  async #look(signal: AbortSignal): Promise<void> {
    const { changes, visibility, turnstile, retry } = this.#parts;
    const { lookKeys, passTimeoutMs } = this.#options;
    const watch = this.#watch;
    const taken = watch.guard(lookKeys);
    if (taken.length === 0) return;
    const pass = () => visibility.pass(passTimeoutMs, signal);
    await retry('verifying rows', pass, signal);
    await this.#settled(taken, signal);
    // Up to `begin` nothing may come between: what is still now is guarded from now on.
    const keys = taken.filter((key) => !changes.has(key));
    for (const key of taken) if (changes.has(key)) watch.postpone(key, false, watch.isTouched(key) ? 1 : 0);
    watch.begin();
    // Inside the turnstile: while the tables are being swapped nothing may be read by their names.
    const judged = await retry(
      'verifying rows',
      () => turnstile.shared(() => this.#read(keys, signal), signal),
      signal,
    );
    if (judged.size > 0) await retry('verifying rows', pass, signal);
    for (const [key, columns] of judged) {
      if (watch.isStill(key)) this.#differs(key, columns);
      else watch.postpone(key, true, 1);
    }
    this.#repairs.confirm(keys.filter((key) => !judged.has(key)));
    this.#comparedAgain += keys.length;
    watch.release();
  }

  /** The keys of these whose rows differ by the server's own conversion, and in what. */
  async #read(keys: readonly Key[], signal: AbortSignal): Promise<ReadonlyMap<Key, readonly string[]>> {
    const { store, log } = this.#parts;
    if (keys.length === 0) return new Map();
    const differing = await store.compareKeys(keys, signal);
    if (differing.length === 0) return new Map();
    const judgement = await store.judge(differing, signal);
    for (const column of judgement.doubtful) {
      if (!this.#doubts.raise(column, differing.length)) continue;
      store.leaveOut(column);
      log.warn({ column }, `column ${column} is left out: its conversion cannot be compared by chunks`);
    }
    return judgement.differing;
  }

  /** Waits until each key is synced or has changed again, or for a while. */
  async #settled(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    const { changes, clock } = this.#parts;
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const pending = (): boolean => keys.some((key) => changes.has(key) && !this.#watch.isTouched(key));
    if (!pending()) return;
    await Promise.race([changes.changed.until(() => !pending(), either), clock.sleep(settleMs, either)])
      .finally(() => enough.abort())
      .catch(() => signal.throwIfAborted());
  }

  /** A true difference. */
  #differs(key: Key, columns: readonly string[]): void {
    const { log, describe, changes } = this.#parts;
    const facts = { key: describe(key), columns };
    if (this.#repairs.has(key)) {
      throw new Failure(`row ${facts.key} differs from the original again (${columns.join(', ')})`, {
        hint:
          'It had been repaired. The original table is untouched. Writes with sql_log_bin=0 cannot be ' +
          'followed; if there are none, this is a defect of poltergeist.',
      });
    }
    if (this.#repairs.found >= this.#options.repairsMax) {
      throw new Failure(`more than ${this.#repairs.found} rows of the ghost differ from the original`, {
        hint:
          'The original table is untouched. See the log for the first of them. Does somebody write with ' +
          'sql_log_bin=0, or to the ghost?',
      });
    }
    this.#repairs.begin(key);
    if (this.#repairs.found <= linesMax)
      log.warn(facts, 'a row of the ghost differs from the original, and no change explains it: repairing');
    // A delete that comes with it does no harm: a sync puts back what the original has.
    changes.touch(key, true);
    this.#watch.suspect(key);
  }
}
