import { Transient } from '../base/errors.ts';

/**
 *  - connect-failed   no connection could be made; no statement of the caller was sent
 *  - connection-lost  the connection ended under us
 *  - timeout          the statement's deadline passed; its connection was given up
 *  - aborted          the caller's signal; never retried. The signal's reason is the cause
 */
export type SessionErrorCode = 'connect-failed' | 'connection-lost' | 'timeout' | 'aborted';

/** What a SessionError tells. */
export interface SessionErrorFacts {
  readonly code: SessionErrorCode;
  /** The session's name. */
  readonly session: string;
  /** The shortened statement that was in flight, null when none was. */
  readonly statement: string | null;
  readonly mayHaveCommitted: boolean;
  readonly cause?: unknown;
  readonly hint?: string;
}

/** A session that can no longer be used. Open another one. */
export class SessionError extends Transient {
  readonly code: SessionErrorCode;
  readonly session: string;
  readonly statement: string | null;
  /** True when a statement that changes something was in flight and the server's answer was not seen. */
  readonly mayHaveCommitted: boolean;

  constructor(message: string, facts: SessionErrorFacts) {
    super(message, { cause: facts.cause, ...(facts.hint ? { hint: facts.hint } : {}) });
    this.code = facts.code;
    this.session = facts.session;
    this.statement = facts.statement;
    this.mayHaveCommitted = facts.mayHaveCommitted;
  }
}

const STATEMENT_LENGTH = 160;

/** A statement for messages and logs: on one line, cut, and without passwords. */
export function shortened(sql: string): string {
  // The head is enough, and keeps the patterns away from megabytes of keys.
  const line = sql
    .slice(0, 4 * STATEMENT_LENGTH)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\b(identified\b.*?\b(?:by|as)|password\b\s*(?:=|\()?)\s*('[^']*'?|"[^"]*"?)/gi, '$1 ***')
    .replace(/(:\/\/[^:@/\s']*):[^@\s']*@/g, '$1:***@');
  return line.length > STATEMENT_LENGTH || sql.length > 4 * STATEMENT_LENGTH
    ? `${line.slice(0, STATEMENT_LENGTH)}...`
    : line;
}

/** The error of a session that has ended or was given up at a statement. `why` says what happened. */
export function sessionError(
  session: string,
  code: SessionErrorCode,
  why: string,
  statement: string | null,
  mayHaveCommitted: boolean,
  cause?: unknown,
): SessionError {
  const head =
    code === 'connection-lost' ? 'lost its connection' : code === 'timeout' ? 'timed out' : 'stopped';
  const message = `Session ${session} ${head}: ${why}${statement === null ? '' : `, at: ${statement}`}`;
  return new SessionError(message, { code, session, statement, mayHaveCommitted, cause });
}

/** Whether a statement whose answer was not seen may have changed something for good. */
export function mayCommit(sql: string, inTransaction: boolean): boolean {
  if (/^\s*(select|show|explain|describe|start|set|use)\b/i.test(sql)) return false;
  // Within a transaction only what ends it can: DDL and COMMIT, which this list leaves out.
  return !(inTransaction && /^\s*(insert|replace|update|delete|rollback)\b/i.test(sql));
}
