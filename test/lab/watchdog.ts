import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads from its input, a line a change, which process it has to end; the end of its input is the end of
 * our process, in whatever way it came. A process counts as ours while its command line names the folder.
 */
const SCRIPT = `
dir=$1; pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  { tr '\\0' ' ' < "/proc/$pid/cmdline" || ps -o args= -p "$pid"; } 2>/dev/null | grep -qF "$dir" && kill -9 "$pid"
fi
tries=0
while [ -e "$dir" ] && [ $tries -lt 100 ]; do
  rm -rf "$dir" 2>/dev/null; tries=$((tries + 1)); [ -e "$dir" ] && sleep 0.1
done
`;

/**
 * Sees to it that a server and its folder are gone when this process is, also when it is killed: a shell in a
 * session of its own waits for the end of a pipe that only this process holds.
 */
export class Watchdog {
  readonly #folder: string;
  readonly #shell: ChildProcess;

  /** @param folder the folder to remove; the server's command line must name it. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'poltergeist-lab-watchdog', folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    this.#shell.stdin?.on('error', () => {}); // it is gone: nothing left to guard
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?: () => void }).unref?.();
  }

  /** Tells which process runs now; undefined when none does. */
  guard(pid: number | undefined): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** Ends the process, removes the folder, and waits until that is done. */
  async finish(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) resolve();
      else this.#shell.once('exit', () => resolve());
    });
    this.#shell.ref();
    this.#shell.stdin?.end();
    await Promise.race([ended, sleep(15_000, undefined, { ref: false })]);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
