/**
 * word         a keyword or a bare identifier
 * identifier   a quoted one: backticks, or double quotes under ANSI_QUOTES
 * string       with its introducer when that is attached (`n'..'`, `x'..'`, `_utf8mb4'..'`)
 * code-open    the start of an executable comment, with its version (`/*!80023`, `/*M!100100`)
 * code-close   its end
 */
export type TokenKind =
  | 'word'
  | 'identifier'
  | 'string'
  | 'number'
  | 'punctuation'
  | 'space'
  | 'comment'
  | 'code-open'
  | 'code-close';

/** A piece of ALTER text. The texts of all tokens, put together, are the input. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Where it starts in the input, in UTF-16 units from 0. */
  readonly start: number;
  /** Whether it lies inside an executable comment. */
  readonly inCode: boolean;
}

const SILENT: ReadonlySet<TokenKind> = new Set(['space', 'comment', 'code-open', 'code-close']);

/** Whether the server's grammar sees the token at all. */
export function isSignificant(token: Token): boolean {
  return !SILENT.has(token.kind);
}

/** Whether the token can be a name. */
export function isName(token: Token | undefined): token is Token {
  return token !== undefined && (token.kind === 'word' || token.kind === 'identifier');
}

/** The keyword that an unquoted word spells, in upper case; an empty string for every other token. */
export function keywordOf(token: Token | undefined): string {
  if (token?.kind !== 'word') return '';
  // Only ASCII: some other letters turn into ASCII ones when their case is changed.
  return /^[\w$]+$/.test(token.text) ? token.text.toUpperCase() : '';
}

/** Whether the token is this punctuation character. */
export function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === 'punctuation' && token.text === mark;
}
