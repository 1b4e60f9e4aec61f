import type { Clock } from '../base/clock.ts';
import type { Snapshot } from '../core/snapshot.ts';
import {
  type HeaderFacts,
  isWorthPrinting,
  type PrintedBefore,
  shouldPrint,
  shouldPrintHeader,
  statusHeader,
  statusLine,
} from './status.ts';

/** What the printer reads and where it prints. */
export interface StatusPrinterParts {
  readonly clock: Clock;
  readonly snapshot: () => Snapshot;
  readonly facts: () => Promise<HeaderFacts>;
  /** Gets each line without its line break. */
  readonly print: (line: string) => void;
  /** Told of each status line that was printed. */
  readonly printed?: (snapshot: Snapshot, line: string) => void;
}

/** Prints the status as the run goes on, at the cadence of `shouldPrint`. */
export class StatusPrinter {
  readonly #parts: StatusPrinterParts;
  #before: PrintedBefore = { elapsedMs: null, pointOfInterestMs: null };
  #interest = '';
  #attempts = 0;

  constructor(parts: StatusPrinterParts) {
    this.#parts = parts;
  }

  /** Looks once a second whether something is due, until `signal` aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await this.tick();
      await clock.sleep(1000 - (clock.nowMs() % 1000), signal).catch(() => undefined);
    }
  }

  /** Prints what is due now. */
  async tick(): Promise<void> {
    const snapshot = this.#parts.snapshot();
    this.#noteInterest(snapshot);
    if (this.#before.elapsedMs === null && !isWorthPrinting(snapshot)) return;
    // As gh-ost does once the events up to the lock are applied: whoever reads of an attempt wants to know what it ran with.
    const attempted = snapshot.cutOverAttempts > this.#attempts;
    this.#attempts = snapshot.cutOverAttempts;
    if (attempted || shouldPrintHeader(snapshot, this.#before)) await this.printAll();
    else if (shouldPrint(snapshot, this.#before)) this.#printLine(snapshot);
  }

  /** The last word of a run: header and line, unless it ended before there was anything to tell. */
  async end(): Promise<void> {
    if (this.#before.elapsedMs !== null || this.#parts.snapshot().copyComplete) await this.printAll();
  }

  /** Prints header and line, due or not. */
  async printAll(): Promise<void> {
    const facts = await this.#parts.facts();
    const snapshot = this.#parts.snapshot();
    for (const line of statusHeader(snapshot, facts)) this.#parts.print(line);
    this.#printLine(snapshot);
  }

  #printLine(snapshot: Snapshot): void {
    const line = statusLine(snapshot);
    this.#parts.print(line);
    this.#parts.printed?.(snapshot, line);
    this.#before = { ...this.#before, elapsedMs: snapshot.elapsedMs };
  }

  #noteInterest({ phase, cutOverAttempts, streamReconnects, elapsedMs }: Snapshot): void {
    const interest = `${phase} ${cutOverAttempts} ${streamReconnects}`;
    if (this.#interest !== '' && interest !== this.#interest)
      this.#before = { ...this.#before, pointOfInterestMs: elapsedMs };
    this.#interest = interest;
  }
}
