import { commandWords } from '../ctl.ts';
import { type Completable, ctlCompletables, migrationCompletables, subcommands, valuesOf } from './parts.ts';

/** The script for bash 3.2 and later, which needs no package beside it. */
export function bashCompletion(): string {
  const migration = migrationCompletables();
  const own = ctlCompletables();
  const words = Object.keys(subcommands).join(' ');
  return `# bash completion of poltergeist: source <(poltergeist completion bash)
_poltergeist_words() {
  COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_poltergeist() {
  local IFS=$' \\t\\n'
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" option= equals=
  COMPREPLY=()
  # "=" is a word of its own here.
  if [[ $cur == = ]]; then option="$prev" cur= equals=1
  elif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then option="\${COMP_WORDS[COMP_CWORD-2]}" equals=1
  elif [[ $prev == -* ]]; then option="$prev"
  fi
  case "\${option/#--/-}" in
${caseOf(pathsOf([...migration, ...own]), `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return`)}
${[...choiceCases([...migration, ...own])].join('\n')}
${caseOf(namesOf(migration, 'bool'), `if [[ -n $equals ]]; then _poltergeist_words 'true false' "$cur"; return; fi`)}
${caseOf(othersOf([...migration, ...own]), 'return')}
  esac
  case "\${COMP_WORDS[1]}" in
    ctl)
      if [[ $cur == -* ]]; then _poltergeist_words '${flagsOf(own)}' "$cur"
      else
        compopt -o nospace 2>/dev/null
        _poltergeist_words '${commandWords()
          .filter((word) => !word.includes(' '))
          .join(' ')}' "$cur"
      fi ;;
    completion) _poltergeist_words 'bash zsh fish' "$cur" ;;
    *)
      if [[ $cur == -* ]]; then _poltergeist_words '${flagsOf(migration)}' "$cur"
      elif [[ $COMP_CWORD -eq 1 ]]; then _poltergeist_words '${words}' "$cur"
      fi ;;
  esac
}

complete -F _poltergeist poltergeist
`;
}

function flagsOf(options: readonly Completable[]): string {
  return options.map(({ name }) => `--${name}`).join(' ');
}

function namesOf(options: readonly Completable[], type: string): string[] {
  return options.filter(({ spec }) => spec.type === type).map(({ name }) => name);
}

function pathsOf(options: readonly Completable[]): string[] {
  return namesOf(options, 'path');
}

/** Options whose value cannot be guessed. */
function othersOf(options: readonly Completable[]): string[] {
  return options
    .filter((each) => each.spec.type !== 'path' && valuesOf(each).length === 0)
    .map(({ name }) => name);
}

function choiceCases(options: readonly Completable[]): string[] {
  return options
    .filter(({ spec }) => spec.type === 'choice')
    .map((each) => caseOf([each.name], `_poltergeist_words '${valuesOf(each).join(' ')}' "$cur"; return`));
}

function caseOf(names: readonly string[], action: string): string {
  return `    ${[...new Set(names)].map((name) => `-${name}`).join('|')}) ${action} ;;`;
}
