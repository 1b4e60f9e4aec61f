import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from './cache.ts';
import { mustRun } from './run.ts';

const source = fileURLToPath(new URL('./server-clock.c', import.meta.url));
const library = 'server-clock.so';

const compiler = ['cc', 'gcc', 'clang'].find((name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name))),
);

/** Why no clock can be made here; undefined where one can. */
export const clockObstacle =
  process.platform !== 'linux' || compiler === undefined
    ? 'the clock of a server is set by a library that wants Linux and a C compiler'
    : undefined;

/**
 * A wall clock that private servers run by, and that a test can set: `env` goes into their setup. What they measure by a
 * monotonic clock goes on evenly, as it does on a machine whose clock is set.
 */
export class ServerClock {
  readonly #folder: string;
  readonly #file: number;
  readonly env: Readonly<Record<string, string>>;

  private constructor(libraryPath: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'poltergeist-clock-'));
    const path = join(this.#folder, 'offset');
    this.#file = openSync(path, 'w');
    this.env = { LD_PRELOAD: libraryPath, SERVER_CLOCK: path };
    this.set(0);
  }

  /** A clock that shows the right time. @throws an Error where there is an obstacle. */
  static async make(): Promise<ServerClock> {
    if (clockObstacle !== undefined) throw new Error(clockObstacle);
    const version = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 8);
    const folder = await cached(`server-clock-${version}`, async (built) => {
      await mustRun([compiler!, '-O2', '-shared', '-fPIC', '-o', join(built, library), source, '-ldl']);
    });
    return new ServerClock(join(folder, library));
  }

  /** Sets it to so many seconds from the right time, at once. */
  set(offsetSeconds: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(offsetSeconds));
    writeSync(this.#file, bytes, 0, 8, 0);
  }

  /** Its servers must have ended. */
  remove(): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
