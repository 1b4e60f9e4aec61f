import { nameOf } from './alter/identifier.ts';
import { lex } from './alter/lexer.ts';
import { isMark, isSignificant, keywordOf } from './alter/token.ts';

/** One key of a table as SHOW CREATE TABLE prints it: `KEY `k` (`a` DESC) COMMENT 'x'`. */
export interface KeyText {
  /** Null for the primary key. */
  readonly name: string | null;
  readonly unique: boolean;
  readonly kind: 'BTREE' | 'FULLTEXT' | 'SPATIAL' | 'OTHER';
  /** Exactly as printed; `ADD` before it makes it a clause of ALTER TABLE. */
  readonly text: string;
}

/** What stands in the brackets of CREATE TABLE, and around them. */
interface Parts {
  readonly head: string;
  readonly items: readonly string[];
  readonly tail: string;
}

/** Cuts SHOW CREATE TABLE at the commas of its outermost brackets; texts are kept as they are. */
function partsOf(createSql: string): Parts {
  let depth = 0;
  let from = 0;
  let head = '';
  const items: string[] = [];
  for (const token of lex(createSql)) {
    if (isMark(token, '(')) {
      depth += 1;
      if (depth > 1) continue;
      from = token.start + 1;
      head = createSql.slice(0, from);
    } else if (isMark(token, ')')) {
      depth -= 1;
      if (depth > 0) continue;
      items.push(createSql.slice(from, token.start).trim());
      return { head, items, tail: createSql.slice(token.start) };
    } else if (depth === 1 && isMark(token, ',')) {
      items.push(createSql.slice(from, token.start).trim());
      from = token.start + 1;
    }
  }
  return { head, items, tail: '' };
}

/** The key that an item defines; null where it is a column or a constraint. */
function keyOf(item: string): KeyText | null {
  const tokens = lex(item).filter(isSignificant);
  const words = tokens.slice(0, 3).map(keywordOf);
  const at = words.indexOf('KEY');
  const [first = ''] = words;
  // A column's name is printed in quotes, so it is no keyword.
  if (at < 0 || at > 1) return null;
  if (first === 'PRIMARY') return { name: null, unique: true, kind: 'BTREE', text: item };
  const token = tokens[at + 1];
  if (token === undefined) return null;
  const known = at === 0 || ['UNIQUE', 'FULLTEXT', 'SPATIAL'].includes(first);
  const special = first === 'FULLTEXT' || first === 'SPATIAL' ? first : null;
  const strange =
    !known || (special === null && tokens.some((each) => /^(HASH|OVERLAPS)$/.test(keywordOf(each))));
  return {
    name: nameOf(token),
    unique: first === 'UNIQUE',
    kind: special ?? (strange ? 'OTHER' : 'BTREE'),
    text: item,
  };
}

/** The keys of a table in the order in which SHOW CREATE TABLE prints them, the primary one included. */
export function keyTexts(createSql: string): readonly KeyText[] {
  return partsOf(createSql).items.flatMap((item) => keyOf(item) ?? []);
}

/** SHOW CREATE TABLE without some keys, for comparisons: line breaks are not the server's. */
export function withoutKeys(createSql: string, names: ReadonlySet<string>): string {
  const { head, items, tail } = partsOf(createSql);
  const kept = items.filter((item) => {
    const name = keyOf(item)?.name;
    return name === undefined || name === null || !names.has(name);
  });
  return `${head}\n${kept.join(',\n')}\n${tail}`;
}
