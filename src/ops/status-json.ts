import { plainRecord } from '../core/settings.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { etaOf, type HeaderFacts, progressPercent, stateOf } from './status.ts';

/** The whole snapshot for programs, in one line; docs/status-json.md tells its fields. */
export function statusJson(snapshot: Snapshot, facts: HeaderFacts): string {
  return JSON.stringify(statusFields(snapshot, facts));
}

/**
 * The fields of `statusJson`: those of the snapshot, and what people see of it: the state in a word, the share of the rows,
 * the remaining time (null: not known; 0: due), and which flag files are there now.
 */
export function statusFields(
  snapshot: Snapshot,
  { exists, additionalFlagFile }: HeaderFacts,
): Record<string, unknown> {
  const eta = etaOf(snapshot);
  const files = [snapshot.throttleFlagFile, additionalFlagFile, snapshot.postponeFlagFile];
  return {
    ...plainRecord(snapshot),
    etaMs: eta === 'unknown' ? null : eta === 'due' ? 0 : eta,
    state: stateOf(snapshot),
    progressPercent: progressPercent(snapshot),
    throttleAdditionalFlagFile: additionalFlagFile,
    flagFilesSet: files.filter((file) => file !== null && exists(file)),
  };
}
