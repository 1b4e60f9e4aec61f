import { UsageError } from '../base/errors.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type Command, status } from './command.ts';
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

function liveCommand(name: string, spec: LiveOption): Command {
  const isList = spec.type === 'list';
  return {
    names: [name],
    argument: isList ? '=<list>' : '=<n>',
    text: `Set the ${name}, =? asks: ${spec.text}`,
    run: async (context, argument) => {
      const { settings, controls } = context;
      const inForce = (): string => shown(settings[spec.live], spec.live, controls.snapshot());
      if (argument === '?') return inForce();
      // An empty number is a slip of a script, not a wish; an empty list is how a list is cleared.
      if (argument === '' && !isList) throw new UsageError(`${name} needs a value`);
      const { value, note } = readValue(name, spec, argument);
      Object.assign(settings, { [spec.live]: value });
      if (isList) return status(context, inForce());
      return status(context, note && `# ${note}`);
    },
  };
}

/** A value as scripts read it. An adaptive chunk size is the size in force: they expect a number. */
function shown(
  value: LiveSettings[keyof LiveSettings],
  setting: keyof LiveSettings,
  snapshot: Snapshot,
): string {
  if (value === null && setting === 'chunkRows') return String(snapshot.chunkRows);
  return Array.isArray(value) ? value.join(',') : String(value ?? '');
}
