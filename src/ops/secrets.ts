import { ctlOptions } from './options/ctl.ts';
import type { OptionSpec } from './options/spec.ts';
import { camelCase, type OptionValues, options } from './options.ts';

const secretFlags = new Set(
  [...options, ...Object.entries(ctlOptions as Readonly<Record<string, OptionSpec>>)]
    .filter(([, spec]) => spec.secret)
    .map(([name]) => name as string),
);
const mask = '***';

/** The arguments with the values of secret options replaced. */
export function maskArguments(argv: readonly string[]): string[] {
  let maskNext = false;
  return argv.map((argument) => {
    if (maskNext) {
      maskNext = false;
      return mask;
    }
    const [, dashes, name, equals] = /^(--?)([\w-]+)(=?)/.exec(argument) ?? [];
    if (name === undefined || !secretFlags.has(name)) return argument;
    if (equals === '=') return `${dashes}${name}=${mask}`;
    maskNext = true;
    return argument;
  });
}

/** The texts that nobody may be told: the values of all secret options, and the password in use (it may have been asked for). */
export function secretsOf(values: OptionValues, password: string): string[] {
  const given = [...options].filter(([, spec]) => spec.secret).map(([name]) => values[camelCase(name)]);
  return [password, ...given].filter((each): each is string => typeof each === 'string' && each !== '');
}

/**
 * Takes passwords off what other accounts of the machine can see of this process: setting the title
 * overwrites the memory from which `ps` and /proc/PID/cmdline read.
 * @param subject usually `process`; its `argv` is changed in place.
 */
export function hideSecrets(subject: { argv: string[]; title: string }): void {
  const masked = maskArguments(subject.argv);
  if (masked.every((argument, index) => argument === subject.argv[index])) return;
  subject.argv.splice(0, subject.argv.length, ...masked);
  subject.title = ['poltergeist', ...masked.slice(2)].join(' ');
}
