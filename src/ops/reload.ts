import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../base/errors.ts';
import type { LiveSettings } from '../core/settings.ts';
import { createFlagFile } from './flag-files.ts';
import { camelCase, type OptionName, options } from './options.ts';
import type { ParsedOptions } from './parse-options.ts';

/** A log as a reload needs it. */
interface ReloadLog {
  info(text: string): void;
  warn(text: string): void;
}

/**
 * SIGHUP: the conf file is read again, and what has changed in it since it was last read is put into force, where it can
 * change in a run; the rest is named. What an operator has set by the socket meanwhile stays, unless the file
 * changed the same setting. A file that cannot be read, or contradicts itself, changes nothing.
 */
export class Reload {
  readonly #settings: LiveSettings;
  readonly #log: ReloadLog;
  #before: ParsedOptions;
  #last: Promise<void> = Promise.resolve();

  /** @param before what the run began with. */
  constructor(before: ParsedOptions, settings: LiveSettings, log: ReloadLog) {
    this.#before = before;
    this.#settings = settings;
    this.#log = log;
  }

  /** Never throws: what goes wrong is logged. One at a time, in the order of the calls. */
  run(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload());
    return this.#last;
  }

  async #reload(): Promise<void> {
    const log = this.#log;
    const { reread } = this.#before;
    if (reread === null) return log.info('SIGHUP: there is no --conf file to read again');
    const before = this.#before;
    let after: ParsedOptions;
    const live: Partial<Record<keyof LiveSettings, unknown>> = {};
    const changed: OptionName[] = [];
    try {
      after = reread();
      for (const [name, { live: setting }] of options) {
        const key = camelCase(name);
        if (isDeepStrictEqual(before[key], after[key])) continue;
        changed.push(name);
        if (setting !== undefined) live[setting] = after[key];
      }
      if (typeof live.postponeFlagFile === 'string') await createFlagFile(live.postponeFlagFile);
    } catch (error) {
      return log.warn(`SIGHUP: the conf file is not taken over, nothing has changed: ${messageOf(error)}`);
    }
    Object.assign(this.#settings, live);
    this.#before = after;
    this.#tell(before, after, changed);
  }

  #tell(before: ParsedOptions, after: ParsedOptions, changed: readonly OptionName[]): void {
    const log = this.#log;
    for (const name of changed) {
      const { live, secret } = options.get(name)!;
      if (live === undefined) log.warn(`SIGHUP: ${name} has changed, but cannot change in a run`);
      else
        log.info(`SIGHUP: ${name} has changed${secret ? '' : `: ${after.texts.get(name) ?? 'the default'}`}`);
    }
    for (const [name, text] of after.overruled)
      if (before.overruled.get(name) !== text)
        log.warn(`SIGHUP: ${name} stays as it is: the command line goes before the conf file`);
    const known = new Set(before.notes.map(({ text }) => text));
    for (const { level, text } of after.notes) if (level === 'warn' && !known.has(text)) log.warn(text);
    if (changed.length === 0) log.info('SIGHUP: the conf file was read again: nothing new in it');
  }
}
