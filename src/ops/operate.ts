import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Moments } from '../core/moments.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { MigrationControls } from '../core/snapshot.ts';
import type { CommandContext } from './command.ts';
import { ControlServer } from './control.ts';
import { checkFlagFile, flagFileExists, headerFacts } from './flag-files.ts';
import type { Log } from './log.ts';
import type { OptionValues } from './options.ts';
import type { ParsedOptions } from './parse-options.ts';
import { Reload } from './reload.ts';
import { respondUnlessVetoed, runWithMoments, StatusMoments } from './run-moments.ts';
import { abortOnSignals, reloadOnHangUp, type SignalSource } from './signals.ts';
import type { HeaderFacts } from './status.ts';
import { StatusPrinter } from './status-printer.ts';

/** A migration as its operators see it. */
export interface Operable {
  readonly controls: MigrationControls;
  readonly settings: LiveSettings;
  /** Runs to the end, or until the signal aborts. */
  run(signal: AbortSignal): Promise<unknown>;
}

/** What a run is operated with. */
export interface OperateParts {
  readonly options: ParsedOptions;
  readonly socketFile: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Gets each line for stdout, without its line break. */
  readonly print: (line: string) => void;
  readonly signals: SignalSource;
  /** What the operator wants done at the moments of the run. */
  readonly moments?: Moments | undefined;
  /** Samples and sends figures while the run lasts. */
  readonly statsd?: { run(signal: AbortSignal): Promise<void> } | undefined;
}

/**
 * Runs a migration within reach of its operators: status on stdout, control socket, panic flag file, signals.
 * A run without --execute is over in seconds and prints a plan, which status lines would only tear apart.
 * @throws what the run throws; UsageError when flag file or socket cannot be made, before anything has begun.
 */
export async function operate(migration: Operable, parts: OperateParts): Promise<void> {
  const { options, log, signals } = parts;
  const ending = new AbortController();
  const reload = new Reload(options, migration.settings, log);
  const stopReloading = reloadOnHangUp(signals, () => void reload.run());
  const stopListening = abortOnSignals(signals, (reason) => {
    log.warn(`${reason.message}: ending the run; a second signal exits at once, without cleaning up`);
    ending.abort(reason);
  });
  try {
    if (options.execute) await underControl(migration, parts, ending.signal);
    else await runWithMoments((signal) => migration.run(signal), parts.moments, ending.signal);
  } finally {
    stopListening();
    stopReloading();
  }
}

async function underControl(migration: Operable, parts: OperateParts, signal: AbortSignal): Promise<void> {
  const { options, log, clock, socketFile } = parts;
  const ended = new AbortController();
  const context = commandContext(migration, parts, ended.signal);
  const statuses = new StatusMoments(parts.moments, options.hooksStatusInterval * 1000);
  const printer = new StatusPrinter({
    ...{ ...context, clock, snapshot: () => migration.controls.snapshot() },
    printed: (snapshot, line) => statuses.printed(snapshot, line, ended.signal),
  });
  if (options.postponeCutOverFlagFile !== null) await checkFlagFile(options.postponeCutOverFlagFile);
  const server = new ControlServer({
    path: socketFile,
    dropFile: options.initiallyDropSocketFile,
    tcp: tcpOf(options),
    respond: (line) => respondUnlessVetoed(line, context, parts.moments),
    clock,
    warn: (message) => log.warn(message),
  });
  await server.open();
  const warn = (error: unknown): void => log.warn(messageOf(error));
  const loops = [
    printer.run(ended.signal).catch(warn),
    watchPanicFile(migration, parts, ended.signal).catch(warn),
    parts.statsd?.run(ended.signal).catch(warn),
  ];
  try {
    await runWithMoments((stop) => migration.run(stop), parts.moments, signal);
  } finally {
    ended.abort();
    await Promise.all([...loops, statuses.close()]);
    await printer.end().catch(warn);
    await server.close();
  }
}

function tcpOf({ serveTcpPort: port, serveTcpAddress: host, serveTcpToken: token }: OptionValues) {
  return port === 0 ? null : { host, port, token };
}

function commandContext(
  { controls, settings }: Operable,
  parts: OperateParts,
  over: AbortSignal,
): CommandContext {
  const { options, clock, log, print } = parts;
  const named = { cutOver: options.forceNamedCutOver, panic: options.forceNamedPanic };
  const facts = (): Promise<HeaderFacts> =>
    headerFacts([options.throttleFlagFile, settings.postponeFlagFile], options.throttleAdditionalFlagFile);
  // As gh-ost does: the status goes to stdout, and into the log.
  const printBoth = (line: string): void => {
    print(line);
    log.info(line);
  };
  return { controls, settings, facts, named, clock, over, print: printBoth };
}

/** Looks once a second for the file that abandons the run. */
async function watchPanicFile(
  { controls }: Operable,
  { options, clock }: OperateParts,
  signal: AbortSignal,
): Promise<void> {
  const path = options.panicFlagFile;
  while (path !== null && !signal.aborted) {
    if (await flagFileExists(path)) {
      controls.panic(`the panic flag file ${path} exists: the migration is abandoned without cleaning up`);
      return;
    }
    await clock.sleep(1000, signal).catch(() => undefined);
  }
}
