import type { Refusal } from '../../base/errors.ts';
import { Refusals } from '../../base/refusals.ts';
import { sentryComment } from '../../core/changelog-sql.ts';
import { quoteTable } from '../../core/quote.ts';
import type { ExistingArtifact, Inspection } from './inspection.ts';
import { type RefusalOptions, refusal } from './refusal.ts';

/**
 * Refuses to step on tables that have the names we need.
 * @throws Refusal `ghost-exists`, `old-exists`, `changelog-exists`, `checkpoint-exists`, `sentry-exists`.
 */
export function refuseArtifacts(inspection: Inspection, options: RefusalOptions): void {
  const refusals = new Refusals();
  for (const artifact of inspection.artifacts.filter((each) => isInTheWay(each, options)))
    refusals.add(artifactRefusal(artifact, proofOf(inspection)));
  refusals.throwIfAny();
}

function isInTheWay(artifact: ExistingArtifact, options: RefusalOptions): boolean {
  // Even --initially-drop options are about tables.
  if (artifact.kind !== 'table') return true;
  switch (artifact.role) {
    case 'ghost':
      return !options.initiallyDropGhostTable && !options.resume;
    case 'old':
      // A sentry's relief is empty and ours. What else is there is looked at more closely by who resumes.
      return !options.initiallyDropOldTable && !options.resume && artifact.comment !== sentryComment;
    case 'sentry':
      return artifact.comment !== sentryComment;
    case 'changelog':
    case 'checkpoint':
      return !artifact.ours;
  }
}

/** What of ours is beside a ghost, and proves that it is of an earlier run. */
type Proof = 'checkpoint' | 'changelog' | null;

function proofOf({ artifacts }: Inspection): Proof {
  const has = (role: ExistingArtifact['role']): boolean =>
    artifacts.some((each) => each.role === role && each.ours);
  if (has('checkpoint')) return 'checkpoint';
  return has('changelog') ? 'changelog' : null;
}

function artifactRefusal(artifact: ExistingArtifact, proof: Proof): Refusal {
  const table = quoteTable(artifact.ref);
  const what = artifact.kind === 'table' ? 'table' : artifact.kind;
  const option = { ghost: '--initially-drop-ghost-table', old: '--initially-drop-old-table' };
  if (artifact.kind === 'table' && artifact.role === 'ghost' && proof !== null) {
    const goOn =
      proof === 'checkpoint' ? 'Go on with --resume, start' : 'It has no checkpoint to go on from. Start';
    return refusal(
      'ghost-exists',
      `${table} is there, and a ${proof} beside it: an earlier migration did not end.`,
      `${goOn} over with --initially-drop-ghost-table, or remove it: poltergeist cleanup.`,
    );
  }
  if (artifact.kind === 'table' && (artifact.role === 'ghost' || artifact.role === 'old')) {
    return refusal(
      `${artifact.role}-exists`,
      `A table ${table} exists already, perhaps of an earlier migration.`,
      `If nobody needs it, drop it or say ${option[artifact.role]}. --force-table-names chooses other names.`,
    );
  }
  return refusal(
    `${artifact.role}-exists`,
    `A ${what} ${table} exists already, and it does not carry poltergeist's mark.`,
    'Rename or drop it, or choose other names with --force-table-names.',
  );
}

/**
 * A server whose RENAME is not atomic may have died between its two halves.
 * @throws Refusal `half-renamed`.
 */
export function refuseHalfRenamed({ ref, artifacts }: Inspection): void {
  const at = (role: ExistingArtifact['role']): ExistingArtifact | undefined =>
    artifacts.find((artifact) => artifact.role === role && artifact.kind === 'table');
  const [ghost, old] = [at('ghost'), at('old')];
  if (!ghost || !old || old.comment === sentryComment) return;
  const [table, renamed, kept] = [ref, ghost.ref, old.ref].map(quoteTable);
  throw refusal(
    'half-renamed',
    `${table} is gone, ${kept} and ${renamed} are there: a cut-over was cut off between its two renames.`,
    `To go back: RENAME TABLE ${kept} TO ${table}; then --resume. Nothing was written since.`,
  );
}
