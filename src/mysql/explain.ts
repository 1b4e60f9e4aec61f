import { Failure, Transient } from '../base/errors.ts';
import { isTransient, ServerError, type ServerErrorKind } from './server-error.ts';

const untouched = 'The original table is untouched.';

/** Two rows that collide are told from a stale one in a temporary table that has none. */
const wantsPrimaryKey =
  `${untouched} sql_require_primary_key is ON, and a temporary table without a primary key is needed: ` +
  'grant SESSION_VARIABLES_ADMIN to the account, and start again.';

/** What an operator should do about a server's error in the data path, by kind. */
const hints: { readonly [K in ServerErrorKind]?: string } = {
  'read-only':
    `${untouched} The server does not accept writes any more: it was demoted, or somebody set ` +
    'read_only. Find the primary and start again there.',
  'disk-full':
    `${untouched} The server has no room for the ghost table: it needs as much as the original. ` +
    'Make room and start again.',
  privilege: `${untouched} The account lost a privilege. Grant it and start again.`,
  data:
    `${untouched} A row does not fit the new definition, and nothing is cut or changed in ` +
    'silence. Mend the row and go on with --resume, or change the ALTER and start again; ' +
    '--allow-lossy names columns whose values may be cut or changed.',
  missing:
    `${untouched} A table or column vanished: somebody else changed the schema. Look at it and ` +
    'start again.',
  packet:
    `${untouched} A statement or row is larger than the server's max_allowed_packet: raise it and ` +
    'start again.',
  'range-memory':
    `${untouched} The server would have read the whole table for a batch of keys ` +
    '(range_optimizer_max_mem_size).',
};

/**
 * What the error of an idempotent statement means to the run.
 * @returns a Transient where another try is worth it, else a Failure with a hint; what is no error of the
 * server as it is.
 */
export function judgeServerError(error: unknown): unknown {
  if (!(error instanceof ServerError)) return error;
  // Somebody killed the statement, not the session: it changed nothing.
  if (isTransient(error.kind) || error.kind === 'killed')
    return new Transient(error.message, { cause: error });
  return new Failure(error.message, { cause: error, hint: explainServerError(error) });
}

/** A hint for a ServerError that ends the migration. */
export function explainServerError(error: ServerError): string {
  if (error.errno === 3750) return wantsPrimaryKey;
  return hints[error.kind] ?? `${untouched} See what the server says.`;
}
