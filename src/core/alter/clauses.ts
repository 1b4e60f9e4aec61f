import { UsageError } from '../../base/errors.ts';
import type { Action, ActionOf, ColumnRename, ForeignKey, UniqueKey } from './action.ts';
import { classify, resolveConstraint } from './classify.ts';
import { type LexOptions, lex } from './lexer.ts';
import { type Piece, readStatement } from './statement.ts';
import type { Token } from './token.ts';

/** One clause of an ALTER: its text as given, and what it does. */
export interface Clause {
  readonly text: string;
  readonly actions: readonly Action[];
}

/** An ALTER as far as we must understand it. The server is its real parser: it judges the text on the ghost. */
export interface Alter {
  /** From a full statement, if it names them. */
  readonly schema: string | undefined;
  readonly table: string | undefined;
  /** ALTER IGNORE TABLE. */
  readonly ignore: boolean;
  /** WAIT n or NOWAIT was given; it is in neither text. */
  readonly wait: boolean;
  /** Executable comments for certain versions were read as code, since `server` was not given: it may skip them. */
  readonly uncertain: boolean;
  /**
   * The clauses for the ghost: without ALGORITHM and LOCK, which mean nothing there, and without DROP FOREIGN KEY,
   * since the ghost has none. Can be appended to `ALTER TABLE x `, and more can be appended to it; empty when no
   * clause is left.
   */
  readonly text: string;
  /** The clauses for the original itself, should the server do the ALTER at once: without ALGORITHM and LOCK only. */
  readonly directText: string;
  readonly clauses: readonly Clause[];
  /** In the order of the text; those that differ in case only are among them. */
  readonly renamedColumns: readonly ColumnRename[];
  readonly droppedColumns: readonly string[];
  readonly addedColumns: readonly string[];
  readonly modifiedColumns: readonly string[];
  /** PRIMARY and UNIQUE keys that are added: data that was good may collide now. */
  readonly uniqueKeys: readonly UniqueKey[];
  readonly addedForeignKeys: readonly ForeignKey[];
  readonly droppedForeignKeys: readonly string[];
  /** AUTO_INCREMENT of the table as the ALTER sets it. */
  readonly autoIncrement: bigint | undefined;
  readonly engine: string | undefined;
}

/** What must be known to understand an ALTER as the server will. */
export interface AlterOptions extends LexOptions {
  /** The names of the original's own foreign keys, to know what a DROP CONSTRAINT drops. */
  readonly foreignKeys?: readonly string[] | undefined;
}

/**
 * Understands an ALTER: a full ALTER TABLE statement, or its clauses only.
 * @param source what the operator gave as `--alter`.
 * @throws UsageError when it is empty, not one statement, not an ALTER, or has a quote or comment left open.
 */
export function parseAlter(source: string, options: AlterOptions = {}): Alter {
  const tokens = lex(source, options);
  const statement = readStatement(tokens);
  const parts = statement.pieces.map((piece) => ({
    piece,
    clause: toClause(source, piece, options.foreignKeys ?? []),
  }));
  if (!parts.some(({ piece }) => piece.tokens.length > 0)) {
    throw new UsageError('The ALTER is empty', { hint: 'Give --alter at least one clause.' });
  }
  const clauses = parts.map(({ clause }) => clause);
  const render = (...without: readonly Action['kind'][]): string => {
    const isLeftOut = (clause: Clause): boolean => clause.actions.some(({ kind }) => without.includes(kind));
    const leftOut = leaveOut(parts.filter(({ clause }) => isLeftOut(clause)).map(({ piece }) => piece));
    // An empty comment at the very end would not be one with something behind it.
    return renderText(tokens, statement.pieces, [...statement.dropped, ...leftOut]).replace(/--$/, '');
  };
  return {
    schema: statement.schema,
    table: statement.table,
    ignore: statement.ignore,
    wait: statement.wait,
    uncertain: !options.server && tokens.some(({ kind, text }) => kind === 'code-open' && text !== '/*!'),
    text: render('algorithm', 'lock', 'drop-foreign-key'),
    directText: render('algorithm', 'lock'),
    clauses,
    ...summary(clauses),
  };
}

/** All actions of one kind, in the order of the text. */
export function actionsOf<K extends Action['kind']>(
  alter: { readonly clauses: readonly Clause[] },
  kind: K,
): readonly ActionOf<K>[] {
  return alter.clauses
    .flatMap((clause) => clause.actions)
    .filter((action): action is ActionOf<K> => action.kind === kind);
}

function summary(clauses: readonly Clause[]) {
  const of = <K extends Action['kind']>(kind: K) => actionsOf({ clauses }, kind);
  const names = (kind: 'add-column' | 'drop-column' | 'modify-column' | 'drop-foreign-key') =>
    of(kind).map(({ name }) => name);
  return {
    renamedColumns: of('rename-column').map(({ from, to }) => ({ from, to })),
    droppedColumns: names('drop-column'),
    addedColumns: names('add-column'),
    modifiedColumns: names('modify-column'),
    uniqueKeys: of('add-unique').map(({ kind: _, ...key }) => key),
    addedForeignKeys: of('add-foreign-key').map(({ kind: _, ...key }) => key),
    droppedForeignKeys: names('drop-foreign-key'),
    // The last one wins, as it does on the server.
    autoIncrement: of('auto-increment').at(-1)?.value,
    engine: of('engine').at(-1)?.value,
  };
}

function toClause(source: string, piece: Piece, foreignKeys: readonly string[]): Clause {
  const first = piece.tokens[0];
  const last = piece.tokens.at(-1);
  const text = first && last ? source.slice(first.start, last.start + last.text.length) : '';
  const actions = classify(piece.tokens).map((action) => resolveConstraint(action, foreignKeys));
  return { text, actions };
}

function leaveOut(pieces: readonly Piece[]): readonly Token[] {
  return pieces.flatMap((piece) => piece.tokens);
}

/**
 * The text without some of its tokens. Only significant ones go, each clause leaving a space, so that executable
 * comments stay balanced and nothing grows together. A comma stays if clauses are left on both sides of it.
 */
function renderText(tokens: readonly Token[], pieces: readonly Piece[], leftOut: readonly Token[]): string {
  const out = new Set(leftOut);
  let kept = 0;
  for (const piece of pieces) {
    const stays = !piece.tokens.some((token) => out.has(token));
    if (piece.comma && !(stays && kept > 0)) out.add(piece.comma);
    if (stays) kept += 1;
  }
  if (kept === 0) return '';
  const text = tokens.map((token) => (out.has(token) ? ' ' : token.text)).join('');
  // A comment that runs to the end of the line must not swallow what is appended.
  const last = tokens.findLast((token) => token.kind !== 'space' && !out.has(token));
  const open = last?.kind === 'comment' && !last.text.startsWith('/*');
  return open ? `${text.trim()}\n` : text.trim();
}
