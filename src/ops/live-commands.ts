import { UsageError } from '../base/errors.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { formatThresholds } from '../core/thresholds.ts';
import { type Command, status, throttleNote } from './command.ts';
import { readValue } from './option-value.ts';
import type { OptionSpec } from './options/spec.ts';
import { options } from './options.ts';

type LiveOption = OptionSpec & { readonly live: keyof LiveSettings };

/** Options whose command does more than set a value; see commands.ts. */
const withCommandOfTheirOwn = new Set<string>(['postpone-cut-over-flag-file']);

/** The commands `name=value` and `name=?` of the options that may change while a migration runs. */
export function liveCommands(): Command[] {
  const commands: Command[] = [];
  for (const [name, spec] of options)
    if (spec.live !== undefined && !withCommandOfTheirOwn.has(name))
      commands.push(liveCommand(name, spec as LiveOption));
  return commands;
}

const argumentOf = {
  ...{ bool: '=<bool>', int: '=<n>', float: '=<x>', string: '=<text>', path: '=<path>', list: '=<list>' },
  ...{ thresholds: '=<a=1,b=2>', choice: '=<word>' },
};

function liveCommand(name: string, spec: LiveOption): Command {
  const canBeEmpty = spec.type === 'list' || spec.type === 'thresholds' || spec.type === 'string';
  return {
    names: [name],
    argument: argumentOf[spec.type],
    text: `Set the ${name}, =? asks: ${spec.text}`,
    run: async (context, argument) => {
      const { settings, controls } = context;
      const inForce = (): string => shown(settings[spec.live], spec.live, controls.snapshot());
      if (argument === '?') return inForce();
      // An empty number is a slip of a script, not a wish; an empty list or text is how it is cleared.
      if (argument === '' && !canBeEmpty) throw new UsageError(`${name} needs a value`);
      const { value, note } = readValue(name, spec, argument);
      Object.assign(settings, { [spec.live]: value });
      if (spec.type === 'list') return status(context, inForce());
      if (spec.type === 'string') return status(context, throttleNote);
      return status(context, note && `# ${note}`);
    },
  };
}

/** A value as scripts read it. An adaptive size is the size in force: they expect a number. */
function shown(
  value: LiveSettings[keyof LiveSettings],
  setting: keyof LiveSettings,
  snapshot: Snapshot,
): string {
  if (value === null && (setting === 'chunkRows' || setting === 'batchKeys'))
    return String(snapshot[setting]);
  if (value instanceof Map) return formatThresholds(value);
  return Array.isArray(value) ? value.join(',') : String(value ?? '');
}
