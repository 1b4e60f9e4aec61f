import { sentryComment } from '../core/changelog-sql.ts';
import type { DeferredIndexes } from '../core/deferral.ts';
import { quoteTable } from '../core/quote.ts';
import type { ChangelogRow } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { buildSql } from '../mysql/deferred-indexes.ts';

const trigger = /^\s*CREATE\s+(OR\s+REPLACE\s+)?(DEFINER\s*=.*?\s)?TRIGGER\s/is;
const name = '(?:`(?:[^`]|``)*`|[^\\s`.(;,]+)';
const table = `((?:${name}\\s*\\.\\s*)?${name})`;
/** The table that a statement makes or alters. */
const altered = new RegExp(
  `^\\s*(?:CREATE|ALTER)\\s+TABLE\\s+(?:IF\\s+(?:NOT\\s+)?EXISTS\\s+)?${table}`,
  'i',
);
/** A statement that renames one table, and does nothing else. */
const renamed = new RegExp(
  `^\\s*(?:RENAME|ALTER)\\s+TABLE\\s+${table}\\s+(?:TO|RENAME(?:\\s+(?:TO|AS))?)\\s+${table}\\s*;?\\s*(?:/\\*.*)?$`,
  'is',
);

/** @param schema where a name without one is. */
function refOf(text: string, schema: string): TableRef {
  const parts = [...text.matchAll(new RegExp(name, 'g'))].map(([part]) =>
    part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part,
  );
  return { schema: parts.length > 1 ? parts[0]! : schema, name: parts.at(-1)! };
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
    return (
      trigger.test(sql) ||
      this.#onlyReferences(sql, schema) ||
      this.#movesBack(sql, schema) ||
      sql.includes(sentryComment) ||
      this.#ours.some((head) => sql.startsWith(head))
    );
  }

  /** Another table's foreign key to the original: rows of the original do not change by it. */
  #onlyReferences(sql: string, schema: string): boolean {
    const text = sql.toLowerCase();
    const [, target] = altered.exec(text) ?? [];
    if (target === undefined || text.includes(this.#ghostName)) return false;
    if (refOf(target, schema).name === this.#original.name.toLowerCase()) return false;
    return /\breferences\b/.test(text) && !/\brename\b/.test(text);
  }

  /** As the refusal `half-renamed` says, however it is typed. */
  #movesBack(sql: string, schema: string): boolean {
    const [, from, to] = renamed.exec(sql) ?? [];
    if (from === undefined || to === undefined) return false;
    return isSame(refOf(from, schema), this.#old) && isSame(refOf(to, schema), this.#original);
  }
}
