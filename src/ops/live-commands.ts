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

/**
 * The commands `name=value` and `name=?` of the options that may change while a migration runs.
 * @param answer makes the status that a change is answered with.
 */
export function liveCommands(
  answer: (context: CommandContext, before?: string) => Promise<string>,
): Command[] {
  const commands: Command[] = [];
  for (const [name, spec] of options)
    if (spec.live !== undefined && !withCommandOfTheirOwn.has(name))
      commands.push(liveCommand(name, spec as LiveOption));
  return commands;
}

function liveCommand(name: string, spec: LiveOption): Command {
  return {
    names: [name],
    argument: `=<${spec.type === 'list' ? 'list' : 'n'}>`,
    text: `Set ${spec.text.replace(/ \(gh-ost.*\)$/, '')}; =? asks`,
    run: async (context, argument) => {
      const { settings, controls } = context;
      if (argument === '?') return shown(settings[spec.live], spec.live, controls.snapshot());
      // An empty number is a slip of a script, not a wish; an empty list is how a list is cleared.
      const { value, note } = readValue(
        name,
        spec,
        argument === '' && spec.type !== 'list' ? '""' : argument,
      );
      Object.assign(settings, { [spec.live]: value });
      const before =
        spec.type === 'list'
          ? shown(settings[spec.live], spec.live, controls.snapshot())
          : note && `# ${note}`;
      return status(context, before ?? '');
    },
  };
}

/** A value as scripts read it. An adaptive chunk size answers with the size in force: they expect a number. */
function shown(
  value: LiveSettings[keyof LiveSettings],
  setting: keyof LiveSettings,
  snapshot: Snapshot,
): string {
  if (value === null && setting === 'chunkRows') return String(snapshot.chunkRows);
  return Array.isArray(value) ? value.join(',') : String(value ?? '');
}
