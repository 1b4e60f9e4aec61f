import { Pulse } from '../base/pulse.ts';
import type { Retry } from '../base/retry.ts';
import { Scope } from '../base/scope.ts';
import type { Turnstile } from '../base/turnstile.ts';
import type { ChangeSet } from '../core/changeset.ts';
import type { Gate } from '../core/gate.ts';
import type { Key } from '../core/key.ts';
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
  /** Read again for each batch. */
  readonly sizing: { readonly batchKeys: number };
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

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  /** Keys synced so far, each sync of a key counted. */
  get applied(): number {
    return this.#applied;
  }

  /**
   * Applies with several sessions until the signal aborts. Keys that JS cannot tell apart allow one session
   * only (I4).
   */
  async run(sessions: number, signal: AbortSignal): Promise<void> {
    const scope = new Scope(signal);
    for (let i = 0; i < sessions; i += 1) scope.spawn((stop) => this.#work(stop));
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

  async #work(signal: AbortSignal): Promise<void> {
    const { gate, turnstile, conflicts, retry } = this.#parts;
    while (!signal.aborted) {
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
    const { changes, store, visibility, sizing } = this.#parts;
    const batch = changes.take(sizing.batchKeys, visibility.visible, visibility.aged);
    if (!batch) return 'nothing';
    try {
      await store.sync(batch.keys, batch.deleted, 'beside', signal);
    } catch (error) {
      changes.giveBack(batch);
      if (error instanceof DuplicateKey) return { keys: batch.keys, violated: error };
      throw error;
    }
    changes.release(batch);
    this.#applied += batch.keys.length;
    return 'done';
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
