import type { Action } from './action.ts';
import { type Cursor, splitAtCommas } from './cursor.ts';
import { nameOf } from './identifier.ts';
import { isMark, isName, keywordOf, type Token } from './token.ts';

/**
 * Reads a column's definition to its end, the name being read already.
 * @returns the keys that it adds on its own, and whether the column counts by itself.
 */
export function readColumnDefinition(
  cursor: Cursor,
  column: string,
): { readonly keys: readonly Action[]; readonly autoIncrement: boolean } {
  const keys: Action[] = [];
  const unique = (primary: boolean): void => {
    keys.push({ kind: 'add-unique', name: undefined, primary, columns: [column] });
  };
  // SERIAL is BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE.
  const serial = cursor.sees('SERIAL');
  let autoIncrement = serial;
  if (serial) unique(false);
  while (!cursor.done) {
    if (cursor.parenthesised()) continue;
    if (cursor.skip('AUTO_INCREMENT')) autoIncrement = true;
    else if (cursor.skip('SERIAL', 'DEFAULT', 'VALUE')) {
      autoIncrement = true;
      unique(false);
    } else if (cursor.skip('UNIQUE')) {
      cursor.skip('KEY');
      unique(false);
    } else if (cursor.skip('PRIMARY', 'KEY') || cursor.skip('KEY')) unique(true);
    else if (cursor.skip('REFERENCES')) {
      keys.push({ kind: 'add-foreign-key', name: undefined, columns: [column], inline: true });
    } else cursor.take();
  }
  return { keys, autoIncrement };
}

/**
 * Reads a key or constraint, as it stands behind ADD or in a list of definitions.
 * @returns undefined, with nothing read, when it is not one and so must be a column.
 */
export function readKey(cursor: Cursor): Action | undefined {
  let name: string | undefined;
  const constraint = cursor.skip('CONSTRAINT');
  if (constraint) {
    cursor.skip('IF', 'NOT', 'EXISTS');
    if (!['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'].includes(cursor.keyword())) name = cursor.name();
  }
  if (cursor.skip('PRIMARY', 'KEY')) return uniqueKey(cursor, name, true);
  if (cursor.skip('UNIQUE')) {
    cursor.skipAny('INDEX', 'KEY');
    return uniqueKey(cursor, name, false);
  }
  if (cursor.skip('FOREIGN', 'KEY')) {
    const columns = readKeyName(cursor).columns;
    cursor.rest();
    return { kind: 'add-foreign-key', name, columns, inline: false };
  }
  if (cursor.skip('CHECK')) return { kind: 'add-check' };
  const vector = cursor.sees('VECTOR', 'INDEX') || cursor.sees('VECTOR', 'KEY');
  if (vector || cursor.skipAny('INDEX', 'KEY', 'FULLTEXT', 'SPATIAL')) return { kind: 'add-index' };
  if (cursor.sees('PERIOD', 'FOR')) return { kind: 'period', operation: 'ADD' };
  return constraint ? { kind: 'other' } : undefined;
}

function uniqueKey(cursor: Cursor, constraint: string | undefined, primary: boolean): Action {
  const { name, columns } = readKeyName(cursor);
  return { kind: 'add-unique', name: primary ? undefined : (name ?? constraint), primary, columns };
}

/** Reads `[IF NOT EXISTS] [name] [USING x] (parts)`. */
function readKeyName(cursor: Cursor): { readonly name: string | undefined; readonly columns: string[] } {
  cursor.skip('IF', 'NOT', 'EXISTS');
  let name: string | undefined;
  if (isName(cursor.peek()) && !cursor.sees('USING')) name = cursor.name();
  while (!cursor.done && !isMark(cursor.peek(), '(')) cursor.take();
  const columns: string[] = [];
  for (const part of splitAtCommas(cursor.parenthesised() ?? [])) {
    const first: Token | undefined = part[0];
    const withoutOverlaps = keywordOf(part[1]) === 'WITHOUT';
    if (isName(first) && !withoutOverlaps) columns.push(nameOf(first));
  }
  return { name, columns };
}
