import { nameOf } from './identifier.ts';
import { isMark, isName, keywordOf, type Token } from './token.ts';

/** Reads a list of significant tokens from left to right. Never throws: at the end there are no more tokens. */
export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** How many tokens have been read. */
  get count(): number {
    return this.#at;
  }

  /** The token `ahead` places on, unread. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** The keyword `ahead` places on, in upper case; empty when there is none. */
  keyword(ahead = 0): string {
    return keywordOf(this.peek(ahead));
  }

  /** Reads one token. */
  take(): Token | undefined {
    const token = this.peek();
    if (token) this.#at += 1;
    return token;
  }

  /** Whether the next tokens are these keywords. */
  sees(...keywords: readonly string[]): boolean {
    return keywords.every((keyword, i) => this.keyword(i) === keyword);
  }

  /** Reads these keywords if they come next, and says whether they did. */
  skip(...keywords: readonly string[]): boolean {
    if (!this.sees(...keywords)) return false;
    this.#at += keywords.length;
    return true;
  }

  /** Reads one of these keywords if it comes next, and returns it. */
  skipAny(...keywords: readonly string[]): string | undefined {
    const keyword = keywords.find((one) => this.sees(one));
    if (keyword) this.#at += 1;
    return keyword;
  }

  /** Reads this punctuation if it comes next, and says whether it did. */
  skipMark(mark: string): boolean {
    if (!isMark(this.peek(), mark)) return false;
    this.#at += 1;
    return true;
  }

  /** Reads a name that may be qualified (`a`, `t.a`, `db.t.a`, `.a`): its parts, or undefined when there is none. */
  qualifiedName(): readonly string[] | undefined {
    const parts: string[] = [];
    if (isMark(this.peek(), '.') && isName(this.peek(1))) this.#at += 1;
    while (isName(this.peek())) {
      parts.push(nameOf(this.take()!));
      if (!(isMark(this.peek(), '.') && isName(this.peek(1)))) break;
      this.#at += 1;
    }
    return parts.length > 0 ? parts : undefined;
  }

  /** Reads a name and returns its last part. */
  name(): string | undefined {
    return this.qualifiedName()?.at(-1);
  }

  /** Reads `(..)` if it comes next: the tokens between, or undefined. */
  parenthesised(): readonly Token[] | undefined {
    if (!isMark(this.peek(), '(')) return undefined;
    const from = this.#at + 1;
    let depth = 0;
    while (!this.done) {
      const token = this.take();
      if (isMark(token, '(')) depth += 1;
      if (isMark(token, ')')) depth -= 1;
      if (depth === 0) return this.#tokens.slice(from, this.#at - 1);
    }
    return this.#tokens.slice(from);
  }

  /** Reads all that is left. */
  rest(): readonly Token[] {
    const rest = this.#tokens.slice(this.#at);
    this.#at = this.#tokens.length;
    return rest;
  }
}

/** Cuts tokens at the commas outside parentheses. */
export function splitAtCommas(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    if (depth <= 0 && isMark(token, ',')) pieces.push([]);
    else pieces.at(-1)!.push(token);
  }
  return pieces;
}
