import type { Key } from '../core/key.ts';

/**
 * Values that name keys in one statement at the most. Statements of 5000 keys cost up to a quarter less a key than those of 500;
 * but a DELETE of 10,000 keys of four columns took MariaDB three times as long a key as one of 2000 (measured).
 */
const scalarsMax = 10_000;

/** Keys named in one statement at the most, of keys with so many columns. */
export function keysPerStatement(columns: number): number {
  return Math.floor(scalarsMax / columns);
}

/** Length of a statement that names keys: fits servers with a max_allowed_packet of 256 KiB, and is long enough to be quick. */
export const statementCharsMax = 200_000;

/** Parts of so many keys at the most. */
export function* slices(keys: readonly Key[], size: number): Generator<readonly Key[]> {
  for (let i = 0; i < keys.length; i += size) yield keys.slice(i, i + size);
}

/** The statements of `render` for all the keys, none longer than the bound unless one key alone makes it so. */
export function* statements(
  keys: readonly Key[],
  render: (keys: readonly Key[]) => string,
  charsMax = statementCharsMax,
): Generator<{ readonly keys: readonly Key[]; readonly statement: string }> {
  const statement = render(keys);
  if (statement.length <= charsMax || keys.length === 1) {
    yield { keys, statement };
    return;
  }
  const half = Math.ceil(keys.length / 2);
  yield* statements(keys.slice(0, half), render, charsMax);
  yield* statements(keys.slice(half), render, charsMax);
}
