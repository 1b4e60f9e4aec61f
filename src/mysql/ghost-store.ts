import type { Clock } from '../base/clock.ts';
import { Failure, PoltergeistError, Transient } from '../base/errors.ts';
import type { ServerPlacement } from '../core/changeset.ts';
import type { Chunk, KeyRange } from '../core/chunk.ts';
import type { GhostSql, SyncVerb } from '../core/ghost-sql.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import { classifySql, placeOf } from '../core/key-range.ts';
import { DuplicateKey, type GhostStore, type SyncManner } from '../core/store.ts';
import { CollisionFinder, type CollisionParts, outOfNumbers } from './collision.ts';
import { CulpritFinder, isAboutRow } from './culprit.ts';
import { explainServerError } from './explain.ts';
import { keysPerStatement, slices, statementCharsMax, statements } from './key-statements.ts';
import { type RowWriter, TooManyWarnings } from './lossy-writer.ts';
import type { SessionPool } from './pool.ts';
import { classify, duplicateOf, isTransient, ServerError } from './server-error.ts';
import type { Session } from './session.ts';
import { SessionError } from './session-error.ts';
import { endStatement } from './zombie.ts';

/** How syncs may write, by the unique keys that the ghost has (DESIGN 2). */
export type GhostUniqueness =
  /** The migration key is the only one: REPLACE. */
  | 'sole'
  /** Others too, all enforced by the original: DELETE and INSERT; alone, stale rows may be displaced. */
  | 'enforced'
  /** The ALTER adds uniqueness: nothing is ever displaced. */
  | 'added';

/** What a ghost store works with. */
export interface GhostStoreParts {
  readonly sql: GhostSql;
  readonly codec: KeyCodec;
  readonly ghostName: string;
  readonly uniqueness: GhostUniqueness;
  /** The ghost compares and sorts the migration key as the original does. */
  readonly sameOrder: boolean;
  /** Sessions for chunks, for syncs, and for questions: none waits for another kind. */
  readonly copySessions: SessionPool;
  readonly syncSessions: SessionPool;
  readonly askSessions: SessionPool;
  readonly collision: CollisionParts;
  /** How rows are written: in strict mode, or as --allow-lossy says. */
  readonly writer: RowWriter;
  /** All columns of the ghost. */
  readonly ghostColumns: ReadonlySet<string>;
  readonly flavor: 'mysql' | 'mariadb';
  readonly clock: Clock;
}

/** How often an exclusive sync takes in the stale rows that stand in its way, before it gives up. */
const displacementsMax = 10;
const counterUnreadable = 1467;
/** Keys that are read in one snapshot, so in one statement, where rows may have swapped their values. */
const keysTogetherMax = 20_000;
/** The ghost as the stages see it, in SQL. */
export class SqlGhostStore implements GhostStore {
  readonly #parts: GhostStoreParts;
  readonly #collisions: CollisionFinder;
  readonly #culprits: CulpritFinder;
  /** Keys of one statement, where they need not be together. */
  readonly #keysMax: number;

  constructor(parts: GhostStoreParts) {
    this.#parts = parts;
    this.#keysMax = keysPerStatement(parts.codec.columns.length);
    this.#collisions = new CollisionFinder(parts.collision);
    this.#culprits = new CulpritFinder({ ...parts, columns: parts.ghostColumns });
  }

  async copy(range: KeyRange, manner: SyncManner, signal: AbortSignal): Promise<number> {
    const { sql, copySessions, writer } = this.#parts;
    const verb = this.#verb(manner);
    const work = (session: Session): Promise<number> =>
      this.#transact(session, () => writer.write(session, sql.copy(verb, range), signal));
    return await this.#naming(range, signal, () =>
      this.#run(copySessions, signal, async (session) => {
        try {
          return await work(session);
        } catch (error) {
          if (!(error instanceof TooManyWarnings)) throw error;
          const keys = await this.#keysOf(session, range, signal);
          return await session.transaction(() => this.#put(session, verb, keys, signal));
        }
      }),
    );
  }

  async clear(range: KeyRange, signal: AbortSignal): Promise<void> {
    const { sql, copySessions, sameOrder } = this.#parts;
    await this.#run(copySessions, signal, async (session) => {
      if (sameOrder) {
        await session.execute(sql.clear(range), { signal });
        return;
      }
      // The ghost sorts its keys in another way: a range of it would hold rows of other chunks. What this chunk may have
      // left are rows of keys that the original has, or has deleted since: those are changes, and will be synced.
      const keys = await this.#keysOf(session, range, signal);
      await this.#remove(session, keys, signal);
    });
  }

  async sync(
    keys: readonly Key[],
    deleted: readonly Key[],
    manner: SyncManner,
    signal: AbortSignal,
  ): Promise<number> {
    const displaces = manner === 'alone' && this.#parts.uniqueness === 'added';
    if (!displaces) return await this.#syncOnce(keys, deleted, manner, signal);
    return await this.#syncWithStale(keys, signal);
  }

  /**
   * Alone where uniqueness is added: REPLACE could displace a row that collides in earnest. So the rows that stand in the way
   * are synced along, in one statement and so of one snapshot: rows that swap their values faster than they are followed
   * would else be in each other's way for ever. A sync is right for any key at any time; two that collide still do.
   */
  async #syncWithStale(keys: readonly Key[], signal: AbortSignal): Promise<number> {
    const all = new Set(keys);
    for (let round = 1; ; round += 1) {
      try {
        return await this.#syncOnce([...all], [], 'beside', signal, keysTogetherMax);
      } catch (error) {
        if (!(error instanceof DuplicateKey) || round > displacementsMax) throw error;
        const stale = await this.#run(this.#parts.askSessions, signal, (session) =>
          this.#collisions.stale(session, [...all], error, signal),
        );
        const before = all.size;
        for (const key of stale) all.add(key);
        if (all.size === before) throw error;
      }
    }
  }

  async #syncOnce(
    keys: readonly Key[],
    deleted: readonly Key[],
    manner: SyncManner,
    signal: AbortSignal,
    keysMax = this.#keysMax,
  ): Promise<number> {
    const { syncSessions, uniqueness } = this.#parts;
    const verb = uniqueness === 'sole' ? 'REPLACE' : this.#verb(manner);
    const removed = uniqueness === 'sole' ? deleted : keys;
    return await this.#naming(keys, signal, () =>
      this.#run(syncSessions, signal, async (session) => {
        // One statement is its own transaction: two round trips fewer.
        if (removed.length === 0 && keys.length <= this.#keysMax)
          return await this.#transact(session, () => this.#put(session, verb, keys, signal));
        return await session.transaction(async () => {
          await this.#remove(session, removed, signal);
          return await this.#put(session, verb, keys, signal, keysMax);
        });
      }),
    );
  }

  /** What the original enforces, only a stale row of the ghost can violate: alone it may be displaced. */
  #verb(manner: SyncManner): SyncVerb {
    return this.#parts.uniqueness === 'enforced' && manner === 'alone' ? 'REPLACE' : 'INSERT';
  }

  bound(after: Key | null, rows: number, signal: AbortSignal): Promise<Key | null> {
    return this.#keyOf(this.#parts.sql.bound(after, rows), signal);
  }

  last(signal: AbortSignal): Promise<Key | null> {
    return this.#keyOf(this.#parts.sql.last(), signal);
  }

  async #keyOf(statement: string, signal: AbortSignal): Promise<Key | null> {
    const { codec, askSessions } = this.#parts;
    return await this.#run(askSessions, signal, async (session) => {
      const [row] = await session.query(statement, { signal });
      return row ? codec.fromText(codec.columns.map((_, i) => row[`k${i}`])) : null;
    });
  }

  async place(
    keys: readonly Key[],
    high: Key | null,
    flights: readonly Chunk[],
    signal: AbortSignal,
  ): Promise<ServerPlacement[]> {
    const { codec, askSessions } = this.#parts;
    const ranges = flights.map(({ range }) => range);
    const ask = (some: readonly Key[]): string => classifySql(codec, some, high, ranges);
    return await this.#run(askSessions, signal, async (session) => {
      const answers: ServerPlacement[] = [];
      for (const { keys: asked, statement } of statements(keys, ask)) {
        const rows = await session.query(statement, { signal });
        for (const row of rows)
          answers.push({ key: asked[Number(row.i)]!, place: placeOf(Number(row.place), flights) });
      }
      return answers;
    });
  }

  async findCollision(
    where: KeyRange | readonly Key[],
    violated: DuplicateKey,
    signal: AbortSignal,
  ): Promise<string | null> {
    return await this.#run(this.#parts.askSessions, signal, (session) =>
      this.#collisions.find(session, where, violated, signal),
    );
  }

  async #keysOf(session: Session, range: KeyRange, signal: AbortSignal): Promise<readonly Key[]> {
    const { sql, codec } = this.#parts;
    const rows = await session.query(sql.keysOf(range), { signal });
    return rows.map((row) => codec.fromText(codec.columns.map((_, i) => row[`k${i}`])));
  }

  /** Puts the rows of any number of keys. Where warnings are read, none can be missed: see LossyWriter. */
  async #put(
    session: Session,
    verb: SyncVerb,
    keys: readonly Key[],
    signal: AbortSignal,
    keysMax = this.#keysMax,
  ): Promise<number> {
    const { sql, writer } = this.#parts;
    let rows = 0;
    // What must be one statement is one, however long.
    const charsMax = keysMax > this.#keysMax ? Number.POSITIVE_INFINITY : statementCharsMax;
    const put = (some: readonly Key[]): string => sql.put(verb, some);
    for (const slice of slices(keys, writer.keysMax ?? keysMax))
      for (const { statement } of statements(slice, put, charsMax))
        rows += await writer.write(session, statement, signal);
    return rows;
  }

  async #remove(session: Session, keys: readonly Key[], signal: AbortSignal): Promise<void> {
    const remove = (some: readonly Key[]): string => this.#parts.sql.remove(some);
    for (const slice of slices(keys, this.#keysMax))
      for (const { statement } of statements(slice, remove)) await session.execute(statement, { signal });
  }

  async #transact(session: Session, work: () => Promise<number>): Promise<number> {
    return this.#parts.writer.needsTransaction ? await session.transaction(work) : await work();
  }

  /** Where `work` fails at a row, says which one. */
  async #naming<T>(
    where: KeyRange | readonly Key[],
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Failure) || !isAboutRow(error.cause)) throw error;
      const { cause, hint } = error;
      const text = await this.#run(this.#parts.askSessions, signal, (session) =>
        this.#culprits.find(session, where, signal),
      );
      if (text !== null) throw new Failure(text, { cause, ...(hint ? { hint } : {}) });
      // It was mended meanwhile: the number of attempts bounds how often that may happen.
      throw new Transient(`${error.message}; the row at fault has changed since`, { cause });
    }
  }

  /** Runs on a session of the pool and says what an error means for the caller. */
  async #run<T>(pool: SessionPool, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    let used: Session | null = null;
    try {
      return await pool.use((session) => {
        used = session;
        return work(session);
      }, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A statement that goes on without us could commit an old snapshot after a newer one: see it end first.
      if (error instanceof SessionError && used !== null && error.statement !== null) {
        await endStatement(this.#parts.askSessions, used, this.#parts.clock, signal);
      }
      throw this.#meaning(error);
    }
  }

  #meaning(error: unknown): unknown {
    const kind = classify(error);
    if (kind === 'duplicate') {
      const duplicate = duplicateOf(error, this.#parts.ghostName);
      return new DuplicateKey(duplicate?.key ?? '?', duplicate?.entry ?? '?', error);
    }
    if (error instanceof SessionError) return error;
    // MariaDB tells a deadlock by this number; on MySQL, where nothing locks the counter, it is at its end.
    if ((error as { errno?: number }).errno === counterUnreadable && this.#parts.flavor === 'mysql')
      return outOfNumbers(error);
    // Somebody killed the statement, not the session: it changed nothing.
    if (isTransient(kind) || kind === 'killed')
      return new Transient(String((error as Error).message), { cause: error });
    if (error instanceof ServerError) {
      return new Failure(error.message, { cause: error, hint: explainServerError(error) });
    }
    return error instanceof PoltergeistError || error instanceof Error ? error : new Failure(String(error));
  }
}
