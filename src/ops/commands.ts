import { messageOf, UsageError } from '../base/errors.ts';
import { type Command, type CommandContext, status, throttleNote } from './command.ts';
import { type CommandLine, readCommand } from './command-text.ts';
import { cpuProfile } from './cpu-profile.ts';
import { createFlagFile } from './flag-files.ts';
import { liveCommands } from './live-commands.ts';
import { statusLine } from './status.ts';
import { statusJson } from './status-json.ts';

const notPostponing =
  'You may only invoke this when gh-ost is actively postponing migration. At this time it is not';

const looks: readonly Command[] = [
  { names: ['help'], argument: '', text: 'Show this', run: async () => help() },
  {
    names: ['status', 'info'],
    argument: '[=json]',
    text: 'Print a detailed status; with =json or --json all that is known, for programs',
    run: async (context, argument) =>
      argument === 'json' ? statusJson(context.controls.snapshot(), await context.facts()) : status(context),
  },
  {
    names: ['sup'],
    argument: '',
    text: 'Print a short status',
    run: async ({ controls, print }) => {
      const line = statusLine(controls.snapshot());
      print(line);
      return line;
    },
  },
  {
    names: ['coordinates'],
    argument: '',
    text: 'Print how far the change stream has been read',
    run: async ({ controls }, argument) => {
      if (argument !== '' && argument !== '?') throw new UsageError('coordinates are read-only');
      return controls.snapshot().coordinates;
    },
  },
  {
    names: ['applier'],
    argument: '',
    text: 'Print the server that is written to',
    run: async ({ controls }) => {
      const { applierHost, applierVersion } = controls.snapshot();
      return `Host: ${applierHost}, Version: ${applierVersion}`;
    },
  },
  {
    names: ['inspector'],
    argument: '',
    text: 'Print the server that is inspected and streamed from',
    run: async ({ controls }) => {
      const { inspectedHost, inspectedVersion } = controls.snapshot();
      return `Host: ${inspectedHost}, Version: ${inspectedVersion}`;
    },
  },
];

const acts: readonly Command[] = [
  {
    names: ['throttle', 'pause', 'suspend'],
    argument: '[=<table>]',
    text: 'Rest until no-throttle',
    run: (context, table) => {
      checkTable(context, table);
      context.controls.throttle();
      return status(context, throttleNote);
    },
  },
  {
    names: ['no-throttle', 'unthrottle', 'resume', 'continue'],
    argument: '[=<table>]',
    text: 'End a throttle by command (other reasons to rest stay in force)',
    run: (context, table) => {
      checkTable(context, table);
      context.controls.unthrottle();
      return status(context);
    },
  },
  {
    names: ['postpone-cut-over-flag-file'],
    argument: '=<path>',
    text: 'Put the cut-over off while this file exists; the file is created',
    run: async (context, path) => {
      if (path === '?') return context.settings.postponeFlagFile ?? '';
      if (path === '') throw new UsageError('postpone-cut-over-flag-file: a path is needed');
      await createFlagFile(path);
      context.settings.postponeFlagFile = path;
      return status(context, 'Postponed');
    },
  },
  {
    names: ['unpostpone', 'no-postpone', 'cut-over'],
    argument: '[=<table>]',
    text: 'End the postponement: cut over as soon as possible',
    run: async (context, table) => {
      checkNamed('unpostpone', table, context.named.cutOver, '--force-named-cut-over');
      checkTable(context, table);
      if (context.controls.unpostpone()) return status(context, 'Unpostponed');
      throw new UsageError(notPostponing);
    },
  },
  {
    names: ['panic'],
    argument: '[=<table>]',
    text: 'Abandon the migration at once, without cleaning up',
    run: async (context, table) => {
      checkNamed('panic', table, context.named.panic, '--force-named-panic');
      checkTable(context, table);
      const reason = "the operator commanded 'panic': the migration is abandoned without cleaning up";
      context.controls.panic(reason);
      return reason;
    },
  },
  {
    names: ['cpu-profile'],
    argument: '[=30s,gzip]',
    text: 'Watch what this process does and answer with a V8 profile (.cpuprofile); gzip: compressed, in base64',
    run: ({ clock, over }, argument) => cpuProfile(argument, clock, over),
  },
  {
    names: ['replication-lag-query'],
    argument: '=<sql>',
    text: 'Deprecated',
    run: async () => {
      throw new UsageError('replication-lag-query is deprecated: the lag is read from the heartbeat');
    },
  },
];

/** All commands, in the order of `help`. */
export const commands: readonly Command[] = [...looks, ...liveCommands(), ...acts];

const byName = new Map(commands.flatMap((command) => command.names.map((name) => [name, command] as const)));

/**
 * What is sent back for a line, without its last line break; what went wrong is an answer, too. Never throws.
 *
 * gh-ost's protocol does not tell whether a command was obeyed. For `@command` the answer has a line `ok` or `error` before
 * it: what `poltergeist ctl` sends, for its exit code.
 * @param allow may object to a command, known or not, by throwing.
 */
export async function respond(
  line: string,
  context: CommandContext,
  allow: (command: CommandLine) => Promise<void> = async () => undefined,
): Promise<string> {
  const [, told, plain = ''] = /^\s*(@?)(.*)$/s.exec(line) ?? [];
  const { ok, text } = await answer(readCommand(plain), context, allow);
  return told ? `${ok ? 'ok' : 'error'}\n${text}` : text;
}

interface Answer {
  readonly ok: boolean;
  readonly text: string;
}

async function answer(
  line: CommandLine,
  context: CommandContext,
  allow: (command: CommandLine) => Promise<void>,
): Promise<Answer> {
  try {
    await allow(line);
    const command = byName.get(line.name);
    if (!command) return { ok: false, text: `unknown command: ${line.name}` };
    return { ok: true, text: await command.run(context, line.argument) };
  } catch (error) {
    return { ok: false, text: messageOf(error) };
  }
}

function help(): string {
  const width = Math.max(...commands.map((command) => usage(command).length)) + 2;
  const lines = commands.map((command) => `${usage(command).padEnd(width)}# ${explain(command)}`);
  return ['available commands:', ...lines].join('\n');
}

function usage({ names, argument }: Command): string {
  return `${names[0]}${argument}`;
}

function explain({ names, text }: Command): string {
  const aliases = names.slice(1);
  return aliases.length === 0 ? text : `${text}; also: ${aliases.join(', ')}`;
}

/** A script that talks to the wrong socket must not stop the wrong migration. */
function checkTable({ controls }: CommandContext, table: string): void {
  const { name } = controls.snapshot().original;
  if (table !== '' && table !== name)
    throw new UsageError(`the command names table ${table}, but this is the migration of ${name}: ignored`);
}

/** Who has many migrations to look after may ask that the table is always named. */
function checkNamed(command: string, table: string, named: boolean, flag: string): void {
  if (named && table === '')
    throw new UsageError(`User commanded '${command}' without specifying table name, but ${flag} is set`);
}
