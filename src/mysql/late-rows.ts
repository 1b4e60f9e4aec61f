import { Transient } from '../base/errors.ts';
import type { GhostSql } from '../core/ghost-sql.ts';
import type { Key } from '../core/key.ts';
import { DuplicateKey } from '../core/store.ts';
import type { RowWriter } from './lossy-writer.ts';
import type { SessionPool } from './pool.ts';
import { classify, duplicateOf, isTransient } from './server-error.ts';

/** What late rows are carried over with. */
export interface LateRowsParts {
  /** Statements with the old table as the original and the new one as the ghost. */
  readonly sql: GhostSql;
  readonly newName: string;
  readonly sessions: SessionPool;
  readonly writer: RowWriter;
}

/** Thrown to roll a transaction back; never leaves this file. */
class Undo extends Error {}

/** Carries rows of the old table over into the new one, which the application uses already (I7). */
export class LateRows {
  readonly #parts: LateRowsParts;

  constructor(parts: LateRowsParts) {
    this.#parts = parts;
  }

  /**
   * Makes the new table's rows of these keys what the old table has, in one transaction; no other row is touched.
   * @param mayStay asked while the new rows are locked: nobody has changed them since. False rolls back.
   * @returns whether it was done.
   * @throws DuplicateKey when another row of the new table has a unique value; nothing was done. Transient.
   */
  async carry(keys: readonly Key[], mayStay: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const { sql, sessions, newName, writer } = this.#parts;
    try {
      await sessions.use(
        (session) =>
          session.transaction(async () => {
            // Both lock the rows, and only a row that is there can be locked: whoever changed one before has committed,
            // whoever comes later waits for us.
            await session.execute(sql.remove(keys), { signal });
            await writer.write(session, sql.put('INSERT', keys), signal);
            if (!(await mayStay())) throw new Undo();
          }),
        signal,
      );
      return true;
    } catch (error) {
      if (error instanceof Undo) return false;
      signal.throwIfAborted();
      const duplicate = duplicateOf(error, newName);
      if (duplicate) throw new DuplicateKey(duplicate.key, duplicate.entry, error);
      const kind = classify(error);
      if (isTransient(kind) || kind === 'killed')
        throw new Transient((error as Error).message, { cause: error });
      throw error;
    }
  }
}
