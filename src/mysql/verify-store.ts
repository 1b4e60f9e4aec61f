import { Failure, Transient } from '../base/errors.ts';
import type { KeyRange } from '../core/chunk.ts';
import type { ComparisonSql, Side } from '../core/comparison-sql.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import type { Judgement, VerifyStore } from '../core/verify-store.ts';
import { explainServerError } from './explain.ts';
import { statementCharsMax } from './key-statements.ts';
import type { SessionPool } from './pool.ts';
import { classify, isTransient, ServerError } from './server-error.ts';
import type { Row, Session, Value } from './session.ts';
import { SessionError } from './session-error.ts';

/** What the store works with. */
export interface VerifyStoreParts {
  readonly sql: ComparisonSql;
  readonly codec: KeyCodec;
  readonly sessions: SessionPool;
  /** False where the comparison does not have all columns of the key: then only the expressions can judge. */
  readonly canProbe: boolean;
}

/** Keys named in one statement at the most. */
const keysPerStatementMax = 1000;

/**
 * The comparison of original and ghost in SQL. It reads, and writes nothing but a temporary table of its own.
 */
export class SqlVerifyStore implements VerifyStore {
  readonly #parts: VerifyStoreParts;
  #sql: ComparisonSql;

  constructor(parts: VerifyStoreParts) {
    this.#parts = parts;
    this.#sql = parts.sql;
  }

  async compareRange(
    range: KeyRange,
    without: readonly Key[],
    signal: AbortSignal,
  ): Promise<{ rows: number; equal: boolean }> {
    return await this.#run(signal, async (session) => {
      const named = this.#sql.aggregate(range, without);
      // Keys that do not fit into a packet are compared with the others.
      const statement = named.length <= statementCharsMax ? named : this.#sql.aggregate(range);
      // One statement is one snapshot, at READ COMMITTED too.
      const [original, ghost] = await session.query(statement, { signal });
      const same = (name: string): boolean => String(original?.[name]) === String(ghost?.[name]);
      return { rows: Number(original?.n), equal: same('n') && same('x') };
    });
  }

  async differences(range: KeyRange, signal: AbortSignal): Promise<Key[]> {
    return await this.#compare((side) => this.#sql.list(side, range), signal);
  }

  async compareKeys(keys: readonly Key[], signal: AbortSignal): Promise<Key[]> {
    const differing = new Set<Key>();
    for (const slice of slices(keys)) {
      const found = await this.#compare((side) => this.#sql.rows(side, slice), signal);
      for (const key of found) differing.add(key);
    }
    return [...differing];
  }

  async judge(keys: readonly Key[], signal: AbortSignal): Promise<Judgement> {
    const differing = new Map<Key, readonly string[]>();
    const doubtful = new Set<string>();
    for (const slice of slices(keys)) {
      await this.#run(signal, (session) => this.#judge(session, slice, differing, doubtful, signal));
    }
    return { differing, doubtful: [...doubtful] };
  }

  leaveOut(column: string): void {
    this.#sql = this.#sql.without(column);
  }

  async #compare(sql: (side: Side) => string, signal: AbortSignal): Promise<Key[]> {
    return await this.#run(signal, (session) =>
      session.transaction(
        async () => {
          const original = await this.#read(session, sql('original'), ['h'], signal);
          const ghost = await this.#read(session, sql('ghost'), ['h'], signal);
          const differing = new Set<Key>();
          for (const [key, [h]] of original) if (ghost.get(key)?.[0] !== h) differing.add(key);
          for (const key of ghost.keys()) if (!original.has(key)) differing.add(key);
          return [...differing];
        },
        { snapshot: true },
      ),
    );
  }

  async #judge(
    session: Session,
    keys: readonly Key[],
    differing: Map<Key, readonly string[]>,
    doubtful: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const sql = this.#sql;
    const names = sql.columns.map(({ from }) => from.name);
    const fields = names.map((_, i) => `c${i}`);
    const original = await this.#read(session, sql.images('original', keys), fields, signal);
    const converted = (await this.#convert(session, keys, fields, signal)) ?? original;
    const ghost = await this.#read(session, sql.images('ghost', keys), fields, signal);
    for (const key of new Set([...original.keys(), ...ghost.keys()])) {
      const [source, wanted, has] = [original.get(key), converted.get(key), ghost.get(key)];
      if (has === undefined) differing.set(key, ['the ghost has no such row']);
      else if (source === undefined || wanted === undefined) differing.set(key, ['only the ghost has it']);
      else {
        const wrong = names.filter((_, i) => wanted[i] !== has[i]);
        if (wrong.length > 0) differing.set(key, wrong);
        else for (const [i, name] of names.entries()) if (source[i] !== has[i]) doubtful.add(name);
      }
    }
  }

  /** The original's rows as the server converts them; null where a temporary table cannot be made. */
  async #convert(
    session: Session,
    keys: readonly Key[],
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<Key, Value[]> | null> {
    if (!this.#parts.canProbe) return null;
    const sql = this.#sql;
    try {
      await session.execute(sql.dropProbe(), { signal });
      await session.execute(sql.createProbe(), { signal });
    } catch (error) {
      // No privilege for it, or a server that wants a primary key everywhere: then the expressions judge.
      if (error instanceof ServerError && !isTransient(classify(error))) return null;
      throw error;
    }
    try {
      await session.execute(sql.fillProbe(keys), { signal });
      return await this.#read(session, sql.images('probe', keys), fields, signal);
    } finally {
      if (session.usable) await session.execute(sql.dropProbe()).catch(() => undefined);
    }
  }

  async #read(
    session: Session,
    sql: string,
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<Key, Value[]>> {
    const { codec } = this.#parts;
    const parts = codec.columns.map((_, i) => `k${i}`);
    const keyOf = (row: Row): Key => codec.fromText(parts.map((part) => row[part]));
    const rows = await session.query(sql, { signal });
    return new Map(rows.map((row) => [keyOf(row), fields.map((field) => row[field] ?? null)]));
  }

  async #run<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await this.#parts.sessions.use(work, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SessionError || !(error instanceof ServerError)) throw error;
      const kind = classify(error);
      if (isTransient(kind) || kind === 'killed') throw new Transient(error.message, { cause: error });
      throw new Failure(error.message, { cause: error, hint: explainServerError(error) });
    }
  }
}

function* slices(keys: readonly Key[]): Generator<readonly Key[]> {
  for (let i = 0; i < keys.length; i += keysPerStatementMax) yield keys.slice(i, i + keysPerStatementMax);
}
