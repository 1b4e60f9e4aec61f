import { UsageError } from '../base/errors.ts';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';

const shells = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/**
 * `poltergeist completion <shell>`: a script for the shell to load, printed from the options table.
 * @param argv what comes after `completion`.
 * @throws UsageError when it is no shell that we know.
 */
export function completion(argv: readonly string[]): string {
  const [shell = '', ...more] = argv;
  const script = more.length === 0 ? shells.get(shell) : undefined;
  if (script !== undefined) return script();
  throw new UsageError(`completion is for one of ${[...shells.keys()].join(', ')}`, {
    hint: [
      'bash, in ~/.bashrc: source <(poltergeist completion bash).',
      'zsh: into a file _poltergeist in $fpath.',
      'fish: into ~/.config/fish/completions/poltergeist.fish.',
    ].join(' '),
  });
}
