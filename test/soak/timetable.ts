import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';
import type { Fault } from './faults.ts';

/** Says what happens. */
type Say = (text: string) => void;

/** Lets the faults of a schedule happen when their time has come. What is over never happens later. */
export class Timetable {
  readonly #faults: readonly Fault[];
  readonly #inject: (fault: Fault) => Promise<void>;
  readonly #say: Say;
  readonly #waiting: Set<Fault>;
  readonly #running = new Set<Promise<void>>();
  readonly #over = new AbortController();
  #happened = 0;

  constructor(faults: readonly Fault[], inject: (fault: Fault) => Promise<void>, say: Say) {
    this.#faults = faults;
    this.#inject = inject;
    this.#say = say;
    this.#waiting = new Set(faults);
  }

  /** Faults that have happened so far. */
  get happened(): number {
    return this.#happened;
  }

  /** The first start, or the release. */
  reach(point: 'start' | 'release'): void {
    for (const fault of this.#faults) if (fault.trigger.after === point) this.#arm(fault);
  }

  /** A line of the log. */
  line(text: string): void {
    for (const fault of this.#waiting) {
      if (fault.trigger.after === 'line' && text.includes(fault.trigger.pattern)) this.#arm(fault);
    }
  }

  /** No more faults; waits for those that have begun. */
  async end(): Promise<void> {
    this.#over.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #arm(fault: Fault): void {
    if (!this.#waiting.delete(fault) || this.#over.signal.aborted) return;
    const run = this.#run(fault).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(fault: Fault): Promise<void> {
    const { trigger, ...action } = fault;
    if (trigger.ms > 0)
      await sleep(trigger.ms, undefined, { signal: this.#over.signal }).catch(() => undefined);
    if (this.#over.signal.aborted) return;
    this.#happened++;
    const when = trigger.after === 'line' ? `at "${trigger.pattern}"` : `after ${trigger.after}`;
    this.#say(`fault ${JSON.stringify(action)} ${when} + ${trigger.ms} ms`);
    try {
      await this.#inject(fault);
    } catch (error) {
      // A fault may spoil another one: a killed server takes the transactions along that were to be long.
      this.#say(`fault ${fault.kind} ended: ${messageOf(error)}`);
    }
  }
}
