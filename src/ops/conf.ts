import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';

/** One `name = value` of a conf file. */
export interface ConfEntry {
  readonly section: string;
  readonly name: string;
  /** Null where the line has no `=`. */
  readonly value: string | null;
  readonly file: string;
  readonly line: number;
}

const limits = { files: 100, depth: 10, bytes: 1 << 20 };

/**
 * Reads a file in the style of my.cnf, with all that it includes, in the order of its lines.
 *
 * As MySQL reads it: sections in brackets, `name`, `name = value`, comments that start with `#` or `;`,
 * values in single or double quotes, the escapes \b \t \n \r \\ \s \" \', `!include FILE`, `!includedir DIR`
 * (*.cnf of it, by name). In one point otherwise: MySQL cuts an unquoted value at any `#`, so that the
 * password p#w is silently p; here `#` starts a comment only after white space. Relative includes are
 * relative to their file. A value that is `${NAME}` as a whole is taken from the environment.
 *
 * @throws UsageError that names file and line.
 */
export function readConf(file: string, env: NodeJS.ProcessEnv): ConfEntry[] {
  const entries: ConfEntry[] = [];
  let filesRead = 0;
  const read = (path: string, depth: number, from: string): void => {
    filesRead += 1;
    if (depth > limits.depth || filesRead > limits.files)
      throw new UsageError(
        `${from}: includes more than ${limits.files} files, or deeper than ${limits.depth}`,
      );
    const lines = readText(path, from).split(/\r?\n/);
    let section = '';
    for (const [index, line] of lines.entries()) {
      const where = `${path}:${index + 1}`;
      const parsed = parseLine(line.trim(), where);
      if (parsed.kind === 'section') section = parsed.name;
      else if (parsed.kind === 'include')
        for (const next of includedFiles(parsed, path, where)) read(next, depth + 1, where);
      else if (parsed.kind === 'entry') {
        if (section === '') throw new UsageError(`${where}: "${parsed.name}" stands before any [section]`);
        const value = parsed.value === null ? null : fromEnvironment(parsed.value, env, where);
        entries.push({ section, name: parsed.name, value, file: path, line: index + 1 });
      }
    }
  };
  read(resolve(file), 0, '--conf');
  return entries;
}

type Line =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'section'; readonly name: string }
  | { readonly kind: 'include'; readonly directory: boolean; readonly path: string }
  | { readonly kind: 'entry'; readonly name: string; readonly value: string | null };

function parseLine(line: string, where: string): Line {
  if (line === '' || line.startsWith('#') || line.startsWith(';')) return { kind: 'nothing' };
  if (line.startsWith('!')) {
    const include = /^!(include|includedir)\s+(\S.*)$/.exec(line);
    if (!include) throw new UsageError(`${where}: only !include FILE and !includedir DIR may start with "!"`);
    return { kind: 'include', directory: include[1] === 'includedir', path: include[2]! };
  }
  if (line.startsWith('[')) {
    const section = /^\[([^\]]+)\]\s*([#;].*)?$/.exec(line);
    if (!section) throw new UsageError(`${where}: this [section] does not end with "]"`);
    return { kind: 'section', name: section[1]!.trim().toLowerCase() };
  }
  const equals = line.indexOf('=');
  const name = (equals < 0 ? withoutComment(line) : line.slice(0, equals)).trim();
  if (!/^[\w-]+$/.test(name)) throw new UsageError(`${where}: neither "name = value" nor a [section]`);
  if (equals < 0) return { kind: 'entry', name, value: null };
  // The white space after "=" is kept for the search, so that a comment may follow it at once.
  return { kind: 'entry', name, value: parseValue(withoutComment(line.slice(equals + 1)).trim(), where) };
}

/**
 * Cuts a comment off: `#` after white space and outside of quotes, which count where a value starts with one.
 */
function withoutComment(text: string): string {
  const start = text.length - text.trimStart().length;
  const quote = text[start];
  let from = start;
  if (quote === '"' || quote === "'") {
    let end = start + 1;
    while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
    from = Math.min(end, text.length);
  }
  for (let at = from; at < text.length; at++)
    if (text[at] === '#' && (at === 0 || /\s/.test(text[at - 1]!))) return text.slice(0, at);
  return text;
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  r: '\r',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function parseValue(raw: string, where: string): string {
  let text = raw;
  const quote = raw[0];
  if (quote === '"' || quote === "'") {
    if (raw.length < 2 || !raw.endsWith(quote))
      throw new UsageError(`${where}: the quote ${quote} is not closed`);
    text = raw.slice(1, -1);
  }
  return text.replace(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
}

function fromEnvironment(value: string, env: NodeJS.ProcessEnv, where: string): string {
  const name = /^\$\{(\w+)\}$/.exec(value)?.[1];
  if (name === undefined) return value;
  const found = env[name];
  if (found === undefined) throw new UsageError(`${where}: the environment has no variable ${name}`);
  return found;
}

function includedFiles(include: { directory: boolean; path: string }, from: string, where: string): string[] {
  const path = resolve(dirname(from), include.path);
  if (!include.directory) return [path];
  try {
    const names = readdirSync(path).filter((name) => name.endsWith('.cnf'));
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    throw new UsageError(`${where}: ${messageOf(error)}`, { cause: error });
  }
}

function readText(path: string, from: string): string {
  try {
    // Anything but a plain file (a fifo, a device) could block or never end.
    const { size } = statSync(path);
    if (size > limits.bytes) throw new UsageError(`${path} is larger than ${limits.bytes} bytes`);
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${from}: ${messageOf(error)}`, { cause: error });
  }
}
