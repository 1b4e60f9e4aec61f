/**
 * The options: ONE table. The command line, `--help`, the conf file and the commands of the control socket
 * are all made from it. `options/` holds its parts, one a group.
 */
import { connectionOptions } from './options/connection.ts';
import { artifactOptions, migrationOptions, schemaOptions } from './options/migration.ts';
import {
  controlOptions,
  hookOptions,
  legacyOptions,
  outputOptions,
  statsdOptions,
} from './options/operation.ts';
import { cutOverOptions, paceOptions, throttleOptions } from './options/pace.ts';
import type { OptionSpec, ValueOf } from './options/spec.ts';
import { topologyOptions } from './options/topology.ts';

/** Title and options of each group, in the order of `--help`. */
export const optionGroups = {
  Connection: connectionOptions,
  Topology: topologyOptions,
  Migration: migrationOptions,
  Pace: paceOptions,
  Throttle: throttleOptions,
  'Cut-over': cutOverOptions,
  Control: controlOptions,
  'Columns and keys': schemaOptions,
  'Tables of ours': artifactOptions,
  Hooks: hookOptions,
  StatsD: statsdOptions,
  Output: outputOptions,
  'Accepted without effect': legacyOptions,
} satisfies Record<string, Readonly<Record<string, OptionSpec>>>;

const table = {
  ...connectionOptions,
  ...topologyOptions,
  ...migrationOptions,
  ...paceOptions,
  ...throttleOptions,
  ...cutOverOptions,
  ...controlOptions,
  ...schemaOptions,
  ...artifactOptions,
  ...hookOptions,
  ...statsdOptions,
  ...outputOptions,
  ...legacyOptions,
};

/** The name of an option as it is spelled on the command line, without dashes. */
export type OptionName = keyof typeof table;

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The value of each option, by its name in camel case: `--max-lag-millis` is `maxLagMillis`. */
export type OptionValues = { readonly [K in OptionName as CamelCase<K>]: ValueOf<(typeof table)[K]> };

/** Every option by name. */
export const options: ReadonlyMap<OptionName, OptionSpec> = new Map(
  Object.entries(table) as [OptionName, OptionSpec][],
);

/** The option that `name` spells in a conf file, where dashes and underscores are the same. */
export function findOption(name: string): { name: OptionName; spec: OptionSpec } | undefined {
  const spelled = name.replaceAll('_', '-') as OptionName;
  const spec = options.get(spelled);
  return spec && { name: spelled, spec };
}

/** `max-lag-millis` as `maxLagMillis`. */
export function camelCase(name: string): keyof OptionValues {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof OptionValues;
}
