import type { GhostStore } from './store.ts';

/** A store in whose place another can be put. */
export class ReplaceableStore implements GhostStore {
  #store: GhostStore;

  constructor(store: GhostStore) {
    this.#store = store;
  }

  /** All calls from now on go to another store; what is in flight must have ended where that matters. */
  replace(store: GhostStore): void {
    this.#store = store;
  }

  copy(...args: Parameters<GhostStore['copy']>): Promise<number> {
    return this.#store.copy(...args);
  }
  clear(...args: Parameters<GhostStore['clear']>): Promise<void> {
    return this.#store.clear(...args);
  }
  sync(...args: Parameters<GhostStore['sync']>): Promise<number> {
    return this.#store.sync(...args);
  }
  bound(...args: Parameters<GhostStore['bound']>): ReturnType<GhostStore['bound']> {
    return this.#store.bound(...args);
  }

  last(...args: Parameters<GhostStore['last']>): ReturnType<GhostStore['last']> {
    return this.#store.last(...args);
  }
  place(...args: Parameters<GhostStore['place']>): ReturnType<GhostStore['place']> {
    return this.#store.place(...args);
  }
  findCollision(...args: Parameters<GhostStore['findCollision']>): Promise<string | null> {
    return this.#store.findCollision(...args);
  }
}
