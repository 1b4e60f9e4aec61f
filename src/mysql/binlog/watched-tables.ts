import type { TableRef } from '../../core/table-ref.ts';
import type { FollowedTables } from './followed-tables.ts';
import type { QueryEvent } from './query-event.ts';
import type { StatementScope } from './statement.ts';

/** No more than this of a statement goes into a notice. */
const MAX_NOTICE_BYTES = 4096;

/** The tables whose DDL is told: the watched ones and the subscribed ones. */
export class WatchedTables {
  #tables: readonly TableRef[] = [];
  readonly #followed: FollowedTables;

  constructor(followed: FollowedTables) {
    this.#followed = followed;
  }

  /** See ChangeStream.watch. */
  watch(tables: readonly TableRef[]): void {
    this.#tables = [...tables];
  }

  scope(): StatementScope {
    const followed = this.#followed.subscribed;
    return { watched: [...this.#tables, ...followed], followed, foldCase: this.#followed.foldCase };
  }

  /** The text of a statement for people. */
  describe(query: QueryEvent): string {
    const text = query.sql.toString('utf8', 0, MAX_NOTICE_BYTES);
    return query.sql.length > MAX_NOTICE_BYTES ? `${text}...` : text;
  }
}
