import { mock } from 'node:test';
import { SqlGhostStore } from '../../src/mysql/ghost-store.ts';

/** A broken applier: the next syncs of a key do nothing. Until `mock.restoreAll`. */
export function forgetSyncs(key: number, times: number): void {
  const { sync } = SqlGhostStore.prototype;
  let left = times;
  mock.method(
    SqlGhostStore.prototype,
    'sync',
    function (this: SqlGhostStore, ...[keys, ...rest]: Parameters<typeof sync>) {
      const kept = keys.filter((each) => each !== key || left-- <= 0);
      return kept.length === 0 ? Promise.resolve(0) : sync.call(this, kept, ...rest);
    },
  );
}
