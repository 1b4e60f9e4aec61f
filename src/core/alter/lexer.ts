import { UsageError } from '../../base/errors.ts';
import type { Token, TokenKind } from './token.ts';

/** What decides how text reads: the session's sql_mode and, for executable comments, the server. */
export interface LexOptions {
  readonly ansiQuotes?: boolean | undefined;
  readonly noBackslashEscapes?: boolean | undefined;
  /**
   * Without it every executable comment is code. With it those that this server skips are comments.
   * `version` in the server's own numbering: 80036 is MySQL 8.0.36, 101106 is MariaDB 10.11.6.
   */
  readonly server?: { readonly mariadb: boolean; readonly version: number } | undefined;
}

type Scanned = readonly [kind: TokenKind, end: number];

const SPACE = /[ \t\n\v\f\r]+/y;
const WORD = /[0-9A-Za-z$_\u0080-\uffff]+/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const WHOLE_NUMBER = /^(?:\d+(?:[eE]\d+)?|0x[0-9a-fA-F]+|0b[01]+)$/;
const CODE_OPEN = /\/\*(M?)!(\d{5,6})?/y;
const LINE_COMMENT = /(?:#|--(?=[\0- \x7f]|$))[^\n]*/y;

/**
 * Cuts ALTER text into tokens, losslessly.
 * @throws UsageError when a quote or a comment is not closed; the message says where it was opened.
 */
export function lex(text: string, options: LexOptions = {}): readonly Token[] {
  const tokens: Token[] = [];
  const opened: number[] = [];
  let at = 0;
  while (at < text.length) {
    const [kind, end] = scan(text, at, options, opened.length > 0, tokens);
    if (kind === 'code-close') opened.pop();
    const inCode = opened.length > 0 && kind !== 'code-close';
    if (kind === 'code-open') opened.push(at);
    tokens.push({ kind, text: text.slice(at, end), start: at, inCode });
    at = end;
  }
  const open = opened.at(-1);
  if (open !== undefined) throw unclosed(text, open, 'comment');
  return tokens;
}

function scan(
  text: string,
  at: number,
  options: LexOptions,
  inCode: boolean,
  before: readonly Token[],
): Scanned {
  if (inCode && text.startsWith('*/', at)) return ['code-close', at + 2];
  const space = match(SPACE, text, at);
  if (space > at) return ['space', space];
  const line = match(LINE_COMMENT, text, at);
  if (line > at) return ['comment', line];
  if (text.startsWith('/*', at)) return scanBlock(text, at, options);
  const character = text.charAt(at);
  if (character === '`') return ['identifier', quotedEnd(text, at, at, false)];
  if (character === "'" || character === '"') {
    if (character === '"' && options.ansiQuotes) return ['identifier', quotedEnd(text, at, at, false)];
    return ['string', quotedEnd(text, at, at, !options.noBackslashEscapes)];
  }
  return scanBare(text, at, options, before);
}

/** Words and numbers; what is neither is punctuation, one character a token. */
function scanBare(text: string, at: number, options: LexOptions, before: readonly Token[]): Scanned {
  const last = before.at(-1);
  const character = text.charAt(at);
  if (character === '.') {
    const afterName = last?.kind === 'word' || last?.kind === 'identifier';
    const end = afterName ? at : match(NUMBER, text, at);
    return end > at ? ['number', end] : ['punctuation', at + 1];
  }
  const end = match(WORD, text, at);
  if (end === at) return ['punctuation', at + 1];
  const word = text.slice(at, end);
  if (/^\d/.test(word) && last?.text !== '.') {
    if (/^\d+[eE]?$/.test(word)) {
      const numberEnd = match(NUMBER, text, at);
      if (numberEnd >= end) return ['number', numberEnd];
    }
    // A name may begin with digits: `1st` and `0xyz` are words.
    return [WHOLE_NUMBER.test(word) ? 'number' : 'word', end];
  }
  return scanIntroduced(text, at, end, options) ?? ['word', end];
}

/** A string behind an introducer that is attached to it. */
function scanIntroduced(text: string, at: number, end: number, options: LexOptions): Scanned | undefined {
  const word = text.slice(at, end);
  const quote = text.charAt(end);
  if (quote === "'" && /^[xXbB]$/.test(word)) return ['string', quotedEnd(text, at, end, false)];
  const isText = quote === "'" || (quote === '"' && !options.ansiQuotes && word.startsWith('_'));
  if (!isText || !/^(?:[nN]|_\w+)$/.test(word)) return undefined;
  return ['string', quotedEnd(text, at, end, !options.noBackslashEscapes)];
}

function scanBlock(text: string, at: number, options: LexOptions): Scanned {
  CODE_OPEN.lastIndex = at;
  const open = CODE_OPEN.exec(text);
  if (open && executes(open[1] === 'M', Number(open[2] ?? 0), options.server)) {
    return ['code-open', CODE_OPEN.lastIndex];
  }
  let from = at + 2;
  for (;;) {
    const end = text.indexOf('*/', from);
    if (end < 0) throw unclosed(text, at, 'comment');
    // A versioned comment that the server skips may hold plain comments.
    const nested = open ? text.indexOf('/*', from) : -1;
    if (nested < 0 || nested > end) return ['comment', end + 2];
    const nestedEnd = text.indexOf('*/', nested + 2);
    if (nestedEnd < 0) throw unclosed(text, nested, 'comment');
    from = nestedEnd + 2;
  }
}

function executes(forMariadb: boolean, version: number, server: LexOptions['server']): boolean {
  if (server === undefined) return true;
  if (forMariadb && !server.mariadb) return false;
  // MariaDB skips what is meant for MySQL 5.7 and later, since these versions went another way.
  if (server.mariadb && !forMariadb && version >= 50700 && version <= 99999) return false;
  return version <= server.version;
}

/** The end of what is quoted from `quoteAt` on; `tokenAt` is where its introducer starts. */
function quotedEnd(text: string, tokenAt: number, quoteAt: number, escapes: boolean): number {
  const quote = text.charAt(quoteAt);
  for (let i = quoteAt + 1; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (escapes && character === '\\') i += 1;
    else if (character === quote) {
      if (text.charAt(i + 1) !== quote) return i + 1;
      i += 1;
    }
  }
  throw unclosed(text, tokenAt, `quote ${quote}`);
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function unclosed(text: string, at: number, what: string): UsageError {
  const lines = text.slice(0, at).split('\n');
  const column = (lines.at(-1)?.length ?? 0) + 1;
  return new UsageError(`The ALTER has a ${what} that is opened at line ${lines.length}, column ${column}, \
and never closed: ${JSON.stringify(text.slice(at, at + 30))}`);
}
