import { UsageError } from '../../base/errors.ts';
import { Cursor } from './cursor.ts';
import { partitioningFollows, partitionOperationAt } from './partition.ts';
import { isMark, isSignificant, type Token } from './token.ts';

/** What stands before the clauses of a full statement. */
export interface Head {
  readonly schema: string | undefined;
  readonly table: string | undefined;
  /** ALTER IGNORE TABLE: rows that collide would be thrown away. */
  readonly ignore: boolean;
  /** WAIT n or NOWAIT was there. */
  readonly wait: boolean;
}

/** A clause in tokens: the comma before it, if there is one, and its significant tokens. */
export interface Piece {
  readonly comma: Token | undefined;
  readonly tokens: readonly Token[];
}

/** ALTER text taken apart: `dropped` are the tokens that belong to no clause, the head and the semicolons. */
export interface Statement extends Head {
  readonly pieces: readonly Piece[];
  readonly dropped: readonly Token[];
}

const NO_HEAD: Head = { schema: undefined, table: undefined, ignore: false, wait: false };

/**
 * Takes the tokens of one ALTER apart, in its full form or clauses only.
 * @throws UsageError when there is more than one statement, none at all, another one, or a head without a table.
 */
export function readStatement(tokens: readonly Token[]): Statement {
  const significant = tokens.filter(isSignificant);
  const ends = significant.filter((token) => isMark(token, ';'));
  const firstEnd = significant.findIndex((token) => isMark(token, ';'));
  const statement = firstEnd < 0 ? significant : significant.slice(0, firstEnd);
  if (significant.length > statement.length + ends.length) {
    throw new UsageError('The ALTER holds more than one statement', {
      hint: 'Give one ALTER; several clauses are separated by commas.',
    });
  }
  const last = statement.at(-1);
  // Without its semicolon `--;` would become a comment, which swallows what we append.
  if (last && isMark(last, '-'))
    throw new UsageError('The ALTER ends in an operator: something is missing behind it', {
      hint: 'Give the whole of it, or leave the operator out.',
    });
  const cursor = new Cursor(statement);
  const other = ['CREATE', 'OPTIMIZE'].find((verb) => cursor.sees(verb) && !cursor.sees(verb, 'PARTITION'));
  if (other) {
    throw new UsageError(`This is a ${other} statement, not an ALTER TABLE or clauses of one`, {
      hint: 'Write CREATE INDEX as ADD INDEX, and OPTIMIZE TABLE as ENGINE=InnoDB.',
    });
  }
  const head = readHead(cursor);
  const dropped = [...statement.slice(0, cursor.count), ...ends];
  return { ...head, dropped, pieces: cutIntoPieces(cursor.rest()) };
}

function readHead(cursor: Cursor): Head {
  const isFull = [0, 1, 2].some((words) => {
    if (cursor.keyword() !== 'ALTER' || cursor.keyword(words + 1) !== 'TABLE') return false;
    return [1, 2].slice(0, words).every((i) => ['ONLINE', 'OFFLINE', 'IGNORE'].includes(cursor.keyword(i)));
  });
  if (!isFull) return NO_HEAD;
  cursor.take();
  cursor.skipAny('ONLINE', 'OFFLINE');
  const ignore = cursor.skip('IGNORE');
  cursor.skipAny('ONLINE', 'OFFLINE');
  cursor.skip('TABLE');
  cursor.skip('IF', 'EXISTS');
  const parts = cursor.qualifiedName();
  if (!parts || parts.length > 2) throw new UsageError('The ALTER TABLE statement does not name one table');
  const waits = cursor.skip('WAIT');
  if (waits) cursor.take();
  return { schema: parts.at(-2), table: parts.at(-1), ignore, wait: waits || cursor.skip('NOWAIT') };
}

/**
 * Cuts at top-level commas, and before a partition clause, which needs none. Two kinds of clause have commas of
 * their own, and the grammar of the servers lets no other clause follow: partition operations take all that is
 * left, ORDER BY takes all but a partition clause.
 */
function cutIntoPieces(tokens: readonly Token[]): readonly Piece[] {
  if (tokens.length === 0) return [];
  const pieces: { comma: Token | undefined; tokens: Token[] }[] = [{ comma: undefined, tokens: [] }];
  const cursor = new Cursor(tokens);
  let depth = 0;
  let inOrderBy = false;
  while (!cursor.done) {
    const current = pieces.at(-1)!;
    const atStart = current.tokens.length === 0;
    if (depth <= 0 && (atStart ? partitionOperationAt(cursor) : partitioningFollows(cursor))) {
      if (atStart) current.tokens.push(...cursor.rest());
      else pieces.push({ comma: undefined, tokens: [...cursor.rest()] });
      break;
    }
    if (atStart) inOrderBy = cursor.sees('ORDER', 'BY');
    const token = cursor.take()!;
    if (isMark(token, '(')) depth += 1;
    if (isMark(token, ')')) depth -= 1;
    if (depth <= 0 && !inOrderBy && isMark(token, ',')) pieces.push({ comma: token, tokens: [] });
    else current.tokens.push(token);
  }
  return pieces;
}
