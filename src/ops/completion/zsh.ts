import { commandWords } from '../ctl.ts';
import { type Completable, ctlCompletables, migrationCompletables, subcommands, valuesOf } from './parts.ts';

/** The script for zsh: a file `_poltergeist` in a folder of `$fpath`, or sourced. */
export function zshCompletion(): string {
  const words = Object.entries(subcommands).map(([name, text]) => quote(`${name}:${text}`));
  return `#compdef poltergeist
_poltergeist() {
  if [[ \${words[2]} == ctl && CURRENT -gt 2 ]]; then
    _arguments -S \\
${argumentsOf(ctlCompletables())}
      '*:command:(${commandWords()
        .map((word) => word.replace(/ /g, '\\ '))
        .join(' ')})'
    return
  fi
  if [[ \${words[2]} == completion && CURRENT -gt 2 ]]; then
    _values shell bash zsh fish
    return
  fi
  if [[ CURRENT -eq 2 && \${words[2]} != -* ]]; then
    local -a subcommands
    subcommands=(${words.join(' ')})
    _describe command subcommands
    return
  fi
  _arguments -S \\
${argumentsOf(migrationCompletables())}
      '1::command:'
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then _poltergeist "$@"; else compdef _poltergeist poltergeist; fi
`;
}

function argumentsOf(options: readonly Completable[]): string {
  return options.map((option) => `      ${quote(specOf(option))} \\`).join('\n');
}

/** As `_arguments` wants it: `--name=[text]:message:action`; a switch takes its value only after "=". */
function specOf(option: Completable): string {
  const { name, spec } = option;
  const text = spec.text.replace(/[[\]\\:]/g, '\\$&');
  const values = valuesOf(option);
  if (spec.type === 'bool') return `--${name}=-[${text}]::value:(true false)`;
  const action = spec.type === 'path' ? '_files' : values.length > 0 ? `(${values.join(' ')})` : '';
  return `--${name}=[${text}]:value:${action}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
