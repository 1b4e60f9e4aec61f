/**
 * Errors are chosen by what the caller may do next, and each can carry a hint: what an operator should do
 * now.
 *
 *  - UsageError  the command line or a live command is wrong; nothing was touched. Exit 2.
 *  - Refusal     this migration cannot be done safely; nothing was touched. Exit 2.
 *  - Transient   may succeed when tried again; retried within bounds by whoever owns the retry. Exit 1 when
 *                it surfaces.
 *  - Failure     the migration cannot go on; the original table is as it was. Exit 1.
 *  - Abandoned   the operator asked for it (panic, signal). Exit 1.
 *  - Ambiguous   the server may or may not have done it: never retried, a person must look. Exit 3.
 *  - Bug         an assertion of ours does not hold. Exit 1.
 */
export interface ErrorDetail {
  /** What the operator should do now, in one or two sentences. */
  readonly hint?: string;
  /** What caused it. */
  readonly cause?: unknown;
  /** Where what becomes of our tables hangs on it. */
  readonly reason?: EndReason;
}

/**
 * Reasons for which a run ends, where they decide what becomes of its tables (migrator/aftermath.ts):
 *
 *  - collision      two rows of the original cannot both be in the new table
 *  - world-changed  somebody changed the original, or our tables, under us: what was copied is of no use any
 *                   more
 *  - lock-lost      another run may have begun: the tables may be its own by now
 *  - panic          the operator wants everything left as it is
 */
export type EndReason = 'collision' | 'world-changed' | 'lock-lost' | 'panic';

/** Exit codes of the command: 0 done, 1 failed or abandoned, 2 usage or refusal, 3 outcome to be checked. */
export type ExitCode = 0 | 1 | 2 | 3;

/** The root of all errors this tool throws on purpose. */
export abstract class PoltergeistError extends Error {
  readonly hint: string | undefined;
  readonly reason: EndReason | undefined;
  abstract readonly exitCode: ExitCode;

  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.hint = detail.hint;
    this.reason = detail.reason;
  }
}

/** The command line or a live command is wrong. */
export class UsageError extends PoltergeistError {
  override readonly exitCode = 2;
}

/** What a Refusal can carry besides. */
interface RefusalDetail extends ErrorDetail {
  readonly also?: readonly Refusal[];
}

/** `code` names the reason in a word, stable for scripts and tests (for example `foreign-key`). */
export class Refusal extends PoltergeistError {
  override readonly exitCode = 2;
  readonly code: string;
  /** What else stands in the way: see refusals.ts. */
  readonly also: readonly Refusal[];
  constructor(code: string, message: string, detail: RefusalDetail = {}) {
    super(message, detail);
    this.code = code;
    this.also = detail.also ?? [];
  }
}

/** May succeed when tried again. */
export class Transient extends PoltergeistError {
  override readonly exitCode = 1;
}

/** The migration cannot go on; the original is as it was. */
export class Failure extends PoltergeistError {
  override readonly exitCode = 1;
}

/** The operator asked for the end. */
export class Abandoned extends PoltergeistError {
  override readonly exitCode = 1;
}

/** The server may or may not have done it: a person must look. */
export class Ambiguous extends PoltergeistError {
  override readonly exitCode = 3;
}

/** An assertion of ours does not hold. */
export class Bug extends PoltergeistError {
  override readonly exitCode = 1;
}

/**
 * Asserts what must hold.
 * @throws Bug with `message` when `condition` is false.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition)
    throw new Bug(message, { hint: 'This is a defect of poltergeist: please report it with the log.' });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An Error made of anything that was thrown. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
