import { createHash } from 'node:crypto';
import { link, lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';

/** The longest path of a unix socket in bytes: 104 on macOS and BSD, 108 on Linux, with the closing NUL. */
const pathBytesMax = 103;

let claims = 0;

/** A socket file that is ours. */
export interface SocketFile {
  /** Removes it, unless somebody else's has taken its place. Never throws. */
  remove(): Promise<void>;
}

/** Where the socket of a migration is when nothing else is said; names too long, or with a slash, are hashed. */
export function defaultSocketFile(schema: string, table: string): string {
  const name = `gh-ost.${schema}.${table}.sock`;
  const path = join(tmpdir(), name);
  if (!name.includes('/') && Buffer.byteLength(path) <= pathBytesMax) return path;
  const hash = createHash('sha256').update(`${schema}.${table}`).digest('hex').slice(0, 16);
  return join(tmpdir(), `gh-ost.${hash}.sock`);
}

/**
 * Makes `server` listen on a unix socket that only our account may use.
 *
 * The socket is bound under another name, with a mask that leaves it 0600 from the moment it exists, and then
 * linked to its name: that fails when somebody else's file is there, so that two starting at once cannot both
 * win. A file that nobody answers on is what a killed process left, and is removed.
 *
 * @throws UsageError when the file is in use, is no socket, or cannot be made.
 */
export async function claimSocketFile(server: Server, path: string, drop: boolean): Promise<SocketFile> {
  if (Buffer.byteLength(path) > pathBytesMax)
    throw new UsageError(`--serve-socket-file: a socket's path has at most ${pathBytesMax} bytes: ${path}`, {
      hint: 'Choose a shorter path, for example in /tmp.',
    });
  if (drop) await rm(path, { force: true });
  else await removeStale(path);
  const unpublished = join(dirname(path), `.g${process.pid}.${++claims}`);
  try {
    await rm(unpublished, { force: true });
    await listen(server, unpublished);
    await link(unpublished, path);
    const { ino } = await lstat(path);
    return { remove: () => removeIfSame(path, ino) };
  } catch (error) {
    server.close();
    throw new UsageError(`cannot serve on the socket ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: `Is the folder ${dirname(path)} there, and may this account write to it?`,
    });
  } finally {
    await rm(unpublished, { force: true });
  }
}

async function listen(server: Server, path: string): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Binding happens before listen() returns, so that the mask is changed for nobody else.
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
  await listening;
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket())
    throw new UsageError(`--serve-socket-file: ${path} exists and is no socket`, {
      hint: 'Remove it, choose another path, or give --initially-drop-socket-file.',
    });
  if (await answers(path))
    throw new UsageError(`--serve-socket-file: a live process serves on ${path}`, {
      hint: 'Is the same table being migrated already? Otherwise choose another path.',
    });
  await removeIfSame(path, found.ino);
}

/** True unless connecting is refused: in doubt somebody is there. */
async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

async function removeIfSame(path: string, ino: number): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.ino === ino) await rm(path, { force: true }).catch(() => undefined);
}
