import type { Clock } from '../base/clock.ts';
import { Bug, invariant, messageOf } from '../base/errors.ts';
import type { ConnectionOptions } from './connection-options.ts';
import {
  type Answer,
  ask,
  connect,
  cut,
  type DriverConnection,
  isServerError,
  type Outcome,
  quit,
} from './driver.ts';
import { capabilitiesSql, profileSql, type SessionProfile } from './profile.ts';
import { type Row, text } from './row.ts';
import { classify, ServerError } from './server-error.ts';
import { mayCommit, SessionError, type SessionErrorCode, sessionError, shortened } from './session-error.ts';
import type { Pending, Stopped } from './session-pending.ts';
import { placeOf } from './session-place.ts';
import type { SessionSetup, StatementLimits, TransactionHow } from './session-setup.ts';
import { isStillThere } from './still-there.ts';

export type { Outcome } from './driver.ts';
export type { Row, Value } from './row.ts';
export type { SessionSetup, StatementLimits, TransactionHow } from './session-setup.ts';

/** How long to wait for another connection to kill a statement, and then for the killed one to answer. */
const KILL_DEADLINE_MS = 3000;
const CLOSE_DEADLINE_MS = 1000;
const ROLLBACK_DEADLINE_MS = 10_000;

/**
 * One connection with its state: locks, transaction, variables. Never pooled implicitly, never reconnected.
 *
 * States: idle <-> busy -> gone.
 *  - idle  a statement may be sent.
 *  - busy  one statement is in flight; a second one at the same time is a Bug.
 *  - gone  closed, destroyed, lost, or given up with a statement; every further statement throws SessionError
 *          `connection-lost` with `mayHaveCommitted: false`.
 */
export class Session {
  readonly name: string;
  readonly options: ConnectionOptions;
  readonly #connection: DriverConnection;
  readonly #clock: Clock;
  readonly #profile: SessionProfile;
  #threadId: number;
  #serverIdentity = '';
  #host: string | null = null;
  #killable = false;
  #pending: Pending | null = null;
  #inTransaction = false;
  #gone: string | null = null;

  private constructor(options: ConnectionOptions, setup: SessionSetup, connection: DriverConnection) {
    this.options = options;
    this.name = setup.name;
    this.#clock = setup.clock;
    this.#profile = setup.profile;
    this.#connection = connection;
    this.#threadId = connection.threadId;
    connection.on('error', (error: Error) => this.#lose(messageOf(error)));
    connection.on('end', () => this.#lose('the server closed the connection'));
  }

  /**
   * Connects and sets the session up (three round trips after the handshake).
   * @throws as `connect` in driver.ts, and as `execute`.
   */
  static async open(options: ConnectionOptions, setup: SessionSetup): Promise<Session> {
    const connection = await connect(options, setup.name, setup.clock, setup.signal);
    const session = new Session(options, setup, connection);
    try {
      await session.#setUp(setup.signal);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** CONNECTION_ID(). */
  get threadId(): number {
    return this.#threadId;
  }

  /** Server id, host name and port as the server tells them: equal on two sessions of one server. */
  get serverIdentity(): string {
    return this.#serverIdentity;
  }

  /** Where the server sees us, as its process list writes it; null where it did not tell. */
  get host(): string | null {
    return this.#host;
  }

  /** Whether a statement may still be sent. */
  get usable(): boolean {
    return this.#gone === null;
  }

  /**
   * The rows of a SELECT, SHOW, CHECK ...; none for a statement without rows.
   * @throws SessionError (`connection-lost`, `timeout`, `aborted`): the session is gone; ServerError.
   */
  async query(sql: string, limits: StatementLimits = {}): Promise<readonly Row[]> {
    return (await this.#run(sql, limits)).rows;
  }

  /**
   * Runs a statement that has no rows.
   * @throws as `query`; Bug when there are rows.
   */
  async execute(sql: string, limits: StatementLimits = {}): Promise<Outcome> {
    const { outcome } = await this.#run(sql, limits);
    if (!outcome) throw new Bug(`${this.name}: rows came from a statement without rows: ${shortened(sql)}`);
    return outcome;
  }

  /**
   * Runs `work` in a transaction of this session: COMMIT when it resolves, ROLLBACK when it throws.
   * @throws what `work` throws; SessionError, whose `mayHaveCommitted` is true only if COMMIT was in flight.
   */
  async transaction<T>(work: (session: Session) => Promise<T>, how: TransactionHow = {}): Promise<T> {
    invariant(!this.#inTransaction, `${this.name}: a transaction within a transaction`);
    if (how.snapshot) {
      await this.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await this.execute('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    } else {
      await this.execute('START TRANSACTION');
    }
    this.#inTransaction = true;
    try {
      const result = await work(this);
      await this.execute('COMMIT');
      return result;
    } catch (error) {
      await this.#rollback();
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Ends the session politely, within a second; at once if a statement is in flight. Never throws. */
  async close(): Promise<void> {
    if (this.#pending || this.#gone !== null) return this.destroy('closed');
    this.#gone = 'closed';
    const timer = new AbortController();
    const deadline = this.#clock.sleep(CLOSE_DEADLINE_MS, timer.signal).catch(() => {});
    await Promise.race([quit(this.#connection), deadline]);
    timer.abort();
    cut(this.#connection);
  }

  /** Ends the session now. A statement in flight throws `connection-lost`; on the server it may go on. */
  destroy(why = 'destroyed by us'): void {
    this.#lose(why);
    cut(this.#connection);
  }

  async #setUp(signal?: AbortSignal): Promise<void> {
    const limits = { timeoutMs: this.options.connectTimeoutMs, kill: false, ...(signal ? { signal } : {}) };
    const rows = await this.query(capabilitiesSql, limits);
    const variables = new Map(rows.map((row) => [text(row, 'Variable_name'), text(row, 'Value')]));
    await this.execute(profileSql(this.#profile, variables), limits);
    this.#threadId = Number(variables.get('pseudo_thread_id') ?? this.#threadId);
    // Where a proxy stands between us and the server, a KILL by id could hit somebody else.
    this.#killable = this.#threadId === this.#connection.threadId;
    this.#serverIdentity = ['server_id', 'hostname', 'port'].map((name) => variables.get(name)).join('/');
    this.#host = await placeOf(this, limits);
  }

  async #run(sql: string, limits: StatementLimits): Promise<Exclude<Answer, { error: Error }>> {
    invariant(!this.#pending, `${this.name}: two statements at once, the second: ${shortened(sql)}`);
    const statement = shortened(sql);
    if (this.#gone !== null) {
      throw this.#error('connection-lost', `the connection had ended (${this.#gone})`, statement, false);
    }
    const { signal } = limits;
    if (signal?.aborted) {
      throw this.#error('aborted', 'given up before it was sent', statement, false, signal.reason);
    }
    const answer = await this.#answer(sql, statement, limits);
    if (!('error' in answer)) return answer;
    throw this.#meaning(answer.error, statement, mayCommit(sql, this.#inTransaction));
  }

  /** The answer to a statement; a SessionError in it when we stopped waiting. */
  async #answer(sql: string, statement: string, limits: StatementLimits): Promise<Answer> {
    const timeoutMs = limits.timeoutMs ?? this.#profile.statementTimeoutMs;
    const commits = mayCommit(sql, this.#inTransaction);
    const done = new AbortController();
    const answer = ask(this.#connection, sql);
    let stopped: Stopped | null = null;
    const given = new Promise<Answer>((resolve) => {
      this.#pending = { statement, mayCommit: commits, giveUp: (error) => resolve({ error }) };
    });
    const stop = (reason: Stopped): void => {
      if (stopped || done.signal.aborted) return;
      stopped = reason;
      void this.#stopOnServer(answer, limits.kill ?? true).then(() => {
        this.#pending?.giveUp(this.#error(reason.code, reason.why, statement, commits, reason.cause));
      });
    };
    const onAbort = (): void => stop({ code: 'aborted', why: 'given up', cause: limits.signal?.reason });
    limits.signal?.addEventListener('abort', onAbort, { once: true });
    if (timeoutMs !== null) {
      const late = (): void => stop({ code: 'timeout', why: `no answer within ${timeoutMs} ms` });
      this.#clock.sleep(timeoutMs, done.signal).then(late, () => {});
    }
    try {
      return this.#judge(await Promise.race([answer, given]), statement, stopped);
    } finally {
      done.abort();
      limits.signal?.removeEventListener('abort', onAbort);
      this.#pending = null;
      if (stopped) this.destroy((stopped as Stopped).why);
    }
  }

  /** What the answer to a stopped statement means: our own KILL proves that it changed nothing. */
  #judge(answer: Answer, statement: string, stopped: Stopped | null): Answer {
    if (!stopped) return answer;
    // A killed SLEEP() answers with rows, as if it had ended by itself.
    const killed = 'error' in answer ? classify(answer.error) === 'killed' : answer.outcome === null;
    if (!killed) return answer;
    return { error: this.#error(stopped.code, stopped.why, statement, false, stopped.cause) };
  }

  /** Ends a statement on the server, within bounds, and lets its answer arrive. Never throws. */
  async #stopOnServer(answer: Promise<Answer>, kill: boolean): Promise<void> {
    if (!kill || !this.#killable) return;
    const timer = new AbortController();
    const deadline = this.#clock.sleep(KILL_DEADLINE_MS, timer.signal).catch(() => {});
    await Promise.race([this.#killStatement().then(() => answer), answer, deadline]).catch(() => {});
    timer.abort();
  }

  async #killStatement(): Promise<void> {
    const side = await Session.open(
      this.options.with({ connectTimeoutMs: Math.min(this.options.connectTimeoutMs, KILL_DEADLINE_MS) }),
      {
        profile: { ...this.#profile, statementTimeoutMs: KILL_DEADLINE_MS },
        clock: this.#clock,
        name: `${this.name} (kill)`,
      },
    );
    try {
      if (!(await isStillThere(side, this, { kill: false }))) return;
      await side.execute(`KILL QUERY ${this.threadId}`, { kill: false });
    } finally {
      await side.close();
    }
  }

  async #rollback(): Promise<void> {
    if (this.#gone !== null) return;
    try {
      await this.execute('ROLLBACK', { timeoutMs: ROLLBACK_DEADLINE_MS, kill: false });
    } catch {
      // The end of the connection rolls back as well.
      this.destroy('ROLLBACK failed');
    }
  }

  /** The error to throw for an error in an answer. */
  #meaning(error: Error, statement: string, commits: boolean): Error {
    if (error instanceof SessionError) return error;
    if (isServerError(error) && classify(error) !== 'connection') {
      return new ServerError(error, `session ${this.name}: ${statement}`);
    }
    if (!isServerError(error) && classify(error) !== 'connection' && !(error as { fatal?: boolean }).fatal) {
      return new Bug(`${this.name}: the driver failed at ${statement}: ${error.message}`, { cause: error });
    }
    this.destroy(error.message);
    return this.#error('connection-lost', error.message, statement, commits, error);
  }

  #error(
    code: SessionErrorCode,
    why: string,
    statement: string,
    commits: boolean,
    cause?: unknown,
  ): SessionError {
    return sessionError(this.name, code, why, statement, commits, cause);
  }

  #lose(why: string): void {
    this.#gone ??= why;
    const pending = this.#pending;
    if (!pending) return;
    pending.giveUp(this.#error('connection-lost', why, pending.statement, pending.mayCommit));
  }
}
