import type { Clock } from '../base/clock.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { MigrationControls } from '../core/snapshot.ts';
import { type HeaderFacts, statusHeader, statusLine } from './status.ts';

/** What commands act upon. */
export interface CommandContext {
  readonly controls: MigrationControls;
  readonly settings: LiveSettings;
  readonly facts: () => Promise<HeaderFacts>;
  /** Commands that must name the table: `--force-named-cut-over`, `--force-named-panic`. */
  readonly named: { readonly cutOver: boolean; readonly panic: boolean };
  readonly clock: Clock;
  /** Aborts when the run is over: nothing that a command began may outlive it. */
  readonly over: AbortSignal;
  /** Every status that is answered is printed here, too: the log of a run shows what its operators saw. */
  readonly print: (line: string) => void;
}

/** One command of the control socket. */
export interface Command {
  /** The name and its aliases. */
  readonly names: readonly [string, ...string[]];
  /** How the argument is written in `help`; empty where it takes none. */
  readonly argument: string;
  readonly text: string;
  /**
   * Answers, with lines but without the last line break.
   * @param argument empty where the line has none; `?` asks for the value in force.
   * @throws UsageError, whose message is the answer.
   */
  readonly run: (context: CommandContext, argument: string) => Promise<string>;
}

/** What gh-ost says before the status where somebody asks to rest. */
export const throttleNote = '# Note: you may only throttle for as long as your binary logs are not purged';

/** The header and the status line. */
export async function status({ controls, facts, print }: CommandContext, before = ''): Promise<string> {
  const found = await facts();
  const snapshot = controls.snapshot();
  const lines = [...statusHeader(snapshot, found), statusLine(snapshot)];
  for (const line of lines) print(line);
  return [...(before === '' ? [] : [before]), ...lines].join('\n');
}
