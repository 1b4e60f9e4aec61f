import { Refusal } from '../base/errors.ts';
import { lex } from './alter/lexer.ts';
import { isMark, isSignificant, keywordOf, type Token } from './alter/token.ts';
import { lengthOf, NAME_CHARACTERS_MAX, quoteTable } from './quote.ts';
import type { TableRef } from './table-ref.ts';

/** What the operator says about triggers. */
export interface TriggerOptions {
  /** `--trigger-suffix`. */
  readonly suffix: string;
  /** `--remove-trigger-suffix-if-exists`: a name that ends in the suffix loses it instead. */
  readonly removeSuffix: boolean;
}

/**
 * The name of a trigger's copy: names of triggers are unique in a schema, and the original's stay with the old table.
 * @throws Refusal `trigger-name` when it would be longer than a name can be, or empty.
 */
export function newTriggerName(name: string, { suffix, removeSuffix }: TriggerOptions): string {
  const now = removeSuffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name + suffix;
  if (now !== '' && lengthOf(now) <= NAME_CHARACTERS_MAX) return now;
  const what = now === '' ? 'empty' : `longer than ${NAME_CHARACTERS_MAX} characters`;
  throw new Refusal(
    'trigger-name',
    `the trigger '${name}' would get a name that is ${what}: '${now}'. Nothing was touched.`,
    {
      hint: 'Choose another --trigger-suffix.',
    },
  );
}

/**
 * A CREATE TRIGGER as the server shows it, for another name and another table. FOLLOWS and PRECEDES are left out: triggers
 * are made in the order in which they fire.
 * @param sqlMode under which the trigger was made: it decides what a quote is.
 * @throws Refusal `trigger-text` when the statement is not understood.
 */
export function retargetTrigger(sql: string, sqlMode: string, trigger: TableRef, table: TableRef): string {
  const modes = sqlMode.split(',');
  const noBackslashEscapes = modes.includes('NO_BACKSLASH_ESCAPES');
  const tokens = lex(sql, { ansiQuotes: modes.includes('ANSI_QUOTES'), noBackslashEscapes }).filter(
    isSignificant,
  );
  const find = (word: string, from: number): number => {
    const at = tokens.findIndex((token, i) => i >= from && keywordOf(token) === word);
    if (at < 0) throw notUnderstood(sql, word);
    return at;
  };
  const nameAt = skipIfNotExists(tokens, find('TRIGGER', 0) + 1);
  const afterName = nameEnd(tokens, nameAt);
  const tableAt = find('ON', afterName) + 1;
  const afterTable = nameEnd(tokens, tableAt);
  const eachRow = ['FOR', 'EACH', 'ROW'].every((word, i) => keywordOf(tokens[afterTable + i]) === word);
  const body = afterTable + 3;
  const ordered = ['FOLLOWS', 'PRECEDES'].includes(keywordOf(tokens[body]));
  const rest = tokens[ordered ? nameEnd(tokens, body + 1) : body];
  const [name, between, to] = [tokens[nameAt], tokens[afterName], tokens[tableAt]];
  if (!eachRow || !rest || !name || !between || !to) throw notUnderstood(sql, 'FOR EACH ROW');
  const head = sql.slice(0, name.start) + quoteTable(trigger);
  return `${head} ${sql.slice(between.start, to.start)}${quoteTable(table)} FOR EACH ROW ${sql.slice(rest.start)}`;
}

function skipIfNotExists(tokens: readonly Token[], at: number): number {
  return keywordOf(tokens[at]) === 'IF' && keywordOf(tokens[at + 2]) === 'EXISTS' ? at + 3 : at;
}

/** Behind `name` or `schema.name`. */
function nameEnd(tokens: readonly Token[], at: number): number {
  return isMark(tokens[at + 1], '.') ? at + 3 : at + 1;
}

function notUnderstood(sql: string, what: string): Refusal {
  return new Refusal('trigger-text', `a trigger is not understood (no ${what} in it): ${sql.slice(0, 200)}`, {
    hint: 'The original table is untouched. Drop the trigger, migrate, and create it again on the new table.',
  });
}
