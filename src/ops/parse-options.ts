import { UsageError } from '../base/errors.ts';
import { type ConfEntry, readConf } from './conf.ts';
import { checkOptions } from './option-rules.ts';
import { readValue } from './option-value.ts';
import { camelCase, findOption, type OptionName, type OptionValues, options } from './options.ts';
import { splitArguments } from './program.ts';

/**
 * Something about the options that the operator should read once: a value moved into its range, for example.
 */
interface OptionNote {
  readonly level: 'info' | 'warn';
  readonly text: string;
}

/** What a command line (and the conf file that it names) asks for. */
export interface ParsedOptions extends OptionValues {
  /** What to do: `--help`, `--version` and `--check-flag` go before a migration, in this order. */
  readonly action: 'migrate' | 'help' | 'version' | 'check';
  /** Options that were given, on the command line or in the conf file. */
  readonly given: ReadonlySet<OptionName>;
  /** The options that were given as they were written. Passwords are among them. */
  readonly texts: ReadonlyMap<OptionName, string>;
  /** What the conf file says of options that the command line decides. */
  readonly overruled: ReadonlyMap<OptionName, string>;
  readonly notes: readonly OptionNote[];
  /** Reads the same again; null where no conf file is named. @throws UsageError */
  readonly reread: (() => ParsedOptions) | null;
}

interface RawValue {
  readonly raw: string;
  readonly called: string;
}

type RawValues = ReadonlyMap<OptionName, RawValue>;

/**
 * Reads the command line, and the conf file if it names one; the command line goes first, then `[osc]`, then
 * `[client]`, then the default.
 * @param argv the arguments after the command's name.
 * @param env for `${NAME}` in the conf file.
 * @param command whose rules the options must obey.
 * @throws UsageError
 */
export function parseOptions(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  command: 'migrate' | 'cleanup' = 'migrate',
): ParsedOptions {
  const line = splitArguments(argv);
  // These look at nothing but the command line, so that they work wherever they are asked.
  if (isOn(line, 'help') || isOn(line, 'version') || isOn(line, 'check-flag'))
    return collect(commandLine(line), new Map());
  const file = line.get('conf');
  const parsed = collect(commandLine(line), file ? confValues(readConf(file, env)) : new Map());
  checkOptions(parsed, command);
  return file ? { ...parsed, reread: () => parseOptions(argv, env, command) } : parsed;
}

function isOn(line: Map<string, string>, name: string): boolean {
  const raw = line.get(name);
  return raw !== undefined && readValue(`--${name}`, options.get(name as OptionName)!, raw).value === true;
}

function commandLine(line: Map<string, string>): Map<OptionName, RawValue> {
  return new Map([...line].map(([name, raw]) => [name as OptionName, { raw, called: `--${name}` }]));
}

const clientNames = new Set(['user', 'password', 'host', 'port']);

/**
 * The values that a conf file gives to options: `[osc]` goes before `[client]`, later lines before earlier
 * ones.
 */
function confValues(entries: readonly ConfEntry[]): Map<OptionName, RawValue> {
  const client = new Map<OptionName, RawValue>();
  const osc = new Map<OptionName, RawValue>();
  for (const entry of entries) {
    const called = `${entry.file}:${entry.line}: ${entry.name}`;
    // [client] belongs to the clients of MySQL: what does not concern us there is not an error.
    if (entry.section === 'client' && clientNames.has(entry.name))
      client.set(entry.name as OptionName, { raw: entry.value ?? '', called });
    if (entry.section === 'osc') osc.set(oscName(entry, called), { raw: entry.value ?? 'true', called });
  }
  return new Map([...client, ...osc]);
}

function oscName(entry: ConfEntry, called: string): OptionName {
  const found = findOption(entry.name);
  if (found && !found.spec.commandLineOnly) return found.name;
  throw new UsageError(`${called} ${found ? 'can only be given on the command line' : 'is no option'}`);
}

function collect(line: RawValues, conf: RawValues): ParsedOptions {
  const raws: RawValues = new Map([...conf, ...line]);
  const values: Record<string, unknown> = {};
  const notes: OptionNote[] = [];
  for (const [name, spec] of options) {
    const given = raws.get(name);
    const read = given ? readValue(given.called, spec, given.raw) : { value: spec.default };
    values[camelCase(name)] = read.value;
    if (read.note) notes.push({ level: 'warn', text: read.note });
    if (given && spec.withoutEffect)
      notes.push({ level: 'info', text: `--${name} is accepted without effect: ${spec.withoutEffect}` });
  }
  const checked = values as unknown as OptionValues;
  const { help, version, checkFlag } = checked;
  const action = help ? 'help' : version ? 'version' : checkFlag ? 'check' : 'migrate';
  const texts = new Map([...raws].map(([name, { raw }]) => [name, raw]));
  const overruled = new Map(
    [...conf].filter(([name]) => line.has(name)).map(([name, { raw }]) => [name, raw]),
  );
  return { ...checked, action, given: new Set(raws.keys()), texts, overruled, notes, reread: null };
}
