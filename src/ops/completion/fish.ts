import { commandWords } from '../ctl.ts';
import { type Completable, ctlCompletables, migrationCompletables, subcommands, valuesOf } from './parts.ts';

/** The script for fish: the file `~/.config/fish/completions/poltergeist.fish`. */
export function fishCompletion(): string {
  const migrating = 'not __fish_seen_subcommand_from ctl completion';
  const inCtl = '__fish_seen_subcommand_from ctl';
  const lines = [
    '# fish completion of poltergeist',
    'complete -c poltergeist -f',
    ...Object.entries(subcommands).map(
      ([name, text]) => `complete -c poltergeist -n __fish_use_subcommand -a ${name} -d ${quote(text)}`,
    ),
    "complete -c poltergeist -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'",
    ...migrationCompletables().map((option) => lineOf(option, migrating)),
    ...ctlCompletables().map((option) => lineOf(option, inCtl)),
    ...commandWords().map((word) => `complete -c poltergeist -n ${quote(inCtl)} -a ${quote(quote(word))}`),
  ];
  return `${lines.join('\n')}\n`;
}

function lineOf(option: Completable, condition: string): string {
  const { name, spec } = option;
  const values = valuesOf(option).join(' ');
  // A switch may have a value behind `=`, and never one in the next word.
  const must = spec.type === 'bool' ? '' : spec.type === 'path' ? ' -r -F' : ' -x';
  const argument = values === '' ? must : `${must} -a ${quote(values)}`;
  return `complete -c poltergeist -n ${quote(condition)} -l ${name}${argument} -d ${quote(spec.text)}`;
}

/** In single quotes fish knows two escapes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
