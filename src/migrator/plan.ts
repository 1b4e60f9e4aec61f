import { Refusals } from '../base/refusals.ts';
import { copiedValues } from '../core/copied-value.ts';
import type { DeferredIndexes } from '../core/deferral.ts';
import { type FilledColumn, implicitDefaults, refuseZeroDates } from '../core/implicit-default.ts';
import { makeKeyCodec, type OrderedKeyCodec, renamedCodec } from '../core/key-codec.ts';
import { changedColumns, lossyColumns, withLosses } from '../core/lossy.ts';
import { type Mapping, mapColumns } from '../core/mapping.ts';
import { chooseMigrationKey, type MigrationKey } from '../core/migration-key.ts';
import type { TableDefinition } from '../core/table.ts';
import { dependsOnZone, refuseDayOfTime } from '../core/zone.ts';
import type { GhostUniqueness } from '../mysql/ghost-store.ts';
import { refuseRowImage } from '../mysql/inspector/refusals.ts';
import { lossySettings } from '../mysql/lossy-writer.ts';
import { dataProfile, type SessionProfile, withoutStrictMode } from '../mysql/profile.ts';
import type { MigrationConfig } from './config.ts';
import type { Survey } from './inspect.ts';
import type { GhostTriggers } from './triggers.ts';

/** How this migration will be done: everything that follows from the definitions of original and ghost. */
export interface Plan {
  readonly ghost: TableDefinition;
  readonly mapping: Mapping;
  readonly filled: readonly FilledColumn[];
  /** What is read in place of a bare column: see core/copied-value.ts. */
  readonly copied: ReadonlyMap<string, string>;
  readonly key: MigrationKey;
  readonly codec: OrderedKeyCodec;
  readonly ghostCodec: OrderedKeyCodec;
  readonly uniqueness: GhostUniqueness;
  /**
   * Columns of the ghost that may lose data (`--allow-lossy`, `--skip-strict-mode`): they are no copy of the original's, so nothing
   * to verify.
   */
  readonly lossy: ReadonlySet<string>;
  /** Columns of the ghost that need not hold what would be copied into them now: see revert-plan.ts. */
  readonly uncompared?: ReadonlySet<string>;
  /** Indexes that the ghost does not have until they are built after the copy; null where all are there from the start. */
  readonly deferred: DeferredIndexes | null;
  /** Those of the new table: none, unless they are asked for. */
  readonly triggers: GhostTriggers;
  /** For every session that reads or writes rows. */
  readonly profile: SessionProfile;
}

/**
 * Makes the plan.
 * @param ghost the ghost's definition, after the server has altered it.
 * @throws Refusal when columns or keys do not allow a copy.
 */
export function makePlan(survey: Survey, ghost: TableDefinition, config: MigrationConfig): Plan {
  const { facts, original, alter } = survey;
  const mapping = mapColumns(original.columns, ghost.columns, alter, config);
  const { chosen, lossy, filled } = judgePlan(survey, ghost, mapping, config);
  const key = withLosses(chosen, ghost, lossy);
  const zone = dependsOnZone(original, ghost, mapping) ? facts.timeZone : dataProfile.timeZone;
  const codec = makeKeyCodec(key.columns, {
    flavor: facts.flavor,
    timestampZone: /^([+-]00:00|UTC)$/i.test(zone) ? 'utc' : 'epoch',
    fixedZone: /^[+-]\d\d:\d\d$/.test(zone),
    sameComparison: key.sameComparison,
  });
  return {
    ghost,
    mapping,
    filled,
    copied: copiedValues(original, ghost, mapping, facts.flavor, lossy),
    key,
    codec,
    ghostCodec: renamedCodec(codec, key.ghostColumns),
    uniqueness: uniquenessOf(key),
    lossy,
    deferred: null,
    triggers: { sources: [], made: [] },
    profile: profileOf(zone, lossy.size > 0),
  };
}

/** All that columns and keys can be refused for, at once. */
function judgePlan(survey: Survey, ghost: TableDefinition, mapping: Mapping, config: MigrationConfig) {
  const { facts, original } = survey;
  const refusals = new Refusals();
  const chosen = refusals.judge(() =>
    chooseMigrationKey(original, ghost, [...mapping.shared, ...mapping.computed], {
      flavor: facts.flavor,
      allowNullable: config.allowNullableUniqueKey,
    }),
  );
  for (const server of chosen ? new Set([facts, survey.streamed]) : [])
    refusals.judge(() => refuseRowImage(server, chosen!.key));
  const named = chosen && refusals.judge(() => lossyColumns(config.allowLossy, ghost, mapping, chosen));
  const changed = chosen && config.skipStrictMode ? changedColumns(original, ghost, mapping, chosen) : [];
  const lossy = named && new Set([...named, ...changed]);
  refusals.judge(() => refuseDayOfTime(original, ghost, mapping));
  const filled = implicitDefaults(ghost.columns, mapping.added);
  if (!config.allowZeroDates)
    refusals.judge(() => refuseZeroDates(filled, facts.variables.get('sql_mode') ?? ''));
  refusals.throwIfAny();
  return { chosen: chosen!, lossy: lossy!, filled };
}

function profileOf(timeZone: string, lossy: boolean): SessionProfile {
  const profile = { ...dataProfile, timeZone };
  return lossy ? withoutStrictMode(profile, lossySettings) : profile;
}

function uniquenessOf(key: MigrationKey): GhostUniqueness {
  if (key.addedUniqueness) return 'added';
  return key.ghostHasSameUnique && key.otherUniqueInGhost.length === 0 ? 'sole' : 'enforced';
}
