import { createHash } from 'node:crypto';
import { UsageError } from '../base/errors.ts';
import { foldName } from './alter/identifier.ts';
import { lengthOf, NAME_CHARACTERS_MAX } from './quote.ts';

/** The tables beside the original that one migration makes, all in its schema. CDC filters know these names. */
export interface ArtifactNames {
  /** `_t_gho` */
  readonly ghost: string;
  /** `_t_ghc` */
  readonly changelog: string;
  /** `_t_del`: the sentry's relief first, the old table after the cut-over. */
  readonly old: string;
  /** `t_ghs`: the sentry of a cut-over (DESIGN 5). It sorts behind the table, so that a RENAME waits for the table first. */
  readonly sentry: string;
  /** `_t_ghk` */
  readonly checkpoint: string;
}

/** What the operator said about the names of our tables. */
export interface NameOptions {
  /** Used in place of the table's name (`--force-table-names`). */
  readonly baseName?: string | undefined;
  /** With it the old table is `_t_YYYYMMDDhhmmss_del`, of this wall time in UTC (`--timestamp-old-table`). */
  readonly oldTableAtMs?: number | undefined;
  /**
   * The old table of a migration that is reverted (`--old-table`): it has the ghost's part, and what was the new table
   * becomes `_t_rev_del`.
   */
  readonly revertOf?: string | undefined;
}

/** The tables in which things are tried out: see mysql/scratch.ts. */
export interface ScratchNames {
  /** `_t_ghp` */
  readonly probe: string;
  /** `_t_ght` */
  readonly twin: string;
}

/** @param changelog its name, from `artifactNames`. */
export function scratchNames(changelog: string): ScratchNames {
  const base = changelog.replace(/ghc$/, '');
  return { probe: `${base}ghp`, twin: `${base}ght` };
}

const HASH_DIGITS = 12;
const HASHED = /_[0-9a-f]{12}$/;

/**
 * The names of a migration's artifacts.
 * @param table the original's name as the server spells it: a name typed in another case gets another hash.
 * @throws UsageError when a forced base name makes an artifact collide with the table itself.
 */
export function artifactNames(table: string, options: NameOptions = {}): ArtifactNames {
  if (options.baseName === '') throw new UsageError('The base of the artifact names must not be empty');
  const names = plannedNames(table, options);
  // Compared without case: the server may store table names in lower case.
  for (const name of Object.values(names) as string[]) {
    if (foldName(name) === foldName(table)) {
      throw new UsageError(`The name '${name}' is needed for an artifact, but it is the table itself`, {
        hint: 'Choose another --force-table-names.',
      });
    }
  }
  return names;
}

/** The same for a status that is asked for before they are checked. Never throws. */
export function plannedNames(table: string, options: NameOptions): ArtifactNames {
  const base = options.baseName ?? table;
  const stamp = options.oldTableAtMs === undefined ? '' : `${timestamp(options.oldTableAtMs)}_`;
  const reverted = options.revertOf === undefined ? '' : 'rev_';
  return {
    ghost: options.revertOf ?? artifactName(base, 'gho'),
    changelog: artifactName(base, 'ghc'),
    old: artifactName(base, `${stamp}${reverted}del`),
    sentry: sentryName(table),
    checkpoint: artifactName(base, 'ghk'),
  };
}

/**
 * The server takes the locks of a statement in the order of the names' bytes: a name sorts behind all that it begins with.
 * Where it would be too long, behind all that begin with a character of ASCII. A forced base has no say in it.
 */
function sentryName(table: string): string {
  const room = NAME_CHARACTERS_MAX - 'ghs'.length - 1;
  const length = lengthOf(table);
  if (length < room || (length === room && !HASHED.test(table))) return `${table}_ghs`;
  return artifactName(table, 'ghs').replace(/^_/, '~');
}

/**
 * `_base_suffix`, cut and hashed when that is longer than a name can be. A name that fits exactly and ends as a
 * hashed one does is hashed as well, so that the two kinds never meet.
 */
function artifactName(base: string, suffix: string): string {
  const plain = `_${base}_${suffix}`;
  const room = NAME_CHARACTERS_MAX - suffix.length - 2;
  const length = lengthOf(base);
  if (length < room || (length === room && !HASHED.test(base))) return plain;
  const hash = createHash('sha256').update(base, 'utf8').digest('hex').slice(0, HASH_DIGITS);
  const head = Array.from(base)
    .slice(0, room - HASH_DIGITS - 1)
    .join('');
  return `_${head}_${hash}_${suffix}`;
}

function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\..*$/, '').replace(/\D/g, '');
}
