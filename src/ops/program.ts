import { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../base/errors.ts';
import type { OptionSpec } from './options/spec.ts';
import { optionGroups, options } from './options.ts';

const description = `Changes the schema of a live MySQL or MariaDB table, without triggers and without
stopping its writers.

  poltergeist --host replica --database shop --table orders --alter "ADD COLUMN note TEXT" --execute

  poltergeist ... --resume --execute      goes on where a run of the same command stopped
  poltergeist ctl --database shop --table orders status
                                          talks to a running migration; without a command it is a prompt
  poltergeist completion bash             prints a completion script: bash, zsh or fish
  poltergeist cleanup --database shop --table orders --execute
                                          removes what a dead run has left; without --execute it lists it

An option may be spelled with one dash or two, as --name=value or --name value; a switch is turned off
by --name=false; of an option that is given twice the last one counts.`;

/** The texts of `--help`. */
export function helpText(): string {
  return command().helpInformation();
}

/**
 * Splits a command line into names and texts of values, as Go's flag package would; a switch without a value
 * is `true`. The last value of a repeated option wins.
 * @throws UsageError for what is not an option, with the nearest name.
 */
export function splitArguments(argv: readonly string[]): Map<string, string> {
  const program = command();
  try {
    program.parse(canonical(argv), { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? usageError(error) : error;
  }
  const given = new Map<string, string>();
  for (const option of program.options) {
    const key = option.attributeName();
    if (program.getOptionValueSource(key) === 'cli')
      given.set(option.name(), program.getOptionValue(key) as string);
  }
  return given;
}

function command(): Command {
  const program = new Command('poltergeist');
  program
    .description(description)
    .usage('[cleanup | ctl | completion] [options]')
    .helpOption(false)
    .exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  program.configureHelp({ helpWidth: 110 });
  for (const [title, group] of Object.entries(optionGroups))
    for (const [name, spec] of Object.entries(group as Record<string, OptionSpec>))
      program.addOption(declared(name, spec).helpGroup(`${title}:`));
  // A switch is declared like any option, since canonical() always gives it a value; only help leaves it out.
  const help = program.createHelp();
  program.configureHelp({
    helpWidth: 110,
    optionTerm: (option) => {
      const spec = options.get(option.name() as never);
      return spec?.type === 'bool' ? `--${option.name()}` : help.optionTerm(option);
    },
  });
  return program;
}

function declared(name: string, spec: OptionSpec): Option {
  const option = new Option(`--${name} ${placeholders[spec.type]}`, explainOption(spec));
  const join = (value: string, before: string | undefined) =>
    before === undefined ? value : `${before},${value}`;
  return spec.repeatable ? option.argParser(join) : option;
}

const placeholders = {
  bool: '<bool>',
  int: '<n>',
  float: '<x>',
  string: '<text>',
  path: '<path>',
  list: '<a,b>',
  thresholds: '<a=1,b=2>',
  choice: '<word>',
};

/** How an option is listed: `--name <n>`; a switch without a value. */
export function optionTerm(name: string, spec: OptionSpec): string {
  return spec.type === 'bool' ? `--${name}` : `--${name} ${placeholders[spec.type]}`;
}

/** The text of an option with its values, range and default. */
export function explainOption(spec: OptionSpec): string {
  const facts: string[] = [];
  if (spec.type === 'choice') facts.push(spec.choices.join(' | '));
  if (spec.type === 'int' || spec.type === 'float') facts.push(`${spec.range.min}..${spec.range.max}`);
  const byDefault = spec.default;
  if (spec.type !== 'bool' && byDefault !== null && byDefault !== '' && typeof byDefault !== 'object')
    facts.push(`default ${byDefault}`);
  if (byDefault === true) facts.push('default on; =false turns it off');
  if (spec.live) facts.push('can be changed while running');
  const text = spec.withoutEffect ? `${spec.text} (${spec.withoutEffect})` : spec.text;
  return facts.length === 0 ? text : `${text} [${facts.join('; ')}]`;
}

/** Writes every argument as `--name=value`, so that what looks like a flag can be a value. */
function canonical(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (argument === '--' && at === argv.length - 1) break;
    const [, spelled, equals] = /^--?([^=-][^=]*)(=?)/s.exec(argument) ?? [];
    if (spelled === undefined) throw unexpected(argument, argv[at - 1]);
    const name = spelled === 'h' ? 'help' : spelled;
    const spec = options.get(name as never);
    // What is unknown is left to commander, which names the nearest option; the rest is not read any more.
    if (spec === undefined) return [`--${name}`];
    if (equals === '=') words.push(`--${name}=${argument.slice(argument.indexOf('=') + 1)}`);
    else if (spec.type === 'bool') words.push(`--${name}=true`);
    else {
      at += 1;
      if (at >= argv.length) throw new UsageError(`--${name} needs a value`);
      words.push(`--${name}=${argv[at]}`);
    }
  }
  return words;
}

function unexpected(argument: string, before: string | undefined): UsageError {
  const flag = before?.replace(/^--?/, '');
  const isSwitch = flag !== undefined && options.get(flag as never)?.type === 'bool';
  const hint = isSwitch ? `A switch takes its value after "=": --${flag}=${argument}` : undefined;
  return new UsageError(`unexpected argument "${argument}"`, hint === undefined ? {} : { hint });
}

function usageError(error: CommanderError): UsageError {
  const [first = '', suggestion] = error.message.split('\n');
  const nearest = suggestion?.replace(/^\(|\)$/g, '');
  return new UsageError(first.replace(/^error: /, ''), { hint: nearest ?? 'See --help for all options.' });
}
