import type { LiveSettings } from '../../core/settings.ts';
import type { Thresholds } from '../../core/thresholds.ts';

/**
 * How widely an option is used by operators of gh-ost: U nearly all, C common, N niche, V vendor or legacy;
 * P is poltergeist's own.
 */
export type Tier = 'U' | 'C' | 'N' | 'V' | 'P';

/** A number outside its range is refused, moved to the nearest bound, or replaced by the default. */
export type RangePolicy = 'refuse' | 'clamp' | 'default';

/** The range of a number, both ends included. */
interface Range {
  readonly min: number;
  readonly max: number;
  readonly policy: RangePolicy;
}

/** What every option has. */
interface Common {
  readonly tier: Tier;
  /** What it does, in a sentence; default and range are added where it is printed. */
  readonly text: string;
}

/** What some options have. */
export interface Traits {
  /** The setting that this option fills in and that may change while a migration runs. */
  readonly live?: keyof LiveSettings;
  /** Never shown, never logged. */
  readonly secret?: true;
  /** Accepted so that scripts keep working; says why it does nothing. */
  readonly withoutEffect?: string;
  /** The names are of servers: `host:port`, or `host` for port 3306. */
  readonly addresses?: true;
  /** May be given several times, and all of it counts. */
  readonly repeatable?: true;
  /** Only means something on a command line, never in a conf file. */
  readonly commandLineOnly?: true;
}

/** On or off. */
export interface BoolSpec extends Common, Traits {
  readonly type: 'bool';
  readonly default: boolean;
}

/** A number. `null` as the default: not given means something of its own; an empty value is as not given. */
export interface NumberSpec<D extends number | null = number | null> extends Common, Traits {
  readonly type: 'int' | 'float';
  readonly default: D;
  readonly range: Range;
}

/** A text or a path; `null` as for numbers. */
export interface TextSpec<D extends string | null = string | null> extends Common, Traits {
  readonly type: 'string' | 'path';
  readonly default: D;
}

/** Names separated by commas. */
export interface ListSpec extends Common, Traits {
  readonly type: 'list';
  readonly default: readonly string[];
}

/** Status variables with a value each: `name=value,name=value`. */
export interface ThresholdsSpec extends Common, Traits {
  readonly type: 'thresholds';
  readonly default: Thresholds;
}

/** One of a few words. `aliases` are other spellings of them. */
export interface ChoiceSpec<C extends string = string> extends Common, Traits {
  readonly type: 'choice';
  readonly choices: readonly C[];
  readonly aliases: Readonly<Record<string, C>>;
  readonly default: C;
}

/** One option of the table. */
export type OptionSpec = BoolSpec | NumberSpec | TextSpec | ListSpec | ThresholdsSpec | ChoiceSpec;

/** The value that an option has once it is read. */
export type ValueOf<S extends OptionSpec> = S extends BoolSpec
  ? boolean
  : S extends ListSpec
    ? readonly string[]
    : S extends ThresholdsSpec
      ? Thresholds
      : S extends ChoiceSpec<infer C>
        ? C
        : S extends NumberSpec<infer D>
          ? number | (null extends D ? null : never)
          : S extends TextSpec<infer D>
            ? string | (null extends D ? null : never)
            : never;

/** A switch, off unless given. */
export function flag(tier: Tier, text: string, traits: Traits = {}): BoolSpec {
  return { type: 'bool', tier, default: false, text, ...traits };
}

/** A text; `byDefault` null when its absence means something. */
export function text<D extends string | null>(
  tier: Tier,
  byDefault: D,
  says: string,
  traits: Traits = {},
): TextSpec<D> {
  return { type: 'string', tier, default: byDefault, text: says, ...traits };
}

/** A file or directory; null = none, also spelled as an empty value. */
export function path(
  tier: Tier,
  says: string,
  { byDefault, ...traits }: Traits & { byDefault?: string } = {},
): TextSpec<string | null> {
  return { type: 'path', tier, default: byDefault ?? null, text: says, ...traits };
}

/** Names separated by commas. */
export function list(tier: Tier, says: string, traits: Traits = {}): ListSpec {
  return { type: 'list', tier, default: [], text: says, ...traits };
}

/** Status variables with a value each; none by default. */
export function thresholds(tier: Tier, says: string, traits: Traits = {}): ThresholdsSpec {
  return { type: 'thresholds', tier, default: new Map(), text: says, ...traits };
}

/** A whole number within `min` and `max`. */
export function int<D extends number | null>(
  tier: Tier,
  byDefault: D,
  [min, max, policy = 'refuse']: readonly [number, number, RangePolicy?],
  says: string,
  traits: Traits = {},
): NumberSpec<D> {
  return { type: 'int', tier, default: byDefault, range: { min, max, policy }, text: says, ...traits };
}

/** A number with fractions within `min` and `max`. */
export function float(
  tier: Tier,
  byDefault: number,
  [min, max, policy = 'refuse']: readonly [number, number, RangePolicy?],
  says: string,
  traits: Traits = {},
): NumberSpec<number> {
  return { type: 'float', tier, default: byDefault, range: { min, max, policy }, text: says, ...traits };
}

/** One of `choices`, the first one by default. */
export function choice<const C extends string>(
  tier: Tier,
  choices: readonly [C, ...C[]],
  says: string,
  aliases: Readonly<Record<string, NoInfer<C>>> = {},
): ChoiceSpec<C> {
  return { type: 'choice', tier, choices, aliases, default: choices[0], text: says };
}
