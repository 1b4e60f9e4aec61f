import { measureBusy } from './parts/busy.ts';
import { writeOnly } from './parts/writers.ts';

/** A migration beside writers that are paced at half of what the server takes from them: see parts/busy.ts. */
export function run(args: readonly string[]): Promise<object> {
  return measureBusy(args, (rows) => ({
    transaction: writeOnly(rows),
    pace: (unpaced) => Math.max(1, Math.round(unpaced / 2)),
    idleToo: true,
  }));
}
