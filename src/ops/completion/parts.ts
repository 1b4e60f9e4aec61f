import { ctlOptions } from '../options/ctl.ts';
import type { OptionSpec } from '../options/spec.ts';
import { options } from '../options.ts';

/** What can be completed: an option with its name. */
export interface Completable {
  readonly name: string;
  readonly spec: OptionSpec;
}

/** The words that can stand first, with what they do. */
export const subcommands: Readonly<Record<string, string>> = {
  ctl: 'talk to a running migration',
  cleanup: 'remove what a dead run has left',
  completion: 'print a completion script for bash, zsh or fish',
};

/** The options of a migration, without those that only scripts of gh-ost give. */
export function migrationCompletables(): Completable[] {
  return [...options]
    .filter(([, spec]) => spec.withoutEffect === undefined)
    .map(([name, spec]) => ({ name, spec }));
}

/** The options of `ctl`. */
export function ctlCompletables(): Completable[] {
  return Object.entries(ctlOptions as Readonly<Record<string, OptionSpec>>).map(([name, spec]) => ({
    name,
    spec,
  }));
}

/** The values that an option may have, where they are few. */
export function valuesOf({ spec }: Completable): readonly string[] {
  if (spec.type === 'choice') return spec.choices;
  return spec.type === 'bool' ? ['true', 'false'] : [];
}
