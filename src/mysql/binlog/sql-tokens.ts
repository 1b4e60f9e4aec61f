/** A token of SQL text. Strings and numbers are `other`, as is what ends within a quote. */
export interface SqlToken {
  /** `word` is unquoted: a keyword or a name. `quoted` is a quoted name. */
  readonly kind: 'word' | 'quoted' | 'dot' | 'comma' | 'other';
  /** The name without quotes; the character of punctuation; empty for strings and numbers. */
  readonly text: string;
}

/** What of sql_mode changes how text is read. */
export interface QuotingMode {
  /** `"` quotes names (ANSI_QUOTES). */
  readonly ansiQuotes: boolean;
  /** A backslash in a string is a character like others (NO_BACKSLASH_ESCAPES). */
  readonly noBackslash: boolean;
}

const WORD_START = /[A-Za-z_$\u0080-\u{10ffff}]/u;
const WORD = /[A-Za-z0-9_$\u0080-\u{10ffff}]+/uy;
const SPACE = /\s+/y;
const EXECUTABLE_COMMENT = /\/\*M?!\d*/y;

/**
 * The tokens of a statement, comments left out; what is in executable comments (`/*!50001 .. *\/`, `/*M! .. *\/`) is code,
 * because some server ran it. The text is one of which every character is a byte, or real text: names come as they are.
 */
export function* sqlTokens(sql: string, mode: QuotingMode): Generator<SqlToken> {
  let o = 0;
  while (o < sql.length) {
    const c = sql[o]!;
    const spaceEnd = matchEnd(SPACE, sql, o);
    const commentEnd = spaceEnd > o ? spaceEnd : skipComment(sql, o);
    if (commentEnd > o) {
      o = commentEnd;
    } else if (c === '`' || c === '"' || c === "'") {
      const isName = c === '`' || (c === '"' && mode.ansiQuotes);
      const end = quotedEnd(sql, o, c, !isName && !mode.noBackslash);
      const text = isName ? sql.slice(o + 1, end - 1).replaceAll(c + c, c) : '';
      yield { kind: isName ? 'quoted' : 'other', text };
      o = end;
    } else if (WORD_START.test(c) || /\d/.test(c)) {
      const end = matchEnd(WORD, sql, o);
      // A name may begin with a digit; a number is never the name of a table unless it is quoted.
      yield { kind: 'word', text: sql.slice(o, end) };
      o = end;
    } else {
      yield { kind: c === '.' ? 'dot' : c === ',' ? 'comma' : 'other', text: c };
      o++;
    }
  }
}

function matchEnd(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : start;
}

/** @returns the end of the comment (or of the marks around an executable one) at `o`; `o` when there is none. */
function skipComment(sql: string, o: number): number {
  const two = sql.slice(o, o + 2);
  if (two === '*/') return o + 2;
  if (two === '/*') {
    const executable = matchEnd(EXECUTABLE_COMMENT, sql, o);
    if (executable > o) return executable;
    const end = sql.indexOf('*/', o + 2);
    return end < 0 ? sql.length : end + 2;
  }
  const isLine = two[0] === '#' || (two === '--' && (o + 2 >= sql.length || /\s/.test(sql[o + 2]!)));
  if (!isLine) return o;
  const end = sql.indexOf('\n', o);
  return end < 0 ? sql.length : end + 1;
}

/** @returns the offset behind the closing quote. A doubled quote stands for itself. */
function quotedEnd(sql: string, start: number, quote: string, backslash: boolean): number {
  for (let o = start + 1; o < sql.length; o++) {
    const c = sql[o];
    if (c === '\\' && backslash) o++;
    else if (c === quote) {
      if (sql[o + 1] !== quote) return o + 1;
      o++;
    }
  }
  return sql.length + 1;
}
