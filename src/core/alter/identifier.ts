import type { Token } from './token.ts';

/** The name that a word or quoted identifier stands for: without its quotes, doubled ones halved. */
export function nameOf(token: Token): string {
  if (token.kind !== 'identifier') return token.text;
  const quote = token.text.slice(0, 1);
  return token.text.slice(1, -1).replaceAll(quote + quote, quote);
}

/**
 * A name in the form in which the server compares names of columns: case folded character by character. A whole
 * string's toLowerCase would not do, since it looks at the context (the final sigma).
 */
export function foldName(name: string): string {
  let folded = '';
  for (const character of name) folded += character.toLowerCase();
  return folded;
}

/** Whether the server takes two column names for the same. */
export function sameName(one: string, other: string): boolean {
  return foldName(one) === foldName(other);
}
