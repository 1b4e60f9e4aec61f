/**
 * `npm run soak`: migrations on real servers, each with a random table, change, load and schedule of faults; the ledger
 * tells whether any acknowledged write is lost. Everything follows from the seed, as far as clocks allow.
 *
 * Options: --migrations N (default 10)  --seed S (the first one; each migration has the next)  --json
 *          --server mysql|mariadb (default: in turn)
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';
import type { Flavor } from '../lab/lab.ts';
import { soak } from './series.ts';

function readOptions(): { migrations: number; seed: number; json: boolean; flavors: Flavor[] } {
  const { values } = parseArgs({
    options: {
      migrations: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
      server: { type: 'string' },
    },
  });
  const whole = (name: string, text: string): number => {
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} is a whole number`);
    return Number(text);
  };
  if (values.server !== undefined && values.server !== 'mysql' && values.server !== 'mariadb')
    throw new Error('--server is mysql or mariadb');
  return {
    migrations: whole('migrations', values.migrations),
    seed: whole('seed', values.seed),
    json: values.json,
    flavors: values.server === undefined ? ['mysql', 'mariadb'] : [values.server],
  };
}

try {
  const { json, ...spec } = readOptions();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const nothing = (): void => undefined;
  // With --json what went wrong is told once it is known; else it stands in the progress.
  const { report, failures } = await soak(spec, json ? nothing : say, say);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`soak: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
