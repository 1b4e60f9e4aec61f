import { messageOf, Refusal } from '../base/errors.ts';
import type { Moments } from '../core/moments.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { CommandContext } from './command.ts';
import { respond } from './commands.ts';

/**
 * A run between its first and its last moment. The end of a run is told whatever ended it, a signal as well; only a second
 * signal goes before that.
 * @throws what the run throws, or the hook that vetoed.
 */
export async function runWithMoments(
  run: (signal: AbortSignal) => Promise<unknown>,
  moments: Moments | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    signal.throwIfAborted();
    await moments?.reach('startup', signal);
    await run(signal);
    await moments?.reach('success');
  } catch (error) {
    await moments?.reach('failure', undefined, { error: tellAll(error) });
    throw error;
  }
}

function tellAll(error: unknown): string {
  const also = error instanceof Refusal ? error.also : [];
  return [error, ...also].map(messageOf).join('; ');
}

/** Answers a line of the control socket, unless a hook does not want it obeyed: then its failure is the answer. */
export function respondUnlessVetoed(
  line: string,
  context: CommandContext,
  moments: Moments | undefined,
): Promise<string> {
  return respond(line, context, async ({ name: command, argument }) => {
    await moments?.reach('interactive-command', undefined, { command, argument });
  });
}

/**
 * Reaches the moment `status` with a line that was printed, at the most once every `intervalMs` of the run and never beside
 * itself; nobody waits for it.
 */
export class StatusMoments {
  readonly #moments: Moments | undefined;
  readonly #intervalMs: number;
  #lastMs = 0;
  #running: Promise<void> | null = null;

  constructor(moments: Moments | undefined, intervalMs: number) {
    this.#moments = moments;
    this.#intervalMs = intervalMs;
  }

  /** A status line was printed. */
  printed({ elapsedMs }: Snapshot, line: string, signal: AbortSignal): void {
    const due = Math.floor(elapsedMs / this.#intervalMs) > Math.floor(this.#lastMs / this.#intervalMs);
    if (this.#moments === undefined || !due || this.#running !== null) return;
    this.#lastMs = elapsedMs;
    this.#running = this.#moments
      .reach('status', signal, { status: line })
      // It only throws because the run is over.
      .catch(() => undefined)
      .finally(() => {
        this.#running = null;
      });
  }

  /** Waits for the one that is running. */
  async close(): Promise<void> {
    await this.#running;
  }
}
