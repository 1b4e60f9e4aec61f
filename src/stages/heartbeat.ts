import type { Clock } from '../base/clock.ts';
import { deadline, Pulse } from '../base/pulse.ts';
import type { Frontier } from '../core/changeset.ts';
import type { Position } from '../core/position.ts';
import type { ChangelogRow } from '../core/stream.ts';
import type { Mark, Visibility } from '../core/visibility.ts';

/** What a heartbeat does to the server: one committed write of the changelog's row. */
export interface MarkPort {
  /** Writes mark `sequence`; resolves when its COMMIT has returned. */
  writeMark(sequence: number, writtenAtMs: number): Promise<void>;
}

/** What a heartbeat reads of the change set. */
export interface Received {
  readonly receipt: number;
  readonly readPosition: Position | null;
}

interface Beat {
  readonly atMs: number;
  readonly frontier: Frontier;
}

/** How long a hot key waits until it is synced although it keeps changing, ms. */
const hotKeyAgeMs = 1000;

const nothing: Frontier = { receipt: -1, position: null };

/**
 * The visibility marks (I2), the heartbeat, and the drain mark: one row of the changelog, written again and
 * again.
 *
 * A mark is in one of these states: wanted (asked for, not yet sent; one at the most, shared by all who ask
 * meanwhile) -> sent (its frontier is fixed: all that was received before this moment) -> committed
 * (`visible` moves to its frontier) -> passed (it came back through the stream: all that precedes it has been
 * received). The last two come in either order; after both `visible` is what was received when it came back: commits
 * become visible in the order of the binlog, and so all that precedes a committed mark there.
 */
export class Heartbeat implements Visibility {
  readonly #port: MarkPort;
  readonly #received: Received;
  readonly #clock: Clock;
  readonly #beats: Beat[] = [];
  #wanted: Promise<Mark> | null = null;
  #chain: Promise<unknown> = Promise.resolve();
  #sequence: number;
  #passed: number;
  /** What was received when mark `#passed` came back. */
  #precedes: Frontier = nothing;
  #committed = 0;
  #committedAtMs = Number.NEGATIVE_INFINITY;
  /**
   * Before the first mark nothing is known to be visible, not even what lies before the start position: the
   * binlog may be read, and its end be asked for, ahead of the rows. So the first chunk waits for a mark as
   * well (I1, I2).
   */
  #visible: Frontier = nothing;
  #streamLagMs = 0;
  #lastPassedAtMs: number;
  #ended = false;
  /** Beats when a mark was committed or came back. */
  readonly changed = new Pulse();

  /**
   * Marks must not be written before the position is known from which the stream starts.
   * @param lastSequence number of the last mark that an earlier run of this migration may have written: the
   *   stream may bring its marks again, and they say nothing of ours.
   */
  constructor(port: MarkPort, received: Received, clock: Clock, lastSequence = 0) {
    this.#port = port;
    this.#received = received;
    this.#clock = clock;
    this.#sequence = lastSequence;
    this.#passed = lastSequence;
    this.#lastPassedAtMs = clock.nowMs();
  }

  /** All events up to here are visible to reads. */
  get visible(): Frontier {
    return this.#visible;
  }

  /** The frontier as it was a second ago: events up to it have been visible for that long. */
  get aged(): Frontier {
    const limit = this.#clock.nowMs() - hotKeyAgeMs;
    let aged = nothing;
    for (const beat of this.#beats) {
      if (beat.atMs > limit) break;
      aged = beat.frontier;
    }
    return aged;
  }

  /** Number of the last mark written. */
  get marks(): number {
    return this.#sequence;
  }

  /** Age of the newest mark that came back, ms: how far the stream is behind. Grows while none comes. */
  get streamLagMs(): number {
    return Math.max(this.#streamLagMs, this.#clock.nowMs() - this.#lastPassedAtMs);
  }

  /** Writes a mark, or joins one that has been asked for and not been sent. Resolves when it is committed. */
  mark(): Promise<Mark> {
    this.#wanted ??= this.#enqueue();
    return this.#wanted;
  }

  /** Makes everything received before this call visible; writes nothing when it is already. */
  async cover(receipt: number): Promise<void> {
    while (this.#visible.receipt < receipt) await this.mark();
  }

  /** Writes a mark and waits until the stream has passed it. @throws Transient after `timeoutMs`. */
  async pass(timeoutMs: number, signal: AbortSignal): Promise<Mark> {
    const mark = await this.mark();
    const limit = deadline(timeoutMs, 'the way of a mark through the change stream', this.#clock, signal);
    try {
      await this.changed.until(() => this.#passed >= mark.sequence, limit.signal);
    } finally {
      limit.clear();
    }
    return mark;
  }

  /**
   * A mark came back through the stream. Late and repeated ones (after a reconnect), and those of others, are
   * ignored.
   */
  marked(row: ChangelogRow): void {
    if (row.sequence <= this.#passed || row.sequence > this.#sequence) return;
    this.#passed = row.sequence;
    this.#precedes = this.#frontier();
    if (row.sequence <= this.#committed) this.#show(this.#precedes);
    this.#lastPassedAtMs = this.#clock.nowMs();
    this.#streamLagMs = Math.max(0, this.#clock.wallMs() - row.writtenAtMs);
    this.changed.beat();
  }

  /** Beats until the signal aborts, or `end`. A mark that somebody has asked for is a beat as well. */
  async run(intervalMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#ended) {
      const restMs = this.#committedAtMs + intervalMs - this.#clock.nowMs();
      if (restMs > 0) await this.#clock.sleep(restMs, signal);
      else await this.mark();
    }
  }

  /** No beat comes any more, and none is on its way: the changelog may go. Marks that are asked for are still written. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#chain;
  }

  #enqueue(): Promise<Mark> {
    const result = this.#chain.then(() => this.#send());
    // The chain only keeps the order; a failed mark is reported to those who asked for it.
    this.#chain = result.catch(() => undefined);
    return result;
  }

  async #send(): Promise<Mark> {
    this.#wanted = null;
    const frontier = this.#frontier();
    const sequence = ++this.#sequence;
    await this.#port.writeMark(sequence, this.#clock.wallMs());
    this.#committed = sequence;
    this.#committedAtMs = this.#clock.nowMs();
    this.#show(frontier);
    if (this.#passed === sequence) this.#show(this.#precedes);
    this.#remember();
    this.changed.beat();
    return { sequence, ...frontier };
  }

  #frontier(): Frontier {
    return { receipt: this.#received.receipt, position: this.#received.readPosition };
  }

  #show(frontier: Frontier): void {
    if (frontier.receipt >= this.#visible.receipt) this.#visible = frontier;
  }

  #remember(): void {
    const now = this.#clock.nowMs();
    this.#beats.push({ atMs: now, frontier: this.#visible });
    // Of the beats older than the age only the youngest matters.
    while (this.#beats.length > 1 && this.#beats[1]!.atMs <= now - hotKeyAgeMs) this.#beats.shift();
  }
}
