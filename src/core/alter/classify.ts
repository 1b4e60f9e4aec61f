import type { Action } from './action.ts';
import { readColumnDefinition, readKey } from './column-definition.ts';
import { Cursor, splitAtCommas } from './cursor.ts';
import { sameName } from './identifier.ts';
import { readOptions } from './options.ts';
import { partitionOperationAt } from './partition.ts';
import type { Token } from './token.ts';

type Reader = (cursor: Cursor) => readonly Action[];

const READERS: Readonly<Record<string, Reader>> = Object.assign(Object.create(null), {
  ADD: readAdd,
  ALTER: readAlter,
  CHANGE: readChange,
  CONVERT: () => [{ kind: 'convert-charset' }],
  DISCARD: () => [{ kind: 'tablespace', operation: 'DISCARD' }],
  DROP: readDrop,
  FORCE: () => [{ kind: 'force' }],
  IMPORT: () => [{ kind: 'tablespace', operation: 'IMPORT' }],
  MODIFY: readModify,
  ORDER: () => [{ kind: 'order-by' }],
  RENAME: readRename,
} satisfies Record<string, Reader>);

/** What a clause does, from its significant tokens. A clause that makes no sense to us is `other`. */
export function classify(tokens: readonly Token[]): readonly Action[] {
  const cursor = new Cursor(tokens);
  const operation = partitionOperationAt(cursor);
  if (operation) return [{ kind: 'partition', operation }];
  const reader = READERS[cursor.keyword()];
  if (!reader) return readOptions(cursor);
  cursor.take();
  const actions = reader(cursor);
  return actions.length > 0 ? actions : [{ kind: 'other' }];
}

function readAdd(cursor: Cursor): readonly Action[] {
  if (cursor.sees('SYSTEM', 'VERSIONING')) return [{ kind: 'system-versioning', operation: 'ADD' }];
  const key = readKey(cursor);
  if (key) return [key];
  cursor.skip('COLUMN');
  cursor.skip('IF', 'NOT', 'EXISTS');
  const list = cursor.parenthesised();
  if (!list) return readNewColumn(cursor);
  return splitAtCommas(list).flatMap((piece) => {
    const element = new Cursor(piece);
    const elementKey = readKey(element);
    return elementKey ? [elementKey] : readNewColumn(element);
  });
}

function readNewColumn(cursor: Cursor): readonly Action[] {
  const name = cursor.name();
  if (name === undefined) return [];
  const { keys, autoIncrement } = readColumnDefinition(cursor, name);
  return [{ kind: 'add-column', name, autoIncrement }, ...keys];
}

function readModify(cursor: Cursor): readonly Action[] {
  cursor.skip('COLUMN');
  cursor.skip('IF', 'EXISTS');
  const name = cursor.name();
  if (name === undefined) return [];
  return [{ kind: 'modify-column', name }, ...readColumnDefinition(cursor, name).keys];
}

function readChange(cursor: Cursor): readonly Action[] {
  cursor.skip('COLUMN');
  cursor.skip('IF', 'EXISTS');
  const from = cursor.name();
  const to = cursor.name();
  if (from === undefined || to === undefined) return [];
  const change: Action =
    from === to ? { kind: 'modify-column', name: from } : { kind: 'rename-column', from, to };
  return [change, ...readColumnDefinition(cursor, to).keys];
}

function readRename(cursor: Cursor): readonly Action[] {
  if (cursor.skipAny('INDEX', 'KEY')) return [{ kind: 'rename-index' }];
  if (cursor.skip('COLUMN')) {
    cursor.skip('IF', 'EXISTS');
    const from = cursor.name();
    cursor.skip('TO');
    const to = cursor.name();
    return from === undefined || to === undefined ? [] : [{ kind: 'rename-column', from, to }];
  }
  if (!cursor.skipAny('TO', 'AS')) cursor.skipMark('=');
  const parts = cursor.qualifiedName() ?? [];
  return [{ kind: 'rename-table', schema: parts.at(-2), name: parts.at(-1) ?? '' }];
}

function readDrop(cursor: Cursor): readonly Action[] {
  if (cursor.skip('PRIMARY', 'KEY')) return [{ kind: 'drop-primary-key' }];
  if (cursor.sees('SYSTEM', 'VERSIONING')) return [{ kind: 'system-versioning', operation: 'DROP' }];
  if (cursor.sees('PERIOD', 'FOR')) return [{ kind: 'period', operation: 'DROP' }];
  const kind = dropped(cursor);
  cursor.skip('IF', 'EXISTS');
  const name = cursor.name();
  return name === undefined ? [] : [{ kind, name }];
}

function dropped(
  cursor: Cursor,
): 'drop-index' | 'drop-foreign-key' | 'drop-check' | 'drop-constraint' | 'drop-column' {
  if (cursor.skipAny('INDEX', 'KEY')) return 'drop-index';
  if (cursor.skip('FOREIGN', 'KEY')) return 'drop-foreign-key';
  if (cursor.skip('CHECK')) return 'drop-check';
  if (cursor.skip('CONSTRAINT')) return 'drop-constraint';
  cursor.skip('COLUMN');
  return 'drop-column';
}

/** ALTER inside an ALTER TABLE: of a column's default or visibility, of an index, of a constraint. */
function readAlter(cursor: Cursor): readonly Action[] {
  if (cursor.sees('INDEX') || cursor.sees('KEY')) return [{ kind: 'alter-index' }];
  if (cursor.sees('CHECK') || cursor.sees('CONSTRAINT')) return [{ kind: 'alter-constraint' }];
  cursor.skip('COLUMN');
  cursor.skip('IF', 'EXISTS');
  const name = cursor.name();
  return name === undefined ? [] : [{ kind: 'alter-column', name }];
}

/**
 * DROP CONSTRAINT does not say what it drops; where the name is one of the original's foreign keys, it is that.
 * @param foreignKeys the names of the original's own foreign keys.
 */
export function resolveConstraint(action: Action, foreignKeys: readonly string[]): Action {
  if (action.kind !== 'drop-constraint') return action;
  const isForeign = foreignKeys.some((name) => sameName(name, action.name));
  return isForeign ? { kind: 'drop-foreign-key', name: action.name } : action;
}
