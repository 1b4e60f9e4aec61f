import { sentryComment } from '../core/changelog-sql.ts';
import type { DeferredIndexes } from '../core/deferral.ts';
import { quoteTable } from '../core/quote.ts';
import type { ChangelogRow } from '../core/stream.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { ArtifactRefs } from '../mysql/artifacts.ts';
import { buildSql } from '../mysql/deferred-indexes.ts';

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
   * sentry, putting triggers on the ghost; or one that does no harm now. Triggers of the original that are there have been
   * refused, and those of the ghost are gone.
   */
  forgives(sql: string): boolean {
    if (this.#over) return false;
    return (
      /^\s*CREATE\s+(OR\s+REPLACE\s+)?(DEFINER\s*=.*?\s)?TRIGGER\s/is.test(sql) ||
      sql.includes(sentryComment) ||
      this.#ours.some((head) => sql.startsWith(head))
    );
  }
}
