import { sentryComment } from '../core/changelog-sql.ts';
import type { DeferredIndexes } from '../core/deferral.ts';
import { quoteTable } from '../core/quote.ts';
import type { ChangelogRow } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { type SqlToken, sqlTokens } from '../mysql/binlog/sql-tokens.ts';
import { buildSql } from '../mysql/deferred-indexes.ts';

const trigger = /^\s*CREATE\s+(OR\s+REPLACE\s+)?(DEFINER\s*=.*?\s)?TRIGGER\s/is;
/** How a statement is read of which nobody knows its session's sql_mode. */
const quoting = { ansiQuotes: false, noBackslash: false };

function isWord(token: SqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.kind === 'word' || token?.kind === 'quoted';
}

/** @param schema where a name without one is. @returns null where no table is named there. */
function tableAt(
  tokens: readonly SqlToken[],
  at: number,
  schema: string,
): { readonly ref: TableRef; readonly end: number } | null {
  const [first, dot, second] = tokens.slice(at, at + 3);
  if (!isName(first)) return null;
  if (dot?.kind !== 'dot') return { ref: { schema, name: first.text }, end: at + 1 };
  return isName(second) ? { ref: { schema: first.text, name: second.text }, end: at + 3 } : null;
}

/** The table that a statement makes or alters. */
function alteredTable(tokens: readonly SqlToken[], schema: string): TableRef | null {
  if (!isWord(tokens[0], 'CREATE', 'ALTER') || !isWord(tokens[1], 'TABLE')) return null;
  let at = 2;
  while (isWord(tokens[at], 'IF', 'NOT', 'EXISTS')) at += 1;
  return tableAt(tokens, at, schema)?.ref ?? null;
}

/** The two names of a statement that renames one table, and does nothing else. */
function soleRename(tokens: readonly SqlToken[], schema: string): { from: TableRef; to: TableRef } | null {
  if (!isWord(tokens[0], 'RENAME', 'ALTER') || !isWord(tokens[1], 'TABLE')) return null;
  const from = tableAt(tokens, 2, schema);
  if (from === null) return null;
  let at = from.end;
  if (isWord(tokens[at], 'RENAME')) at += 1;
  if (isWord(tokens[at], 'TO', 'AS')) at += 1;
  const to = at > from.end ? tableAt(tokens, at, schema) : null;
  if (to === null || tokens.slice(to.end).some(({ text }) => text !== ';')) return null;
  return { from: from.ref, to: to.ref };
}

function isSame(a: TableRef, b: TableRef): boolean {
  return a.schema === b.schema && a.name === b.name;
}

/**
 * The part of the stream that an earlier run of ours has seen already, with what that run did itself.
 *
 * States: replaying (from the stored position on) -> over (the first mark of this run has come).
 * While replaying, what a run does to its own tables beside their rows is known by its text: connections of a
 * dead run cannot be. All else is a change of the world, as ever.
 */
export class Replay {
  readonly #lastMark: number;
  readonly #ours: readonly string[];
  readonly #ghost: string;
  readonly #swap: readonly string[];
  readonly #original: TableRef;
  readonly #old: TableRef;
  readonly #ghostName: string;
  #over = false;

  /**
   * @param lastMark no mark of an earlier run has a greater number, and all of this run have.
   * @param original what a two-step cut-over moves away first: it may have been moved back by hand, as the refusal says.
   * @param deferred indexes that an earlier run may have built.
   */
  constructor(
    lastMark: number,
    original: TableRef,
    { ghost, old, sentry }: ArtifactRefs,
    deferred: DeferredIndexes | null,
  ) {
    this.#lastMark = lastMark;
    this.#ghost = quoteTable(ghost);
    this.#original = original;
    this.#old = old;
    this.#ghostName = ghost.name.toLowerCase();
    const drops = [old, sentry].map((table) => `DROP TABLE ${quoteTable(table)}`);
    const builds = (deferred?.steps ?? []).map((step) => buildSql(ghost, step, step.lock));
    const [table, kept] = [quoteTable(original), quoteTable(old)];
    const away = `ALTER TABLE ${table} RENAME TO ${kept}`;
    this.#swap = [`${table} TO ${kept}, ${this.#ghost} TO ${table}`, `${this.#ghost} RENAME TO ${table}`];
    this.#ours = [...builds, away, `ALTER TABLE ${quoteTable(ghost)} AUTO_INCREMENT = `, ...drops];
  }

  /** A mark came. */
  marked(row: ChangelogRow): void {
    if (row.sequence > this.#lastMark) this.#over = true;
  }

  /** Whether the statement is the one by which an earlier run has swapped the tables. */
  swaps(sql: string): boolean {
    return !this.#over && this.#swap.some((tail) => sql.trimEnd().endsWith(tail));
  }

  /**
   * Whether the statement is one of an earlier run: carrying the counter over, making and dropping the
   * sentry, putting triggers on the ghost; or one that does no harm now: triggers of the original and foreign keys to it
   * that are still there have been refused, and triggers of the ghost are gone.
   * @param schema of the session that said it.
   */
  forgives(sql: string, schema: string): boolean {
    if (this.#over) return false;
    const tokens = [...sqlTokens(sql, quoting)];
    return (
      trigger.test(sql) ||
      this.#onlyReferences(sql, alteredTable(tokens, schema)) ||
      this.#movesBack(soleRename(tokens, schema)) ||
      sql.includes(sentryComment) ||
      this.#ours.some((head) => sql.startsWith(head))
    );
  }

  /** Another table's foreign key to the original: rows of the original do not change by it. */
  #onlyReferences(sql: string, altered: TableRef | null): boolean {
    const text = sql.toLowerCase();
    if (altered === null || text.includes(this.#ghostName)) return false;
    if (altered.name.toLowerCase() === this.#original.name.toLowerCase()) return false;
    return /\breferences\b/.test(text) && !/\brename\b/.test(text);
  }

  /** As the refusal `half-renamed` says, however it is typed. */
  #movesBack(renamed: { from: TableRef; to: TableRef } | null): boolean {
    return renamed !== null && isSame(renamed.from, this.#old) && isSame(renamed.to, this.#original);
  }
}
