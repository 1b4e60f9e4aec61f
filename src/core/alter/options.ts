import type { Action } from './action.ts';
import type { Cursor } from './cursor.ts';
import { nameOf } from './identifier.ts';

/**
 * Reads what is not a verb: ALGORITHM and LOCK, which are clauses of their own, or table options, of which one
 * clause can hold several without commas.
 */
export function readOptions(cursor: Cursor): readonly Action[] {
  if (cursor.skip('ALGORITHM')) return [{ kind: 'algorithm', value: readValue(cursor).toUpperCase() }];
  if (cursor.skip('LOCK')) return [{ kind: 'lock', value: readValue(cursor).toUpperCase() }];
  const actions: Action[] = [];
  while (!cursor.done) {
    if (cursor.parenthesised()) continue;
    if (cursor.skip('ENGINE')) actions.push({ kind: 'engine', value: readValue(cursor) });
    else if (cursor.skip('AUTO_INCREMENT')) {
      const digits = /^(?:0x[0-9a-fA-F]+|\d+)/.exec(readValue(cursor))?.[0];
      if (digits !== undefined) actions.push({ kind: 'auto-increment', value: BigInt(digits) });
    } else cursor.take();
  }
  return actions.length > 0 ? actions : [{ kind: 'other' }];
}

/** Reads `[=] value`. Quotes of an identifier or a simple string are taken off. */
function readValue(cursor: Cursor): string {
  cursor.skipMark('=');
  const token = cursor.take();
  if (!token) return '';
  return token.kind === 'string' ? token.text.slice(1, -1) : nameOf(token);
}
