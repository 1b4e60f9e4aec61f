import { Refusal, Transient } from '../base/errors.ts';
import { sentryComment } from '../core/changelog-sql.ts';
import { quoteTable, quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { findTable } from './inspector/table-entry.ts';
import type { SwapTables } from './rename-wait.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/** `--cut-over`. */
export type CutOverKind = 'atomic' | 'two-step' | 'locked-rename';

/** What differs between the kinds of a cut-over; made anew for each attempt. */
export interface SwapWay {
  /** L makes the places of the tables ready. @throws Refusal `old-table-exists`; ServerError. */
  prepare(lock: Session, signal: AbortSignal): Promise<void>;
  /** What L sends to stop the writers. */
  readonly lockSql: string;
  /** What L sends when the RENAME is first in line on the server; null where there is nothing to be done. */
  readonly dropSentrySql: string | null;
  /** R, from getting in line to the tables' new names. */
  rename(session: Session): Promise<void>;
  /** R has been seen in line for the original behind L alone, and L lets go. */
  letGo(): void;
  /** The attempt is over. */
  cancel(): void;
}

/** The way of one attempt. */
export function swapWay(kind: CutOverKind, tables: SwapTables): SwapWay {
  return kind === 'atomic' ? new BehindSentry(tables) : new HandOver(tables, renamesOf(kind, tables));
}

/** One RENAME that waits behind a sentry: whatever becomes of L and of us, it comes to pass before every writer, or not at all. */
class BehindSentry implements SwapWay {
  readonly #tables: SwapTables;

  constructor(tables: SwapTables) {
    this.#tables = tables;
  }

  get lockSql(): string {
    const { original, sentry } = this.#tables;
    return `LOCK TABLES ${quoteTable(original)} READ, ${quoteTable(sentry)} WRITE`;
  }

  get dropSentrySql(): string {
    return `DROP TABLE ${quoteTable(this.#tables.sentry)}`;
  }

  async prepare(lock: Session, signal: AbortSignal): Promise<void> {
    const { old, sentry } = this.#tables;
    const definition = `(id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB COMMENT=${quoteText(sentryComment)}`;
    for (const place of [sentry, old]) {
      try {
        await lock.execute(`CREATE TABLE ${quoteTable(place)} ${definition}`, { signal });
      } catch (error) {
        throw classify(error) === 'exists' ? taken(place, error) : error;
      }
    }
  }

  async rename(session: Session): Promise<void> {
    const { original, ghost, old, sentry } = this.#tables;
    const steps = [
      [old, sentry],
      [original, old],
      [ghost, original],
    ] as const;
    const sql = `RENAME TABLE ${steps.map(([from, to]) => `${quoteTable(from)} TO ${quoteTable(to)}`).join(', ')}`;
    await session.execute(sql, { kill: false });
  }

  letGo(): void {}

  cancel(): void {}
}

/**
 * L's READ lock, under which readers go on and the ghost is brought up to date, is handed over to a WRITE lock of R, under which
 * R renames. R is in line while L still holds the table, and a WRITE lock goes before every waiting writer.
 *
 * States: waiting (R is in line, or has the lock too early, because L was lost) -> let go (R was seen in line behind L alone: no
 * writer can have come between) -> over | waiting -> cancelled. R renames in `let go` only.
 */
class HandOver implements SwapWay {
  readonly #tables: SwapTables;
  readonly #renames: readonly string[];
  #letGo: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  readonly #turn: Promise<void>;

  constructor(tables: SwapTables, renames: readonly string[]) {
    this.#tables = tables;
    this.#renames = renames;
    this.#turn = new Promise((resolve, reject) => {
      this.#letGo = resolve;
      this.#cancel = () => reject(new Transient('the cut-over attempt was given up'));
    });
    this.#turn.catch(() => undefined);
  }

  get lockSql(): string {
    return `LOCK TABLES ${quoteTable(this.#tables.original)} READ`;
  }

  readonly dropSentrySql = null;

  /** There is no sentry that would keep the place of the old table. */
  async prepare(lock: Session): Promise<void> {
    const { old } = this.#tables;
    if (await findTable(lock, old)) throw taken(old);
  }

  async rename(session: Session): Promise<void> {
    const { original, ghost } = this.#tables;
    await session.execute(`LOCK TABLES ${quoteTable(original)} WRITE, ${quoteTable(ghost)} WRITE`, {
      kill: false,
    });
    await this.#turn;
    for (const sql of this.#renames) await session.execute(sql, { kill: false });
    await session.execute('UNLOCK TABLES', { kill: false });
  }

  letGo(): void {
    this.#letGo();
  }

  cancel(): void {
    this.#cancel();
  }
}

/** Under LOCK TABLES not every server renames several tables in one statement, but every one lets a table be altered. */
function renamesOf(
  kind: 'two-step' | 'locked-rename',
  { original, ghost, old }: SwapTables,
): readonly string[] {
  const [table, renamed, kept] = [original, ghost, old].map(quoteTable);
  if (kind === 'locked-rename') return [`RENAME TABLE ${table} TO ${kept}, ${renamed} TO ${table}`];
  return [`ALTER TABLE ${table} RENAME TO ${kept}`, `ALTER TABLE ${renamed} RENAME TO ${table}`];
}

function taken(place: TableRef, cause?: unknown): Refusal {
  return new Refusal('old-table-exists', `table ${quoteTable(place)} appeared, and it is not ours`, {
    hint: 'The original table is untouched. Rename or drop that table, or use --timestamp-old-table.',
    cause,
  });
}
