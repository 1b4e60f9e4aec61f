import { UsageError } from '../base/errors.ts';
import { parseAlter } from '../core/alter/clauses.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { OptionValues } from './options.ts';

/**
 * The table that is meant: by --database and --table, or by a full ALTER TABLE in --alter.
 * @throws UsageError when it is not named, or by two names.
 */
export function targetOf({ database, table, alter }: OptionValues): TableRef {
  const named = alter === null ? undefined : parseAlter(alter);
  return {
    schema: oneName('--database', database, named?.schema),
    name: oneName('--table', table, named?.table),
  };
}

function oneName(flag: string, given: string | null, named: string | undefined): string {
  const name = given ?? named;
  if (name === undefined)
    throw new UsageError(`${flag} must be given`, {
      hint: 'Or let --alter be a full statement: ALTER TABLE db.t ...',
    });
  // The server decides whether case matters; the flag is how it was meant then.
  if (named !== undefined && named.toLowerCase() !== name.toLowerCase())
    throw new UsageError(`${flag} says ${name}, but --alter says ${named}`);
  return name;
}
