import { type Logger, pino } from 'pino';
import { twoDigits } from './duration.ts';

/** Where lines go. Writing to the process's stderr is synchronous, so nothing is lost at exit. */
export interface LineSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** The log: pino's calls, `info('text')` or `info({ field }, 'text')`. */
export type Log = Logger;

/** How the log is written. */
export interface LogOptions {
  readonly verbose: boolean;
  readonly debug: boolean;
  readonly quiet: boolean;
  readonly logFormat: 'auto' | 'text' | 'json';
  /** Print stack traces of errors. */
  readonly stack?: boolean;
  /** Texts that must never be printed. */
  readonly secrets?: readonly string[];
}

const secretFields = ['password', '*.password', '*.*.password'];

// Short passwords are ordinary words: masking every "root" would spoil the log and give the password away.
const secretCharactersMin = 6;

/** The log of a run: pino's levels and calls, written as text in the shape of gh-ost's log, or as JSON. */
export function createLog(options: LogOptions, sink: LineSink, env: NodeJS.ProcessEnv = {}): Log {
  const secrets = (options.secrets ?? []).filter((secret) => secret.length >= secretCharactersMin);
  const colours = options.logFormat === 'auto' && sink.isTTY === true && !env.NO_COLOR;
  const asText = options.logFormat !== 'json';
  const write = (line: string): void => {
    const text = asText ? logLine(JSON.parse(line) as LogRecord, colours, options.stack === true) : line;
    sink.write(withoutSecrets(text, secrets, asText));
  };
  return pino(
    {
      level: options.quiet ? 'error' : options.debug ? 'debug' : options.verbose ? 'info' : 'warn',
      base: null,
      redact: { paths: secretFields, censor: '***' },
      formatters: asText ? {} : { level: (label) => ({ level: label }) },
      timestamp: asText ? pino.stdTimeFunctions.epochTime : pino.stdTimeFunctions.isoTime,
    },
    { write },
  );
}

interface LogRecord {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly hint?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
  readonly [field: string]: unknown;
}

const levels: Readonly<Record<number, { readonly word: string; readonly colour: number }>> = {
  10: { word: 'DEBUG', colour: 90 },
  20: { word: 'DEBUG', colour: 90 },
  30: { word: 'INFO', colour: 32 },
  40: { word: 'WARNING', colour: 33 },
  50: { word: 'ERROR', colour: 31 },
  60: { word: 'FATAL', colour: 31 },
};

/**
 * One record as `YYYY-MM-DD hh:mm:ss LEVEL message field=value`; a hint and a stack have lines of their own.
 */
function logLine(record: LogRecord, colours: boolean, stacks: boolean): string {
  const { level, time, msg, hint, err, ...fields } = record;
  const { word, colour } = levels[level] ?? levels[30]!;
  const parts = [localTime(time), colours ? `\u001b[${colour}m${word}\u001b[0m` : word];
  const text = msg ?? err?.message;
  if (text) parts.push(text);
  for (const [name, value] of Object.entries(fields)) parts.push(`${name}=${fieldText(value)}`);
  const untold = untoldOf(err?.message ?? '', text ?? '');
  if (untold) parts.push(`error=${fieldText(untold)}`);
  const lines = [parts.join(' ')];
  if (hint) lines.push(`hint: ${hint}`);
  if (stacks && err?.stack) lines.push(err.stack);
  return `${lines.join('\n')}\n`;
}

/** What an error says that the text does not. pino appends the causes of an error to its message. */
function untoldOf(message: string, text: string): string {
  const rest = message.startsWith(text) ? message.slice(text.length).replace(/^: /, '') : message;
  return text.includes(rest) ? '' : rest;
}

function fieldText(value: unknown): string {
  // Durations are measured to the nanosecond, and nobody wants to read that.
  if (typeof value === 'number') return String(Number(value.toFixed(3)));
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function localTime(wallMs: number): string {
  const at = new Date(wallMs);
  const day = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')}`;
}

function withoutSecrets(text: string, secrets: readonly string[], asText: boolean): string {
  let clean = text;
  for (const secret of secrets) {
    // In JSON the secret appears escaped; as a field value of the text form it does, too.
    const escaped = JSON.stringify(secret).slice(1, -1);
    clean = clean.replaceAll(escaped, '***');
    if (asText && escaped !== secret) clean = clean.replaceAll(secret, '***');
  }
  return clean;
}
