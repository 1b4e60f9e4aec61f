import type { Clock } from '../base/clock.ts';
import type { GhostStore } from './store.ts';

/** Tells somebody outside how long things took. Never throws, and never keeps anybody waiting. */
export interface Meter {
  /**
   * @param name what was timed: `query`, `cut_over.step` ...
   * @param ms how long it took.
   * @param tags further words.
   */
  timing(name: string, ms: number, tags?: Readonly<Record<string, string>>): void;
}

/** A store whose queries are timed, also those that fail; the store itself where nobody wants to know. */
export function meteredStore(store: GhostStore, meter: Meter | undefined, clock: Clock): GhostStore {
  if (meter === undefined) return store;
  const timed = async <T>(query: string, work: () => Promise<T>): Promise<T> => {
    const startMs = clock.nowMs();
    try {
      return await work();
    } finally {
      meter.timing('query', clock.nowMs() - startMs, { query });
    }
  };
  return {
    copy: (...args) => timed('copy', () => store.copy(...args)),
    clear: (...args) => timed('clear', () => store.clear(...args)),
    sync: (...args) => timed('sync', () => store.sync(...args)),
    bound: (...args) => timed('bound', () => store.bound(...args)),
    last: (...args) => timed('last', () => store.last(...args)),
    place: (...args) => timed('place', () => store.place(...args)),
    findCollision: (...args) => timed('collision', () => store.findCollision(...args)),
  };
}
