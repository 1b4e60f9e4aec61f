import { Abandoned } from '../base/errors.ts';

/** The signals that end a run, with their numbers. */
const endings = { SIGINT: 2, SIGTERM: 15 } as const;

type Ending = keyof typeof endings;

/** What is needed of `process`. */
export interface SignalSource {
  on(signal: Ending | 'SIGHUP', listener: () => void): unknown;
  off(signal: Ending | 'SIGHUP', listener: () => void): unknown;
  exit(code: number): unknown;
}

/**
 * Turns signals into the end of a run: the first one aborts it with a reason, so that it can end cleanly; a
 * second one exits at once with 128 + its number.
 * @returns stops listening.
 */
export function abortOnSignals(source: SignalSource, abort: (reason: Abandoned) => void): () => void {
  let asked = false;
  const listeners = (Object.keys(endings) as Ending[]).map((name) => {
    const listener = (): void => {
      if (asked) {
        source.exit(128 + endings[name]);
        return;
      }
      asked = true;
      abort(new Abandoned(`${name} received`));
    };
    source.on(name, listener);
    return { name, listener };
  });
  return () => {
    for (const { name, listener } of listeners) source.off(name, listener);
  };
}

/**
 * Calls `reload` at each SIGHUP; without it the end of a terminal would be the end of the run.
 * @returns stops listening.
 */
export function reloadOnHangUp(source: SignalSource, reload: () => void): () => void {
  source.on('SIGHUP', reload);
  return () => {
    source.off('SIGHUP', reload);
  };
}
