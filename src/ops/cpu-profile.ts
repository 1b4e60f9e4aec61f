import { Session } from 'node:inspector/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';

/** The longest profile, ms: the answer has to come before the control socket gives its client up. */
export const profileMaxMs = 60_000;
const profileDefaultMs = 30_000;

let busy = false;

/**
 * Samples what this process does.
 * @param argument `30s`, `30s,gzip`, or nothing for 30 seconds.
 * @param over ends it early: what there is by then is the answer.
 * @returns the text of a .cpuprofile file, which the developer tools of browsers open; with gzip in base64.
 * @throws UsageError when the argument is none, or a profile is being taken already.
 */
export async function cpuProfile(argument: string, clock: Clock, over: AbortSignal): Promise<string> {
  const { durationMs, compressed } = readArgument(argument);
  if (busy) throw new UsageError('cpu-profile: one is being taken already');
  busy = true;
  const session = new Session();
  try {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await clock.sleep(durationMs, over).catch(() => undefined);
    const { profile } = await session.post('Profiler.stop');
    const text = JSON.stringify(profile);
    return compressed ? (await promisify(gzip)(text)).toString('base64') : text;
  } finally {
    session.disconnect();
    busy = false;
  }
}

function readArgument(argument: string): { durationMs: number; compressed: boolean } {
  let durationMs = profileDefaultMs;
  let compressed = false;
  for (const word of argument.split(',').map((each) => each.trim())) {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(word) ?? [];
    if (number !== undefined)
      durationMs = Number(number) * (unit === 'ms' ? 1 : unit === 's' ? 1000 : 60_000);
    else if (word === 'gzip') compressed = true;
    else if (word === 'block')
      throw new UsageError('cpu-profile: there is nothing to block on but one thread');
    else if (word !== '') throw new UsageError(`cpu-profile takes a time and "gzip", not "${word}"`);
  }
  if (durationMs <= 0 || durationMs > profileMaxMs)
    throw new UsageError(`cpu-profile lasts ${profileMaxMs / 1000}s at the most`);
  return { durationMs, compressed };
}
