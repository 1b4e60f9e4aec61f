import { measureBusy } from './parts/busy.ts';
import { writeOnly } from './parts/writers.ts';

/** A migration beside writers that nothing holds back: see parts/busy.ts. */
export function run(args: readonly string[]): Promise<object> {
  return measureBusy(args, (rows) => ({ transaction: writeOnly(rows), idleToo: false }));
}
