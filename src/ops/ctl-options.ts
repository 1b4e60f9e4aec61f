import { UsageError } from '../base/errors.ts';
import { readValue } from './option-value.ts';
import { ctlOptions } from './options/ctl.ts';
import type { OptionSpec } from './options/spec.ts';
import { defaultSocketFile } from './socket-file.ts';

/** Whom to ask, and what. */
export interface CtlRequest {
  readonly place: { readonly path: string } | { readonly host: string; readonly port: number };
  /** Sent before the command, where the run demands one. */
  readonly token: string | null;
  readonly timeoutMs: number;
  /** The line to send; null: a prompt. */
  readonly line: string | null;
}

const specs: ReadonlyMap<string, OptionSpec> = new Map(Object.entries(ctlOptions));

/**
 * Reads the arguments of `poltergeist ctl`: options, then the command: `status`, `chunk-size=500` or `chunk-size 500`.
 * @returns null when help is asked for.
 * @throws UsageError
 */
export function parseCtl(argv: readonly string[], env: NodeJS.ProcessEnv): CtlRequest | null {
  const { values, words } = split(argv);
  if (values.get('help') === true) return null;
  const given = (name: keyof typeof ctlOptions): string | null => (values.get(name) as string | null) ?? null;
  return {
    place: placeOf(given('socket'), given('tcp'), given('database'), given('table')),
    token: given('token') ?? env.POLTERGEIST_TOKEN ?? null,
    timeoutMs: (values.get('timeout-seconds') as number) * 1000,
    line: words.length === 0 ? null : commandLine(words),
  };
}

function split(argv: readonly string[]): { values: Map<string, unknown>; words: readonly string[] } {
  const values = new Map<string, unknown>([...specs].map(([name, spec]) => [name, spec.default]));
  let at = 0;
  for (; at < argv.length; at++) {
    const [, spelled, , text] = /^--?([^=-][^=]*)(=(.*))?$/s.exec(argv[at]!) ?? [];
    if (spelled === undefined) break;
    const name = spelled === 'h' ? 'help' : spelled;
    const spec = specs.get(name);
    if (!spec)
      throw new UsageError(`ctl: unknown option --${name}`, {
        hint: `Options of ctl go before the command: ${[...specs.keys()].map((each) => `--${each}`).join(', ')}.`,
      });
    const raw = text ?? (spec.type === 'bool' ? 'true' : argv[++at]);
    if (raw === undefined) throw new UsageError(`--${name} needs a value`);
    values.set(name, readValue(`--${name}`, spec, raw).value);
  }
  return { values, words: argv.slice(at) };
}

/** Two words are a name and its argument, since a shell splits at spaces what a person means as one. */
function commandLine(words: readonly string[]): string {
  const [name = '', argument = ''] = words;
  const isPair = words.length === 2 && !name.includes('=') && !argument.startsWith('--');
  const line = isPair ? `${name}=${argument}` : words.join(' ');
  if (line.includes('\n')) throw new UsageError('ctl: a command is one line');
  return line;
}

function placeOf(
  socket: string | null,
  tcp: string | null,
  schema: string | null,
  table: string | null,
): CtlRequest['place'] {
  if (socket !== null && tcp !== null) throw new UsageError('ctl: --socket and --tcp exclude each other');
  if (socket !== null) return { path: socket };
  if (tcp !== null) {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(tcp) ?? [];
    const host = bracketed ?? plain;
    if (host !== undefined) return { host, port: Number(port) };
    throw new UsageError(`--tcp is host:port, not "${tcp}"`);
  }
  if (schema !== null && table !== null) return { path: defaultSocketFile(schema, table) };
  throw new UsageError('ctl: which run? Give --socket, --tcp, or --database and --table');
}
