import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';

/** Between asking a hook to end and ending it, ms. */
const graceMs = 2000;

/** What a program is run with. */
export interface HookProcessOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one program in a process group of its own, so that a Ctrl-C meant for us does not reach it, and the whole group can be
 * ended. Its stdout and stderr go to our stderr; what it starts and leaves in the background does not keep us.
 * @returns why it failed, or null. A program over its time is one that failed.
 * @throws the signal's reason, after its group has been ended.
 */
export async function runHookProcess(path: string, options: HookProcessOptions): Promise<string | null> {
  const { env, timeoutMs, clock, signal } = options;
  signal?.throwIfAborted();
  const stderr = process.stderr.fd;
  const child = spawn(path, [], { detached: true, stdio: ['ignore', stderr, stderr], env });
  const ended = endOf(child);
  // A second signal makes us exit at once: no hook may go on alone.
  const onExit = (): void => endGroup(child, 'SIGKILL');
  process.once('exit', onExit);
  const watch = new AbortController();
  const late = clock.sleep(timeoutMs, signal ? AbortSignal.any([watch.signal, signal]) : watch.signal).then(
    () => 'late' as const,
    () => 'aborted' as const,
  );
  try {
    const first = await Promise.race([ended, late]);
    if (typeof first === 'object') return first.trouble;
    await endGently(child, ended, clock);
    signal?.throwIfAborted();
    return `it took longer than ${timeoutMs / 1000} s and was ended`;
  } finally {
    watch.abort();
    process.off('exit', onExit);
  }
}

interface End {
  /** Null: it went well. */
  readonly trouble: string | null;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ trouble: messageOf(error) }));
    child.once('exit', (code, killed) => {
      const how = killed === null ? `exit status ${code}` : `ended by ${killed}`;
      resolve({ trouble: code === 0 ? null : how });
    });
  });
}

async function endGently(child: ChildProcess, ended: Promise<End>, clock: Clock): Promise<void> {
  endGroup(child, 'SIGTERM');
  const stop = new AbortController();
  await Promise.race([ended, clock.sleep(graceMs, stop.signal).catch(() => undefined)]);
  stop.abort();
  // Whoever of the group is left, the program itself or what it started.
  endGroup(child, 'SIGKILL');
  await ended;
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left.
  }
}
