import { type FilledColumn, implicitDefaults } from '../core/implicit-default.ts';
import { makeKeyCodec, type OrderedKeyCodec, renamedCodec } from '../core/key-codec.ts';
import { type Mapping, mapColumns } from '../core/mapping.ts';
import { chooseMigrationKey, type MigrationKey } from '../core/migration-key.ts';
import type { TableDefinition } from '../core/table.ts';
import type { GhostUniqueness } from '../mysql/ghost-store.ts';
import { refuseRowImage } from '../mysql/inspector/refusals.ts';
import { dataProfile, type SessionProfile } from '../mysql/profile.ts';
import type { MigrationConfig } from './config.ts';
import type { Survey } from './inspect.ts';

/** How this migration will be done: everything that follows from the definitions of original and ghost. */
export interface Plan {
  readonly ghost: TableDefinition;
  readonly mapping: Mapping;
  readonly filled: readonly FilledColumn[];
  readonly key: MigrationKey;
  readonly codec: OrderedKeyCodec;
  readonly ghostCodec: OrderedKeyCodec;
  readonly uniqueness: GhostUniqueness;
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
  const key = chooseMigrationKey(original, ghost, [...mapping.shared, ...mapping.computed], {
    flavor: facts.flavor,
    allowNullable: config.allowNullableUniqueKey,
  });
  refuseRowImage(facts, key.key);
  const zone = convertsZones(original, ghost, mapping) ? facts.timeZone : dataProfile.timeZone;
  const codec = makeKeyCodec(key.columns, {
    flavor: facts.flavor,
    timestampZone: /^([+-]00:00|UTC)$/i.test(zone) ? 'utc' : 'epoch',
    fixedZone: /^[+-]\d\d:\d\d$/.test(zone),
    sameComparison: key.sameComparison,
  });
  return {
    ghost,
    mapping,
    filled: implicitDefaults(ghost.columns, mapping.added),
    key,
    codec,
    ghostCodec: renamedCodec(codec, key.ghostColumns),
    uniqueness: uniquenessOf(key),
    // Where TIMESTAMP becomes DATETIME, or the other way, the server's own ALTER would convert in its global zone.
    profile: { ...dataProfile, timeZone: zone },
  };
}

function uniquenessOf(key: MigrationKey): GhostUniqueness {
  if (key.addedUniqueness) return 'added';
  return key.ghostHasSameUnique && key.otherUniqueInGhost.length === 0 ? 'sole' : 'enforced';
}

function convertsZones(original: TableDefinition, ghost: TableDefinition, mapping: Mapping): boolean {
  const typeOf = (table: TableDefinition, name: string): string | undefined =>
    table.columns.find((column) => column.name === name)?.dataType;
  return mapping.shared.some(({ from, to }) => {
    const [before, after] = [typeOf(original, from), typeOf(ghost, to)];
    return before !== after && (before === 'timestamp' || after === 'timestamp');
  });
}
