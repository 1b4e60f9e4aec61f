/**
 * The command in a process of its own, which can be held at steps of the cut-over: `HOLD_AT` names the steps and `HOLD_MS`
 * says for how long; `HOLD_BEFORE` is a pattern of statements before which it is held. With `HOLD_BUSY` its event loop is blocked
 * for that time. It writes `HELD step` to standard output when it is there. Otherwise it does what src/cli.ts does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { messageOf, PoltergeistError } from '../../src/base/errors.ts';
import { Migrator } from '../../src/migrator.ts';
import { Session } from '../../src/mysql/session.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { createLog } from '../../src/ops/log.ts';
import { migrationConfig } from '../../src/ops/migration-config.ts';
import { operate } from '../../src/ops/operate.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { targetOf } from '../../src/ops/target.ts';

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

const { HOLD_BEFORE } = process.env;
if (HOLD_BEFORE !== undefined) {
  const { execute } = Session.prototype;
  Session.prototype.execute = async function (this: Session, sql, limits) {
    if (new RegExp(HOLD_BEFORE).test(sql)) {
      process.stdout.write(`HELD ${sql}\n`);
      await sleep(Number(process.env.HOLD_MS));
    }
    return await execute.call(this, sql, limits);
  };
}

const options = parseOptions(process.argv.slice(2), {});
const log = createLog({ ...options, verbose: true, secrets: [] }, process.stderr, process.env);
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const socketFile = options.serveSocketFile ?? '';
const settings = liveSettings(options);
const wallMs = systemClock.wallMs();
const config = migrationConfig(options, {
  ...{ password: options.password, target: targetOf(options), socketFile, wallMs },
});
/** Nothing else of this process runs meanwhile. */
function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

const migration = new Migrator({
  ...{ config, settings, clock: systemClock, log, print },
  atStep: async (step) => {
    if (!process.env.HOLD_AT?.split(',').includes(step)) return;
    print(`HELD ${step}`);
    const ms = Number(process.env.HOLD_MS);
    if (process.env.HOLD_BUSY) block(ms);
    else await sleep(ms);
  },
});
try {
  await operate(migration, { options, socketFile, clock: systemClock, log, print, signals: process });
  print('# Done');
} catch (error) {
  log.fatal({ hint: (error as PoltergeistError).hint }, messageOf(error));
  process.exitCode = error instanceof PoltergeistError ? error.exitCode : 1;
}
