import { Failure } from '../../base/errors.ts';
import type { Key } from '../../core/key.ts';
import type { StreamPosition } from './stream-position.ts';
import type { TouchTarget } from './touch-target.ts';

/** XIDs that were prepared before our eyes without touching anything of ours are remembered up to this number. */
const MAX_EMPTY = 100_000;

/** The touches of one XA transaction: each key once, as it was touched last. */
export class HeldTouches implements TouchTarget {
  readonly #byRole = new Map<string, Map<Key, boolean>>();
  readonly #grow: () => void;
  size = 0;

  /** @param grow called for each key more; may throw. */
  constructor(grow: () => void) {
    this.#grow = grow;
  }

  touched(role: string, key: Key, deleted: boolean): void {
    let keys = this.#byRole.get(role);
    if (keys === undefined) {
      keys = new Map();
      this.#byRole.set(role, keys);
    }
    if (!keys.has(key)) {
      this.#grow();
      this.size++;
    }
    keys.set(key, deleted);
  }

  deliver(target: TouchTarget): void {
    for (const [role, keys] of this.#byRole) {
      for (const [key, deleted] of keys) target.touched(role, key, deleted);
    }
  }
}

/** What is known of a transaction that is being committed. */
export type Committed = 'delivered' | 'unknown';

/**
 * The XA transactions that are prepared and neither committed nor rolled back (I9).
 *
 * A transaction: collecting -> held -> gone.
 *  - collecting  between XA START and XA PREPARE its touches are kept by `collect`'s HeldTouches.
 *  - held        from XA PREPARE on; `oldest` is then the position before the first held one, and a run that starts
 *                later than there would not know its keys.
 *  - gone        by XA COMMIT (touches delivered) or XA ROLLBACK (forgotten).
 * Transactions that touched nothing of ours are remembered by name only, to tell them from unknown ones.
 */
export class PreparedTransactions {
  readonly #held = new Map<string, { readonly touches: HeldTouches; readonly before: StreamPosition }>();
  readonly #empty = new Set<string>();
  readonly #maxKeys: number;
  #keys = 0;

  /** @param maxKeys bound of the keys of all held transactions together. */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** Where a reader would have to start to see all held transactions; null when none is held. */
  get oldest(): StreamPosition | null {
    for (const { before } of this.#held.values()) return before;
    return null;
  }

  /** The transactions that are held, by their ids. */
  get held(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** A store for the touches of a transaction that begins. They throw a Failure when there are too many. */
  collect(): HeldTouches {
    return new HeldTouches(() => {
      if (++this.#keys > this.#maxKeys) {
        throw new Failure(`prepared XA transactions have touched more than ${this.#maxKeys} keys`, {
          hint: 'Commit or roll back the prepared XA transactions (XA RECOVER lists them) and start again.',
        });
      }
    });
  }

  /** The transaction was cut off before its PREPARE: it never was. */
  discard(touches: HeldTouches): void {
    this.#keys -= touches.size;
  }

  /** @param before the position before the transaction's PREPARE. */
  prepared(xid: string, touches: HeldTouches, before: StreamPosition): void {
    // Seen again after a reconnect: the first position stays.
    const former = this.#held.get(xid);
    if (former !== undefined) this.#keys -= former.touches.size;
    if (touches.size > 0) {
      this.#held.set(xid, { touches, before: former?.before ?? before });
      return;
    }
    this.#empty.add(xid);
    if (this.#empty.size > MAX_EMPTY)
      for (const oldest of this.#empty) return void this.#empty.delete(oldest);
  }

  /** Delivers the touches of a transaction that commits. */
  commit(xid: string, target: TouchTarget): Committed {
    const known = this.#empty.delete(xid);
    const held = this.#held.get(xid);
    if (held === undefined) return known ? 'delivered' : 'unknown';
    held.touches.deliver(target);
    this.#forget(xid, held.touches);
    return 'delivered';
  }

  rollback(xid: string): void {
    this.#empty.delete(xid);
    const held = this.#held.get(xid);
    if (held !== undefined) this.#forget(xid, held.touches);
  }

  #forget(xid: string, touches: HeldTouches): void {
    this.#held.delete(xid);
    this.#keys -= touches.size;
  }
}
