import type { Key } from '../core/key.ts';
import type { DataPath } from './data-path.ts';
import type { Plan } from './plan.ts';

/** How long the stream may take to reach the RENAME and a mark after it, ms. */
const passTimeoutMs = 120_000;

/** What was found after the swap. Keys as SQL literals. */
export interface LateWrites {
  /** Changes that slipped in and were carried over into the new table. */
  readonly carried: readonly string[];
  /** Changes that slipped in, but whose row has been changed in the new table since: that newer change stays. */
  readonly superseded: readonly string[];
}

/**
 * I7, after the swap: the stream is read past the RENAME itself. Changes of the original that came between drain mark and
 * RENAME - there should be none - are synced from the old table into the new one, except where the new row was changed since.
 */
export async function settleLateWrites(path: DataPath, plan: Plan, signal: AbortSignal): Promise<LateWrites> {
  const { heartbeat, changes, intake, lateStore, retry } = path;
  await heartbeat.pass(passTimeoutMs, signal);
  await waitForSwap(path, signal);
  const carried: string[] = [];
  const superseded: string[] = [];
  for (;;) {
    await heartbeat.cover(changes.receipt);
    const batch = changes.take(1, heartbeat.visible, heartbeat.visible);
    if (!batch) break;
    const [key] = batch.keys as [Key];
    // Everything that happened to the new row until now must have been seen before the old one is allowed to win.
    await heartbeat.pass(passTimeoutMs, signal);
    if (!path.followsNewTable || intake.touchedSince.has(key)) superseded.push(describe(plan, key));
    else {
      await retry('late write', () => lateStore.sync(batch.keys, batch.deleted, 'alone', signal), signal);
      carried.push(describe(plan, key));
    }
    changes.release(batch);
  }
  return { carried, superseded };
}

/** The RENAME stands in the binlog before every mark written after it, so one more mark is enough; a few for a reconnect. */
async function waitForSwap({ heartbeat, intake }: DataPath, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !intake.swapSeen && attempt < 5; attempt += 1)
    await heartbeat.pass(passTimeoutMs, signal);
}

function describe(plan: Plan, key: Key): string {
  const literals = plan.codec.literals(key);
  return plan.codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
}
