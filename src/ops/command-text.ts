/** A line sent to the control socket: `name`, `name=?` or `name=argument`. */
export interface CommandLine {
  readonly name: string;
  /** Empty where there is none. */
  readonly argument: string;
}

/** Splits a line at its first `=`; the argument may be quoted as a Go string. `status --json` is `status=json`. */
export function readCommand(line: string): CommandLine {
  const [, command, flag] = /^\s*([\w-]+)\s+--(\w+)\s*$/.exec(line) ?? [];
  if (command !== undefined) return { name: command, argument: flag! };
  const equals = line.indexOf('=');
  if (equals < 0) return { name: line.trim(), argument: '' };
  return { name: line.slice(0, equals).trim(), argument: unquote(line.slice(equals + 1).trim()) };
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

const escapeSequence = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv\\"]))/g;

/** A Go string literal in double quotes or backquotes as the text it means; anything else as it is. */
function unquote(text: string): string {
  if (/^`[^`]*`$/s.test(text)) return text.slice(1, -1).replaceAll('\r', '');
  if (!/^"(?:[^"\\\n]|\\.)*"$/.test(text)) return text;
  const inner = text.slice(1, -1);
  if (inner.replace(escapeSequence, '').includes('\\')) return text;
  const decoded = inner.replace(
    escapeSequence,
    (whole, hex, four, eight, octal, letter: string | undefined) => {
      if (letter !== undefined) return simpleEscapes[letter]!;
      if (octal !== undefined) return codePoint(parseInt(octal, 8), whole);
      return codePoint(parseInt(hex ?? four ?? eight, 16), whole);
    },
  );
  return decoded;
}

function codePoint(code: number, otherwise: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}
