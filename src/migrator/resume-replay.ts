import { sentryComment } from '../core/changelog-sql.ts';
import type { DeferredIndexes } from '../core/deferral.ts';
import { quoteTable } from '../core/quote.ts';
import type { ChangelogRow } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { buildSql } from '../mysql/deferred-indexes.ts';

const trigger = /^\s*CREATE\s+(OR\s+REPLACE\s+)?(DEFINER\s*=.*?\s)?TRIGGER\s/is;
/** The name of the table that a statement makes or alters, its schema left out. */
const altered =
  /^\s*(?:CREATE|ALTER)\s+TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:(?:`(?:[^`]|``)*`|[^\s`.(]+)\s*\.\s*)?(`(?:[^`]|``)*`|[^\s`.(]+)/i;

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
  readonly #names: readonly string[];
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
    this.#names = [original.name, ghost.name].map((name) => name.toLowerCase());
    const drops = [old, sentry].map((table) => `DROP TABLE ${quoteTable(table)}`);
    const builds = (deferred?.steps ?? []).map((step) => buildSql(ghost, step, step.lock));
    const [table, kept] = [quoteTable(original), quoteTable(old)];
    const away = `ALTER TABLE ${table} RENAME TO ${kept}`;
    const back = [`ALTER TABLE ${kept} RENAME TO ${table}`, `RENAME TABLE ${kept} TO ${table}`];
    this.#swap = [`${table} TO ${kept}, ${this.#ghost} TO ${table}`, `${this.#ghost} RENAME TO ${table}`];
    this.#ours = [...builds, away, ...back, `ALTER TABLE ${quoteTable(ghost)} AUTO_INCREMENT = `, ...drops];
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
   */
  forgives(sql: string): boolean {
    if (this.#over) return false;
    return (
      trigger.test(sql) ||
      this.#onlyReferences(sql) ||
      sql.includes(sentryComment) ||
      this.#ours.some((head) => sql.startsWith(head))
    );
  }

  /** Another table's foreign key to the original: rows of the original do not change by it. */
  #onlyReferences(sql: string): boolean {
    const [original, ghost] = this.#names;
    const text = sql.toLowerCase();
    const name = altered.exec(text)?.[1]?.replace(/^`|`$/g, '').replaceAll('``', '`');
    if (name === undefined || name === original || text.includes(ghost!)) return false;
    return /\breferences\b/.test(text) && !/\brename\b/.test(text);
  }
}
