import { access, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { HeaderFacts } from './status.ts';

/** True when the file exists. What cannot be looked at (no permission on the way) counts as not there. */
export async function flagFileExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Creates an empty flag file unless it is there; its content is never touched.
 * @throws UsageError when it cannot be created.
 */
export async function createFlagFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'a', 0o644)).close();
  } catch (error) {
    throw new UsageError(`cannot create the flag file ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Looks at all flag files of a header at once. */
export async function headerFacts(
  paths: readonly (string | null)[],
  additionalFlagFile: string | null,
): Promise<HeaderFacts> {
  const named = [...paths, additionalFlagFile].filter((path) => path !== null);
  const found = await Promise.all(named.map(flagFileExists));
  const present = new Set(named.filter((_, index) => found[index]));
  return { exists: (path) => present.has(path), additionalFlagFile };
}
