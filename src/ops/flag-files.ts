import { constants } from 'node:fs';
import { access, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { Moments } from '../core/moments.ts';
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
 * @returns whether it was not there.
 * @throws UsageError when it cannot be created.
 */
export async function createFlagFile(path: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'ax', 0o644)).close();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST' && (await flagFileExists(path))) return false;
    throw cannotCreate(path, error);
  }
}

/**
 * Finds out whether a flag file could be created, without creating it.
 * @throws UsageError when it could not.
 */
export async function checkFlagFile(path: string): Promise<void> {
  if (await flagFileExists(path)) return;
  let folder = dirname(resolve(path));
  while (!(await flagFileExists(folder)) && folder !== dirname(folder)) folder = dirname(folder);
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw cannotCreate(path, error);
  }
}

function cannotCreate(path: string, error: unknown): UsageError {
  return new UsageError(`cannot create the flag file ${path}: ${messageOf(error)}`, { cause: error });
}

/**
 * Has the postpone flag file created once everything is validated, right before the hook is told: a run that is refused, or
 * that the hook does not want, leaves none behind.
 * @param path as it is set then; null: none.
 */
export function withPostponeFile(moments: Moments | undefined, path: () => string | null): Moments {
  return {
    async reach(moment, signal, facts) {
      const file = moment === 'validated' ? path() : null;
      const made = file !== null && (await createFlagFile(file));
      try {
        await moments?.reach(moment, signal, facts);
      } catch (error) {
        if (made) await rm(file, { force: true });
        throw error;
      }
    },
  };
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
