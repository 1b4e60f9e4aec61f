/**
 * Runs a migration like the command, and dies by kill -9 at a step of its cut-over, or when it logs these words:
 * `<step or words> <options of the command>`.
 */
import { systemClock } from '../../src/base/clock.ts';
import { Migrator } from '../../src/migrator.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { migrationConfig } from '../../src/ops/migration-config.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { targetOf } from '../../src/ops/target.ts';

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

const [step, ...argv] = process.argv.slice(2);
const options = parseOptions(argv, {});
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const say = (_: object, message: string): void => {
  process.stderr.write(`${message}\n`);
  if (message.startsWith(step!)) die();
};
const { password } = options;
const config = migrationConfig(options, {
  password,
  target: targetOf(options),
  socketFile: '',
  wallMs: systemClock.wallMs(),
});
const migrator = new Migrator({
  config,
  settings: liveSettings(options),
  clock: systemClock,
  log: { debug: say, info: say, warn: say },
  print: () => undefined,
  atStep: (now) => {
    if (now === step) die();
  },
});
await migrator.run(new AbortController().signal);
