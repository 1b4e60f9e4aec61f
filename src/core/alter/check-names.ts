import { quoteName } from '../quote.ts';
import { nameOf, sameName } from './identifier.ts';
import { lex } from './lexer.ts';
import { readStatement } from './statement.ts';
import { isName, keywordOf, type Token } from './token.ts';

/**
 * The clauses of an ALTER for a table whose CHECK constraints have other names: `DROP` and `ALTER`, `CHECK` and `CONSTRAINT`.
 * @param text clauses, as `Alter.text`.
 * @param renamed the names there, by those in the text.
 */
export function withCheckNames(text: string, renamed: ReadonlyMap<string, string>): string {
  const tokens = lex(text, {});
  const replaced = new Map<Token, string>();
  for (const { tokens: clause } of readStatement(tokens).pieces) {
    const [verb, what, name] = clause;
    if (!/^(DROP|ALTER)$/.test(keywordOf(verb)) || !/^(CHECK|CONSTRAINT)$/.test(keywordOf(what))) continue;
    if (!isName(name)) continue;
    const there = [...renamed].find(([before]) => sameName(before, nameOf(name)));
    if (there) replaced.set(name, quoteName(there[1]));
  }
  return tokens.map((token) => replaced.get(token) ?? token.text).join('');
}
