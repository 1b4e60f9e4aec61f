import { runCrew, type Shift } from '../base/crew.ts';
import { Pulse } from '../base/pulse.ts';
import type { Frontier } from '../core/changeset.ts';
import type { Chunk } from '../core/chunk.ts';
import type { Key } from '../core/key.ts';
import { differUnderLock, neverClean } from '../core/verify-failures.ts';
import { lastSlices } from '../core/verify-last.ts';
import { type VerifierOptions, verifierDefaults } from '../core/verify-options.ts';
import { compareChunk } from '../core/verify-owed.ts';
import type { VerifierParts } from '../core/verify-parts.ts';
import { VerifiedPrefix } from '../core/verify-prefix.ts';
import { RowReader } from '../core/verify-reader.ts';
import { Repairs, type RepairsBefore } from '../core/verify-repairs.ts';
import type { VerifiedBefore, VerifyClaim, VerifyReport } from '../core/verify-report.ts';
import { Sampler } from '../core/verify-sampler.ts';
import { settled } from '../core/verify-settled.ts';
import { WatchList } from '../core/verify-watch.ts';

/** The pause between looks while nothing is suspected, ms: a key that changes often is then compared once. */
const lookPauseMs = 200;
/** Looks after which a suspect that kept changing is left to the cut-over. */
const looksMax = 5;
/** Passes over all chunks until one finds nothing. */
const passesMax = 3;

/**
 * Compares ghost and original without locks, while changes flow (I6).
 *
 * States: idle, or remembering (an earlier run has compared a part of it, and the stream brings again what was touched
 * since) -> comparing (`run`: workers compare chunk by chunk; what differs is suspected) -> watching (all chunks are done).
 * In the last two, keys that were touched since `run` began (or are remembered) are compared again, until `follow` ends.
 *
 * A difference proves nothing: its change may still be on its way. So keys that differ are looked at, together with keys that were
 * touched. A look waits until the stream has passed a mark and no change of its keys waits or is being synced; then it reads their rows
 * on both sides, and waits for a second mark. If a key differs and no touch of it came between the reading and that mark, then all
 * changes that the reading can have seen had been synced: no change explains it. That is a true difference, a defect of ours or a write
 * that left no trace in the binlog. It is reported, repaired by a sync, and looked at again; a repaired row that differs once more
 * fails the migration, also where an earlier run had repaired it. A repair casts doubt on all other rows: everything is compared
 * once more, by `run` itself, and when it has ended by whoever waits for `doubted`. Keys that change all the time are compared under
 * the lock of the cut-over (`finish`).
 *
 * What is compared may be claimed by a checkpoint (`claim`), except what only this run knows; before the first repair of a pass the
 * claim is given up for good (HAZARDS 68).
 */
export class Verifier {
  readonly #parts: VerifierParts;
  readonly #options: VerifierOptions;
  readonly #watch: WatchList;
  readonly #repairs: Repairs;
  readonly #reader: RowReader;
  readonly #progressed = new Pulse();
  #state: 'idle' | 'remembering' | 'comparing' | 'watching' = 'idle';
  readonly #repairsBefore: number;
  #rows = 0;
  #rowsBefore = 0;
  #chunks = 0;
  #chunksSkipped = 0;
  #prefix: VerifiedPrefix;
  #claimed: VerifyClaim;
  #suspected = 0;
  #comparedAgain = 0;
  #notCompared = 0;
  readonly #chunkSample: Sampler;
  readonly #touchSample: Sampler;

  /** @param before what an earlier run has compared: its stream goes on where that run says. */
  constructor(parts: VerifierParts, options: Partial<VerifierOptions> = {}, before?: VerifiedBefore | null) {
    this.#parts = parts;
    this.#options = { ...verifierDefaults, ...options };
    this.#watch = new WatchList(this.#options.watchMax, before?.notCompared);
    this.#reader = new RowReader(parts);
    this.#chunkSample = new Sampler(this.#options.percent, true);
    this.#touchSample = new Sampler(this.#options.percent, false);
    const { repairsMax: max } = this.#options;
    this.#repairs = new Repairs(parts, max, before?.repairs);
    this.#repairsBefore = this.#repairs.found;
    this.#prefix = new VerifiedPrefix(before?.covered ?? null);
    const { prefix, compared } = this.#prefix;
    this.#claimed = { from: { receipt: 0, position: null }, prefix, compared };
    if (!before?.covered) return;
    this.#state = 'remembering';
    parts.chunks.begin(prefix);
    this.#rowsBefore = compared.rows;
    ({ rows: this.#rows, chunks: this.#chunks, chunksSkipped: this.#chunksSkipped } = compared);
  }

  get report(): VerifyReport {
    return {
      rows: this.#rows,
      chunks: this.#chunks,
      chunksSkipped: this.#chunksSkipped,
      rowsBefore: this.#rowsBefore,
      stale: Math.max(0, this.#suspected - this.#repairs.found + this.#repairsBefore),
      found: this.#repairs.found,
      repaired: this.#repairs.found - this.#repairs.outstanding,
      comparedAgain: this.#comparedAgain,
      watched: this.#watch.size,
      notCompared: this.#watch.dropped + this.#notCompared,
      leftOut: this.#reader.leftOut,
    };
  }

  /**
   * What may be claimed as compared, and from where on the stream must be read for it: every key that still waits is touched
   * again behind that. While a key is suspected that only this run knows of, the claim stays as it was.
   */
  claim(): VerifyClaim {
    const [prefix, watch] = [this.#prefix, this.#watch];
    prefix.advance((key) => watch.isUnanswered(key));
    const applied = this.#parts.changes.applied();
    const from = prefix.isEmpty ? applied : watch.broughtFrom(applied, prefix.beyond);
    if (from) this.#claimed = { from, prefix: prefix.prefix, compared: prefix.compared };
    return this.#claimed;
  }

  /** What the next run has to know of repairs. */
  get repairs(): RepairsBefore {
    return this.#repairs.record;
  }

  /** Why nobody should cut over yet; null where nothing is against it. */
  get obstacle(): string | null {
    return this.#repairs.obstacle;
  }

  /** A change of this row of the original was received. Called in the stream's turn. */
  touched(key: Key): void {
    const { changes, chunks } = this.#parts;
    // What is not compared yet will be.
    if (this.#state === 'idle' || (this.#state === 'remembering' && chunks.isAhead(key))) return;
    this.#touched(key, { receipt: changes.receipt - 1, position: changes.readPosition });
  }

  #touched(key: Key, before: Frontier): void {
    const wasEmpty = this.#watch.size === 0;
    // What an earlier run left to us may have been in its sample.
    this.#watch.touch(key, this.#touchSample.next() || this.#state === 'remembering', before);
    if (wasEmpty) this.#progressed.beat();
  }

  /**
   * Compares every chunk (or a sample), and waits until what differed is explained or repaired, or keeps changing.
   * `follow` must be running: it throws Failure when a repaired row differs again, or too many rows differ.
   */
  async run(workers: number, signal: AbortSignal): Promise<void> {
    const { changes, log } = this.#parts;
    const goesOn = this.#state === 'remembering';
    this.#state = 'comparing';
    // No stream brings a repair that is still to be made.
    await this.#progressed.until(() => this.#repairs.outstanding === 0, signal);
    // A chunk may find their rows right, and a sync that is still to come spoil them.
    const applied = changes.applied();
    for (const key of changes.pending()) this.#touched(key, applied);
    for (let pass = 1; ; pass += 1) {
      const before = this.#repairs.found;
      await this.#pass(workers, pass === 1 && goesOn, signal);
      // A pass with repairs proves nothing: what spoiled those rows may have spoiled others behind us.
      this.#repairs.passed(before);
      if (!this.#repairs.castDoubt) break;
      if (pass >= passesMax) throw neverClean(pass);
      log.info({ pass }, 'rows were repaired: everything is compared once more');
    }
    this.#state = 'watching';
  }

  async #pass(workers: number, goesOn: boolean, signal: AbortSignal): Promise<void> {
    if (!goesOn) {
      this.#parts.chunks.begin();
      this.#prefix = new VerifiedPrefix();
      [this.#rows, this.#rowsBefore, this.#chunks, this.#chunksSkipped] = [0, 0, 0, 0];
    }
    await runCrew(workers, signal, (shift) => this.#work(shift));
    await this.#progressed.until(
      () => this.#repairs.outstanding === 0 && !this.#watch.hasFresh(looksMax),
      signal,
    );
  }

  /** Resolves when rows were repaired since `run` has ended: it should run again. @throws the signal's reason. */
  async doubted(signal: AbortSignal): Promise<void> {
    await this.#progressed.until(() => this.#repairs.castDoubt, signal);
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
    this.#repairs.refuseDoubt();
    const keys = this.#watch.keys();
    let left = keys.length;
    for (const slice of lastSlices(keys, this.#options, this.#parts.clock)) {
      const judged = await this.#reader.read(slice, signal);
      this.#suspect([...judged.keys()]);
      if (judged.size > 0) throw differUnderLock(judged.size);
      this.#watch.settle(slice);
      this.#comparedAgain += slice.length;
      left -= slice.length;
    }
    // A look that had begun before may have come to its end meanwhile.
    this.#repairs.refuseDoubt();
    this.#notCompared = left;
  }

  async #work({ signal }: Shift): Promise<void> {
    const { gate, chunks, retry } = this.#parts;
    for (;;) {
      await gate.pass(signal);
      // What differs must be remembered, however much it is: wait for the looks.
      await this.#progressed.until(() => !this.#watch.full, signal);
      const chunk = await retry('looking up a chunk to verify', () => chunks.next(signal), signal);
      if (!chunk) return;
      if (this.#chunkSample.next()) await this.#compare(chunk, signal);
      else {
        this.#chunksSkipped += 1;
        this.#prefix.end(chunk, null, []);
      }
      chunks.settle(chunk);
    }
  }

  async #compare(chunk: Chunk, signal: AbortSignal): Promise<void> {
    const { store, retry, clock, chunks } = this.#parts;
    const startMs = clock.nowMs();
    const what = `verifying chunk ${chunk.number}`;
    const { rows, equal } = await compareChunk(this.#parts, chunk.range, what, signal);
    const keys = equal ? [] : await retry(what, () => store.differences(chunk.range, signal), signal);
    this.#suspect(keys);
    this.#prefix.end(chunk, rows, keys);
    this.#suspected += keys.length;
    chunks.feedback(chunk, rows, clock.nowMs() - startMs);
    this.#rows += rows;
    this.#chunks += 1;
  }

  #suspect(keys: readonly Key[]): void {
    for (const key of keys) this.#watch.suspect(key);
    if (keys.length > 0) this.#progressed.beat();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { changes, visibility, turnstile, retry, clock } = this.#parts;
    const { lookKeys, passTimeoutMs } = this.#options;
    const watch = this.#watch;
    const taken = watch.guard(lookKeys);
    if (taken.length === 0) return;
    const pass = () => visibility.pass(passTimeoutMs, signal);
    await retry('verifying rows', pass, signal);
    await settled(taken, { changes, watch, clock }, signal);
    // Up to `begin` nothing may come between: what is still now is guarded from now on.
    const keys = taken.filter((key) => !changes.has(key));
    for (const key of taken) if (changes.has(key)) watch.postpone(key, false, watch.isTouched(key) ? 1 : 0);
    watch.begin();
    // Inside the turnstile: while the tables are being swapped nothing may be read by their names.
    const judged = await retry(
      'verifying rows',
      () => turnstile.shared(() => this.#reader.read(keys, signal), signal),
      signal,
    );
    if (judged.size > 0) await retry('verifying rows', pass, signal);
    const defects = [...judged].filter(([key]) => watch.isStill(key));
    for (const key of judged.keys()) if (!watch.isStill(key)) watch.postpone(key, true, 1);
    for (const [key, columns] of defects) this.#repairs.begin(key, columns);
    if (defects.length > 0) {
      this.#prefix.makeVoid();
      // Should we die now, everything is compared anew (HAZARDS 68).
      await this.#parts.record(signal);
    }
    for (const [key, columns] of defects) {
      this.#repairs.tell(key, columns);
      // A delete that comes with it does no harm: a sync puts back what the original has.
      changes.touch(key, true);
      watch.suspect(key);
    }
    // Should one of them differ again, another run must know it as well.
    if (this.#repairs.confirm(keys.filter((key) => !judged.has(key)))) await this.#parts.record(signal);
    this.#comparedAgain += keys.length;
    watch.release();
  }
}
