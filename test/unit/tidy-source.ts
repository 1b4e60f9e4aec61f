/**
 * A scanner that knows just enough TypeScript to tell code from comments, strings and regular expressions,
 * and to find where functions begin and end. It reads our own formatted sources; it is not a parser.
 */
export interface Source {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the contents of strings and regular expressions blanked. Same length. */
  readonly code: string;
  /** The text with comments blanked. */
  readonly uncommented: string;
  /** The comments, everything else blanked. */
  readonly comments: string;
}

/** A function with a body in braces. */
export interface FoundFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

type Kind = 'code' | 'comment' | 'literal';

/** Words after which a slash begins a regular expression. */
const beforeRegex =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|throw|await))\s*$/;

export function readSource(path: string, text: string): Source {
  const kinds = classify(text);
  const keep = (...wanted: Kind[]): string => {
    let result = '';
    for (let at = 0; at < text.length; at++)
      result += text[at] === '\n' || wanted.includes(kinds[at]!) ? text[at] : ' ';
    return result;
  };
  return { path, text, code: keep('code'), uncommented: keep('code', 'literal'), comments: keep('comment') };
}

function classify(text: string): Kind[] {
  const kinds: Kind[] = new Array(text.length);
  // One entry a template literal that we are inside of: the number of braces open in its current ${..}.
  const templates: number[] = [];
  let code = '';
  let at = 0;
  const take = (end: number, kind: Kind): void => {
    for (; at < end; at++) kinds[at] = kind;
  };
  const template = (): void => {
    const end = endOf(text, at, /`|\$\{/g);
    take(end, 'literal');
    if (text[end - 1] === '{') templates.push(0);
    code = '';
  };
  while (at < text.length) {
    const char = text[at]!;
    const next = text[at + 1];
    if (char === '/' && next === '/')
      take(text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at), 'comment');
    else if (char === '/' && next === '*') take(text.indexOf('*/', at) + 2, 'comment');
    else if (char === '"' || char === "'") literal(char === '"' ? /"/g : /'/g);
    else if (char === '/' && beforeRegex.test(code)) literal(/\/[a-z]*/g, true);
    else if (char === '`') {
      at += 1;
      kinds[at - 1] = 'literal';
      template();
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      kinds[at++] = 'literal';
      template();
    } else {
      if (char === '{' && templates.length > 0) templates[templates.length - 1]! += 1;
      if (char === '}' && templates.length > 0) templates[templates.length - 1]! -= 1;
      code = (code + char).slice(-40);
      kinds[at++] = 'code';
    }
  }
  return kinds;

  function literal(close: RegExp, classes = false): void {
    const end = endOf(text, at + 1, close, classes);
    take(end, 'literal');
    // A literal is a value: a slash after it divides.
    code = ')';
  }
}

/**
 * The index after the first match of `close` that is not escaped (or, in a regular expression, in a class).
 */
function endOf(text: string, from: number, close: RegExp, classes = false): number {
  let inClass = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (classes && text[at] === '[') inClass = true;
    else if (classes && text[at] === ']') inClass = false;
    else if (!inClass) {
      close.lastIndex = at;
      const match = close.exec(text);
      if (match === null) return text.length;
      if (match.index === at) return at + match[0].length;
    }
  }
  return text.length;
}

/** All functions and methods with a body in braces, in the order of their end. */
export function functionsOf({ code }: Source): FoundFunction[] {
  const found: FoundFunction[] = [];
  const open: number[] = [];
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '{') open.push(at);
    if (code[at] !== '}') continue;
    const start = open.pop();
    const name = start === undefined ? null : functionName(code, start);
    if (start === undefined || name === null) continue;
    const line = lineAt(code, start);
    found.push({ name, line, lines: lineAt(code, at) - line + 1 });
  }
  return found;
}

/** The line of an index, from 1. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

const notFunctions = new Set(['if', 'for', 'while', 'switch', 'catch', 'with']);

/** The name of the function whose body opens at `brace`; null when it is another block. */
function functionName(code: string, brace: number): string | null {
  if (/=>\s*$/.test(code.slice(Math.max(0, brace - 40), brace))) return '=>';
  const close = endOfParameters(code, brace);
  if (close === null) return null;
  const before = code.slice(0, matching(code, close)).replace(/<[^<>()]*>\s*$/, '');
  const name = /([\w$#]+)\s*$/.exec(before.slice(-80))?.[1] ?? '(anonymous)';
  return notFunctions.has(name) ? null : name;
}

/**
 * The index of the `)` that ends the parameters before a body, over a return type; null when there is none.
 */
function endOfParameters(code: string, brace: number): number | null {
  for (let at = brace - 1; at >= 0; at--) {
    const char = code[at]!;
    if (char === ')') {
      const between = code.slice(at + 1, brace).trim();
      if (between === ':') return null;
      if (between === '' || between.startsWith(':')) return at;
      at = matching(code, at);
    } else if (char === '>' && code[at - 1] === '=') at -= 1;
    else if (char === '>' || char === '}' || char === ']') {
      // A brace that a word follows ends a block, not a type.
      if (char === '}' && /^\s*[\w#@]/.test(code.slice(at + 1, at + 2000))) return null;
      at = matching(code, at);
    } else if (';{,=([<'.includes(char)) return null;
  }
  return null;
}

const pairs: Readonly<Record<string, string>> = { ')': '(', '}': '{', ']': '[', '>': '<' };

/** The index of the bracket that the one at `close` closes. */
function matching(code: string, close: number): number {
  const shut = code[close]!;
  const opener = pairs[shut]!;
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (shut === '>' && code[at] === '>' && code[at - 1] === '=') continue;
    if (code[at] === shut) depth += 1;
    if (code[at] === opener && --depth === 0) return at;
  }
  return 0;
}
