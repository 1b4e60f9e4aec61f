import { type Clock, systemClock } from './base/clock.ts';
import { type ExitCode, messageOf, PoltergeistError, Refusal } from './base/errors.ts';
import type { Moments } from './core/moments.ts';
import type { LiveSettings } from './core/settings.ts';
import type { TableRef } from './core/table-ref.ts';
import type { Migrator } from './migrator.ts';
import { askPassword } from './ops/ask-password.ts';
import { completion } from './ops/completion.ts';
import { type CtlParts, ctl } from './ops/ctl.ts';
import { withPostponeFile } from './ops/flag-files.ts';
import { checkHooksPath, hooksOf } from './ops/hooks.ts';
import { liveSettings } from './ops/live-settings.ts';
import { createLog, type Log } from './ops/log.ts';
import { operate } from './ops/operate.ts';
import { type ParsedOptions, parseOptions } from './ops/parse-options.ts';
import { helpText } from './ops/program.ts';
import { hideSecrets, secretsOf } from './ops/secrets.ts';
import { defaultSocketFile } from './ops/socket-file.ts';
import { type Statsd, statsdOf } from './ops/statsd.ts';
import { targetOf } from './ops/target.ts';
import { version } from './ops/version.ts';

/**
 * The command.
 * @param argv the arguments after the command's name.
 * @returns the exit code: 0 done, 1 failed or abandoned, 2 usage or refusal, 3 outcome to be checked by a person.
 */
export async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<ExitCode> {
  hideSecrets(process);
  // Who reads our output may go away (`| head`); the migration goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  let log = createLog({ verbose: false, debug: false, quiet: false, logFormat: 'auto' }, process.stderr, env);
  try {
    // A first word that is no option names what to do instead of a migration.
    if (argv[0] === 'ctl') return await ctl(argv.slice(1), ctlParts(env));
    if (argv[0] === 'completion') {
      process.stdout.write(completion(argv.slice(1)));
      return 0;
    }
    const command = argv[0] === 'cleanup' ? 'cleanup' : 'migrate';
    const options = parseOptions(command === 'cleanup' ? argv.slice(1) : argv, env, command);
    if (options.action === 'help') process.stdout.write(helpText());
    if (options.action === 'version') process.stdout.write(`${version()}\n`);
    if (options.action !== 'migrate') return 0;
    const password = options.askPass ? await askPassword('Password: ') : options.password;
    log = createLog({ ...options, secrets: secretsOf(options, password) }, process.stderr, env);
    for (const { level, text } of options.notes) log[level](text);
    if (command === 'cleanup') {
      const { cleanUp } = await import('./ops/cleanup.ts');
      await cleanUp(options, { password, clock: systemClock, print });
    } else await migrate({ options, password, log, env });
    print('# Done');
    return 0;
  } catch (error) {
    return report(error, log);
  }
}

async function migrate({ options, password, log, env }: Invocation): Promise<void> {
  const target = targetOf(options);
  const settings = liveSettings(options);
  const socketFile = options.serveSocketFile ?? defaultSocketFile(target.schema, target.name);
  const clock = systemClock;
  await checkHooksPath(options);
  const hooks = hooksOf(options, {
    ...{ secrets: secretsOf(options, password), env, clock, log },
    snapshot: () => migration.snapshot(),
  });
  const moments = options.execute ? withPostponeFile(hooks, () => settings.postponeFlagFile) : hooks;
  const statsd = statsdOf(options, {
    ...{ clock, snapshot: () => migration.snapshot(), warn: (message) => log.warn(message) },
  });
  const migration: Migrator = await buildMigration({
    ...{ options, password, log, target, settings, socketFile, clock, moments, statsd },
  });
  await operate(migration, { options, socketFile, clock, log, print, signals: process, moments, statsd });
}

interface Invocation {
  readonly options: ParsedOptions;
  readonly password: string;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
}

/** All that a migration is built from. */
interface MigrationRequest extends Omit<Invocation, 'env'> {
  readonly target: TableRef;
  readonly settings: LiveSettings;
  readonly socketFile: string;
  readonly clock: Clock;
  readonly moments: Moments | undefined;
  readonly statsd: Statsd | undefined;
}

/** What a migration needs, the driver above all, is most of what there is to load: help, completion and `ctl` go without. */
async function buildMigration({
  options,
  password,
  log,
  target,
  settings,
  socketFile,
  clock,
  moments,
  statsd,
}: MigrationRequest): Promise<Migrator> {
  const [{ Migrator }, { migrationConfig }] = await Promise.all([
    import('./migrator.ts'),
    import('./ops/migration-config.ts'),
  ]);
  const config = migrationConfig(options, { password, target, socketFile, wallMs: clock.wallMs() });
  return new Migrator({
    config,
    settings,
    clock,
    log,
    print,
    ...(moments ? { moments } : {}),
    ...(statsd ? { meter: statsd } : {}),
  });
}

function ctlParts(env: NodeJS.ProcessEnv): CtlParts {
  const { stdin, stdout, stderr } = process;
  const terminal = stdin.isTTY === true && stdout.isTTY === true;
  return { input: stdin, output: stdout, errors: stderr, terminal, env, clock: systemClock };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function report(error: unknown, log: Log): ExitCode {
  const known = error instanceof PoltergeistError;
  const all = error instanceof Refusal ? [error, ...error.also] : [error];
  for (const each of all) {
    const hint = each instanceof PoltergeistError ? each.hint : undefined;
    log.fatal({ err: each, hint, refusal: each instanceof Refusal ? each.code : undefined }, messageOf(each));
  }
  return known ? error.exitCode : 1;
}
