import type { Clock } from '../base/clock.ts';
import { Transient } from '../base/errors.ts';
import { Pulse } from '../base/pulse.ts';
import type { Retry } from '../base/retry.ts';
import { Scope } from '../base/scope.ts';
import type { Turnstile } from '../base/turnstile.ts';
import { BatchSize } from '../core/batch-size.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { Gate } from '../core/gate.ts';
import type { Key } from '../core/key.ts';
import { SessionLevel } from '../core/session-level.ts';
import { DuplicateKey, type GhostStore } from '../core/store.ts';
import type { Visibility } from '../core/visibility.ts';
import type { Watermark } from '../core/watermark.ts';

/** Who resolves unique conflicts of a sync. */
export interface SyncConflicts {
  afterSync(keys: readonly Key[], violated: DuplicateKey, signal: AbortSignal): Promise<void>;
}

/** What an applier works with. */
export interface ApplierParts {
  readonly store: Pick<GhostStore, 'sync' | 'place'>;
  readonly changes: ChangeSet;
  readonly watermark: Watermark;
  readonly visibility: Visibility;
  readonly conflicts: SyncConflicts;
  readonly turnstile: Turnstile;
  readonly gate: Gate;
  readonly retry: Retry;
  readonly clock: Clock;
  /** Keys a batch; null = as many as take the target time. Read again for each batch. */
  readonly sizing: { readonly batchKeys: number | null };
}

/** What became of one step of a session: a conflict is resolved outside the turnstile. */
type SyncOutcome = 'nothing' | 'done' | { keys: readonly Key[]; violated: DuplicateKey };

/** Keys asked about in one question to the server. */
const placeKeysMax = 500;

/**
 * Makes the ghost agree with the original for every key that was touched: sync(keys), DESIGN 2.
 *
 * Modes: steady (batches as they become visible, behind the gate) <-> urgent (no gate, marks on demand:
 * before and under the cut-over lock, where waiting for the next heartbeat would cost the writers).
 */
export class Applier {
  readonly #parts: ApplierParts;
  #applied = 0;
  #urgent = 0;
  readonly #modeChanged = new Pulse();
  readonly #size = new BatchSize();
  #sessions: Pick<SessionLevel, 'level' | 'done' | 'contended'> = new SessionLevel(1);
  readonly #levelChanged = new Pulse();

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  /** Keys that the next batch may have. */
  get batchKeys(): number {
    return this.#parts.sizing.batchKeys ?? this.#size.keys;
  }

  /** Keys synced so far, each sync of a key counted. */
  get applied(): number {
    return this.#applied;
  }

  /**
   * Applies with as many sessions as bring something until the signal aborts. Keys that JS cannot tell apart allow one
   * session only (I4).
   * @param sessionsMax how many there can be.
   * @param level how many of them work.
   */
  async run(
    sessionsMax: number,
    signal: AbortSignal,
    level: Pick<SessionLevel, 'level' | 'done' | 'contended'> = new SessionLevel(sessionsMax),
  ): Promise<void> {
    const scope = new Scope(signal);
    this.#sessions = level;
    for (let i = 0; i < sessionsMax; i += 1) scope.spawn((stop) => this.#work(i, stop));
    scope.spawn((stop) => this.#placeUnknown(stop));
    await new Promise<void>((resolve) => {
      if (scope.signal.aborted) resolve();
      else scope.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await scope.close();
    if (scope.failure) throw scope.failure;
  }

  /**
   * Applies without the gate until nothing waits any more. Under load that is a moving target: the caller's
   * signal has the deadline. @throws the signal's reason.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const { changes, visibility } = this.#parts;
    this.#urgent += 1;
    this.#modeChanged.beat();
    try {
      while (!changes.empty) await Pulse.any([changes.changed, visibility.changed], signal);
    } finally {
      this.#urgent -= 1;
    }
  }

  /** @param session its number, from 0: it rests while fewer sessions are to work. */
  async #work(session: number, signal: AbortSignal): Promise<void> {
    const { gate, turnstile, conflicts, retry } = this.#parts;
    while (!signal.aborted) {
      await this.#levelChanged.until(() => session < this.#sessions.level, signal);
      if (this.#urgent === 0) await this.#passGate(gate, signal);
      // A pause between two tries is spent outside the turnstile: who wants to be alone would wait for it,
      // and all others for him.
      const syncNext = (): Promise<SyncOutcome> => turnstile.shared(() => this.#syncNext(signal), signal);
      const outcome = await retry('sync', syncNext, signal);
      if (outcome === 'nothing') await this.#idle(signal);
      else if (outcome !== 'done') {
        const { keys, violated } = outcome;
        await retry('conflict of a sync', () => conflicts.afterSync(keys, violated, signal), signal);
      }
    }
  }

  /** The gate, left early when a drain begins. */
  async #passGate(gate: Gate, signal: AbortSignal): Promise<void> {
    if (gate.reason === null) return;
    const leave = new AbortController();
    const either = AbortSignal.any([signal, leave.signal]);
    await Promise.race([gate.pass(either), this.#modeChanged.next(either)]).finally(() => leave.abort());
  }

  /**
   * Takes a batch and syncs it. The batch is taken inside the turnstile: an exclusive sync must see every
   * key.
   */
  async #syncNext(signal: AbortSignal): Promise<SyncOutcome> {
    const { changes, store, visibility, clock } = this.#parts;
    const limit = this.#limit();
    const batch = changes.take(limit, visibility.visible, visibility.aged);
    if (!batch) return 'nothing';
    const behind = batch.keys.length === this.batchKeys;
    const startMs = clock.nowMs();
    try {
      await store.sync(batch.keys, batch.deleted, 'beside', signal);
    } catch (error) {
      changes.giveBack(batch);
      this.#rolledBack(error);
      if (error instanceof DuplicateKey) return { keys: batch.keys, violated: error };
      throw error;
    }
    changes.release(batch);
    this.#applied += batch.keys.length;
    this.#learn(batch.keys.length, clock.nowMs() - startMs, behind);
    return 'done';
  }

  /** Keys that the next batch is to have at the most. */
  #limit(): number {
    const { sizing, changes } = this.#parts;
    return sizing.batchKeys ?? this.#size.shared(changes.size, this.#sessions.level);
  }

  #learn(keys: number, elapsedMs: number, behind: boolean): void {
    const { level } = this.#sessions;
    this.#size.feedback(keys, elapsedMs);
    this.#sessions.done(this.#parts.clock.nowMs(), keys, behind);
    if (this.#sessions.level > level) this.#levelChanged.beat();
  }

  /** Fewer keys meet fewer locks and unique values of others, and so do fewer sessions after a deadlock. */
  #rolledBack(error: unknown): void {
    this.#size.contended();
    if (error instanceof Transient) this.#sessions.contended(this.#parts.clock.nowMs());
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const { changes, visibility } = this.#parts;
    // In a hurry the next heartbeat is too far away: make visible what has been received.
    if (this.#urgent > 0 && changes.receipt > visibility.visible.receipt) await visibility.mark();
    else await Pulse.any([changes.changed, visibility.changed, this.#modeChanged], signal);
  }

  /** Asks the server about keys that JS cannot order, while the copy goes on (I4). */
  async #placeUnknown(signal: AbortSignal): Promise<void> {
    const { changes, watermark, store, visibility, retry } = this.#parts;
    while (!signal.aborted) {
      const keys = changes.unplaced(placeKeysMax);
      if (keys.length === 0) {
        await Pulse.any([changes.changed, visibility.changed], signal);
        continue;
      }
      const before = changes.unplacedCount;
      const { dispatched, high, flights } = watermark;
      const answers = await retry('placing keys', () => store.place(keys, high, flights, signal), signal);
      changes.placed(answers, dispatched);
      if (changes.unplacedCount >= before) await visibility.changed.next(signal);
    }
  }
}
