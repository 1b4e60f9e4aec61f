import { Transient } from '../../src/base/errors.ts';

/** A name of a table. */
export type TableName = 'original' | 'ghost' | 'sentry';

/** How a statement or transaction holds a table. `read-only` is LOCK TABLES .. READ. */
export type LockMode = 'read' | 'write' | 'read-only' | 'exclusive';

/** Which locks of others a lock can be beside. */
const beside: Readonly<Record<LockMode, readonly LockMode[]>> = {
  read: ['read', 'write', 'read-only'],
  write: ['read', 'write'],
  'read-only': ['read', 'read-only'],
  exclusive: [],
};

interface Lock {
  readonly owner: object;
  readonly name: TableName;
  readonly mode: LockMode;
}

interface Request extends Lock {
  readonly granted: () => void;
  readonly refused: (error: Error) => void;
}

/**
 * The metadata locks of three names. A lock is granted when no other owner's stands in the way; an exclusive
 * one that waits goes before all that come later or wait as well, and LOCK TABLES before writers.
 */
export class TableLocks {
  readonly #granted: Lock[] = [];
  readonly #queue: Request[] = [];
  readonly #isWritten: () => boolean;

  /** @param isWritten transactions of writers hold the original now. */
  constructor(isWritten: () => boolean) {
    this.#isWritten = isWritten;
  }

  /** Whether somebody who asks now need not wait. */
  isFree(name: TableName, mode: LockMode, owner?: object): boolean {
    const waits = (others: LockMode): boolean =>
      this.#queue.some((each) => each.name === name && each.mode === others);
    if (mode !== 'exclusive' && waits('exclusive')) return false;
    if (mode === 'write' && waits('read-only')) return false;
    return this.#fits(name, mode, owner);
  }

  /** Takes a lock that `isFree`. */
  take(owner: object, name: TableName, mode: LockMode): void {
    this.#granted.push({ owner, name, mode });
  }

  /** @throws Transient when it is left while it waits. */
  ask(owner: object, name: TableName, mode: LockMode): Promise<void> {
    return new Promise((granted, refused) => {
      this.#queue.push({ owner, name, mode, granted, refused });
      this.grant();
    });
  }

  /** Lets go of all, or of one name, and of what is waited for. */
  leave(owner: object, name?: TableName): void {
    const stays = (lock: Lock): boolean => lock.owner !== owner || (name !== undefined && lock.name !== name);
    const left = this.#queue.filter((each) => !stays(each));
    keep(this.#granted, stays);
    keep(this.#queue, stays);
    for (const { refused } of left) refused(new Transient('the wait for a lock was ended'));
    this.grant();
  }

  /** Grants what can be granted: exclusive ones first. To be called when writers have ended. */
  grant(): void {
    if (this.#queue.length === 0) return;
    for (const exclusive of [true, false]) {
      for (const request of [...this.#queue]) {
        const { owner, name, mode, granted } = request;
        if ((mode === 'exclusive') !== exclusive || !this.#fits(name, mode, owner)) continue;
        if (!exclusive && this.#queue.some((each) => each.name === name && each.mode === 'exclusive'))
          continue;
        this.#queue.splice(this.#queue.indexOf(request), 1);
        this.take(owner, name, mode);
        granted();
      }
    }
  }

  /** The name that `owner` waits for. */
  waits(owner: object): TableName | null {
    return this.#queue.find((each) => each.owner === owner)?.name ?? null;
  }

  isHeldBy(owner: object, name: TableName): boolean {
    return this.#granted.some((lock) => lock.owner === owner && lock.name === name);
  }

  /** True when somebody else than these holds the name. */
  isHeldByOthers(owners: readonly object[], name: TableName): boolean {
    if (name === 'original' && this.#isWritten()) return true;
    return this.#granted.some((lock) => lock.name === name && !owners.includes(lock.owner));
  }

  #fits(name: TableName, mode: LockMode, owner?: object): boolean {
    if (name === 'original' && !beside[mode].includes('write') && this.#isWritten()) return false;
    return this.#granted.every(
      (lock) => lock.name !== name || lock.owner === owner || beside[mode].includes(lock.mode),
    );
  }
}

function keep<T>(list: T[], stays: (item: T) => boolean): void {
  list.splice(0, list.length, ...list.filter(stays));
}
