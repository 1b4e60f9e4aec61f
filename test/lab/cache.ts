import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOCK_POLL_MS = 100;
const LOCK_WAIT_MS = 300_000;

/** The user's cache folder of this project: `$XDG_CACHE_HOME/poltergeist`, or the same below `~/.cache`. */
export function cacheFolder(): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'poltergeist');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The path of a cached folder, which `build` makes once in a temporary place; it appears whole or not at all,
 * also when several processes ask for it at the same time.
 * @param name name of the folder below the cache folder.
 * @throws what `build` throws; an Error when another process holds the lock for five minutes.
 */
export async function cached(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const target = join(cacheFolder(), name);
  if (existsSync(target)) return target;
  const unlock = await lock(`${target}.lock`);
  const temporary = `${target}.tmp-${process.pid}`;
  try {
    if (existsSync(target)) return target;
    mkdirSync(temporary, { recursive: true });
    await build(temporary);
    renameSync(temporary, target);
    return target;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    unlock();
  }
}

async function lock(path: string): Promise<() => void> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  while (!tryLock(path)) {
    if (performance.now() > deadline) throw new Error(`${path} is held by another process for too long`);
    await sleep(LOCK_POLL_MS);
  }
  return () => rmSync(path, { force: true });
}

/** A lock is a file with the owner's process id; one whose owner is dead is taken away. */
function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = ownerOf(path);
  if (owner > 0 && !isAlive(owner)) rmSync(path, { force: true });
  return false;
}

function ownerOf(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0; // released in between
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
