import type { Key } from '../core/key.ts';

/** Keys named in one statement at the most: an exclusive sync may have many. */
export const keysPerStatementMax = 1000;
/** Length of a statement that names keys: fits servers with a max_allowed_packet of 256 KiB, and is long enough to be quick. */
export const statementCharsMax = 200_000;

/** Parts of so many keys at the most. */
export function* slices(keys: readonly Key[], size = keysPerStatementMax): Generator<readonly Key[]> {
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
