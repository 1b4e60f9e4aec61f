import { Bug, Failure, Transient } from '../base/errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { retry } from './retry.ts';
import { Session, type SessionSetup } from './session.ts';

/** How the sessions of a pool are set up. */
export interface PoolSetup extends Omit<SessionSetup, 'signal'> {
  /** How many sessions at most; they are named `name 1` to `name N`, and opened when first needed. */
  readonly size: number;
  /** How often to try to open a session, the first time included. Default 10. */
  readonly openAttempts?: number;
}

const OPEN_BASE_DELAY_MS = 100;
const OPEN_MAX_DELAY_MS = 5000;
const CLOSE_DEADLINE_MS = 5000;

interface Slot {
  readonly name: string;
  session: Session | null;
}

interface Waiter {
  readonly resolve: (slot: Slot) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A few sessions of one profile that are handed out one at a time, first come first served.
 *
 * States: open -> closed.
 *  - open    `use` waits for a free session; a lost one is opened again, with back-off, by its next user.
 *  - closed  `use` throws; sessions in use get some seconds to be given back and are then destroyed.
 */
export class SessionPool {
  readonly #options: ConnectionOptions;
  readonly #setup: PoolSetup;
  readonly #slots: readonly Slot[];
  readonly #free: Slot[];
  readonly #waiters: Waiter[] = [];
  #closed = false;
  /** Which server the first session reached. */
  #server: string | null = null;
  #onIdle: (() => void) | null = null;

  constructor(options: ConnectionOptions, setup: PoolSetup) {
    this.#options = options;
    this.#setup = setup;
    this.#slots = Array.from({ length: setup.size }, (_, i) => ({
      name: `${setup.name} ${i + 1}`,
      session: null,
    }));
    this.#free = [...this.#slots];
  }

  /** Connection ids of all sessions that are open, to know our own from others'. */
  get threadIds(): readonly number[] {
    return this.#slots.flatMap((slot) => (slot.session?.usable ? [slot.session.threadId] : []));
  }

  /** Sessions that are given out now. */
  get busy(): number {
    return this.#slots.length - this.#free.length;
  }

  /**
   * Gives `work` a session of its own until it ends. A transaction that `work` leaves open is its own defect.
   * @param signal ends the wait for a session and its opening; `work` passes it on itself.
   * @throws what `work` throws; SessionError `connect-failed` when none can be opened; Transient when closed;
   * Failure when another server answers than before.
   */
  async use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const slot = await this.#take(signal);
    try {
      return await work(await this.#sessionOf(slot, signal));
    } finally {
      this.#giveBack(slot);
    }
  }

  /** Ends all sessions, within bounds: those in use are destroyed after five seconds. Never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#closedError());
    if (this.#free.length < this.#slots.length) {
      const timer = new AbortController();
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      const deadline = this.#setup.clock.sleep(CLOSE_DEADLINE_MS, timer.signal).catch(() => {});
      await Promise.race([idle, deadline]);
      timer.abort();
    }
    await Promise.all(this.#slots.map((slot) => slot.session?.close()));
  }

  #take(signal?: AbortSignal): Promise<Slot> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    // The one given back last is the least likely to have been cut off by wait_timeout.
    const slot = this.#free.pop();
    if (slot) return Promise.resolve(slot);
    return new Promise((resolve, reject) => {
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        resolve: (given) => {
          settled();
          resolve(given);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  #giveBack(slot: Slot): void {
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.resolve(slot);
      return;
    }
    if (this.#free.includes(slot)) throw new Bug(`${slot.name} was given back twice`);
    this.#free.push(slot);
    if (this.#free.length === this.#slots.length) this.#onIdle?.();
  }

  async #sessionOf(slot: Slot, signal?: AbortSignal): Promise<Session> {
    if (slot.session?.usable) return slot.session;
    slot.session = null;
    const { clock, profile, openAttempts = 10 } = this.#setup;
    const session = await retry(
      () => Session.open(this.#options, { clock, profile, name: slot.name, ...(signal ? { signal } : {}) }),
      {
        attempts: openAttempts,
        clock,
        ...(signal ? { signal } : {}),
        retryOn: ['connection', 'busy'],
        idempotent: true,
        baseDelayMs: OPEN_BASE_DELAY_MS,
        maxDelayMs: OPEN_MAX_DELAY_MS,
      },
    );
    if (this.#closed) {
      session.destroy();
      throw this.#closedError();
    }
    this.#recognise(session);
    slot.session = session;
    return session;
  }

  /** All sessions of a run must be of one server: behind a failover or a proxy may be another one. */
  #recognise(session: Session): void {
    this.#server ??= session.serverIdentity;
    if (session.serverIdentity === this.#server) return;
    session.destroy();
    const [now, before] = [session.serverIdentity, this.#server];
    const what = `${session.name}: another server answers (${now}) than before (${before})`;
    throw new Failure(what, {
      hint: 'The original table is untouched. A failover or a proxy: what the new server has cannot be proved. Start over on the new primary.',
    });
  }

  #closedError(): Transient {
    return new Transient(`The sessions ${this.#setup.name} have been closed`);
  }
}
