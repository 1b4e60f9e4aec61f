// A cut-over is a dance of four sessions under load; each of them may be cut down at any step of it. Whatever happens, the
// tables are swapped or they are not, no acknowledged write is lost, and neither sentry nor lock stays behind.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type CutOverStep, cutOverSteps } from '../../src/core/swap-port.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import {
  assertNothingLost,
  assertUsable,
  hasColumn,
  kill,
  openLedger,
  prepare,
  type Run,
  SERVERS,
  start,
  startRun,
  tablesOf,
} from './fault-lab.ts';

const UNDER_WAY: readonly CutOverStep[] = [
  'sentry',
  'locking',
  'locked',
  'drained',
  'queued',
  'dropped',
  'poised',
  'unlocked',
];

/** All of it takes minutes: without POLTERGEIST_LONG=1, what has a meaning of its own. */
function stepsFor(target: string, server: string): readonly CutOverStep[] {
  if (process.env.POLTERGEIST_LONG === '1') return UNDER_WAY;
  const ofOurs = target === 'L' || target === 'R';
  if (server === 'mariadb') return target === 'L' ? ['dropped', 'poised'] : [];
  return ofOurs ? UNDER_WAY.filter((step) => step !== 'locking') : ['locked', 'drained', 'dropped'];
}

/** Connections of the run that are neither L nor R: those of the applier among them, or the one that dumps the binlog. */
async function victims(sql: Connection, run: Run, who: 'stream' | 'others'): Promise<number[]> {
  const rows = await runSql(
    sql,
    `SELECT id, command FROM information_schema.processlist WHERE user = 'pg' AND id <> CONNECTION_ID()`,
  );
  const { lock, rename } = run.threads();
  return rows
    .filter((row) => /^binlog dump/i.test(String(row.command)) === (who === 'stream'))
    .map((row) => Number(row.id))
    .filter((id) => id !== lock && id !== rename);
}

async function strike(sql: Connection, run: Run, target: string): Promise<void> {
  const { lock, rename } = run.threads();
  if (target === 'L') return await kill(sql, lock);
  if (target === 'R') return await kill(sql, rename);
  const ids = await victims(sql, run, target === 'stream' ? 'stream' : 'others');
  for (const id of ids) await kill(sql, id);
}

for (const { name, spec } of SERVERS) {
  describe(`cut-over under load on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
      await runSql(sql, "CREATE USER pg@'%' IDENTIFIED BY 'pg'");
      await runSql(sql, "GRANT ALL ON *.* TO pg@'%'");
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    for (const target of ['L', 'R', 'stream', 'others']) {
      const steps = stepsFor(target, name);
      if (steps.length === 0) continue;
      test(`killed at each step: ${target}`, async (t) => {
        await prepare(sql);
        const ledger = await openLedger(lab.primary);
        const load = ledger.start({ writers: 6, readers: 2, pauseMs: 8 });
        t.after(() => load.stop());
        const outcomes: string[] = [];
        for (const [index, step] of steps.entries()) {
          const server = { ...lab.primary, user: 'pg', password: 'pg' };
          let struck = false;
          const run = startRun(server, {
            column: `c${index}`,
            extra: ['--initially-drop-old-table'],
            atStep: async (now, self) => {
              if (now !== step || struck) return;
              struck = true;
              await strike(sql, self, target);
              await sleep(20);
            },
          });
          const error = await run.ended;
          assert.equal(error, undefined, `${target} at ${step}: ${error?.stack}\n${run.lines.join('\n')}`);
          assert.ok(struck, `${step} was never reached`);
          assert.ok(await hasColumn(sql, `c${index}`), `${target} at ${step}: not swapped`);
          assert.deepEqual(await tablesOf(sql), ['_items_del', 'items'], `${target} at ${step}`);
          assert.ok(await hasColumn(sql, 'body', '_items_del'), 'a sentry is in the place of the old table');
          const attempts = run.lines.filter((line) => line.includes(cutOverSteps.looking)).length;
          const late = run.lines.filter((line) => line.includes('late write')).length;
          outcomes.push(`${step}:${attempts}${late === 0 ? '' : ` (${late} late)`}`);
          await assertUsable(lab.primary, 3000);
        }
        await load.stop();
        await assertNothingLost(ledger, `${target} killed`);
        t.diagnostic(`attempts by step: ${outcomes.join(' ')}`);
      });
    }
  });
}
