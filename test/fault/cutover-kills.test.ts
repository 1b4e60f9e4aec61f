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
  contents,
  DB,
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

    test('five in a row: no late write, the old table is the new one as it was at the swap', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 8, readers: 2, pauseMs: 5 });
      t.after(() => load.stop());
      const stops: number[] = [];
      for (let round = 1; round <= 5; round++) {
        const run = startRun(lab.primary, { column: `c${round}`, extra: ['--initially-drop-old-table'] });
        assert.equal(await run.ended, undefined);
        assert.deepEqual(
          run.lines.filter((line) => /late write|stepping back/.test(line)),
          [],
        );
        const stop = run.lines.map((line) => /writers were stopped for (\d+) ms/.exec(line)?.[1]);
        stops.push(Number(stop.find((one) => one !== undefined)));
      }
      await load.stop();
      await assertNothingLost(ledger, 'five in a row');
      const { writerStopMs, readerStopMs, writeGapMs } = await ledger.compare();
      t.diagnostic(
        `stops reported ${stops} ms; ${JSON.stringify({ writerStopMs, readerStopMs, writeGapMs })}`,
      );
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
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

    test('a table whose name sorts before the sentry is swapped as any other', async () => {
      await prepare(sql, 50, 'Users');
      const run = startRun(lab.primary, { extra: ['--table', 'Users'] });
      assert.equal(await run.ended, undefined);
      assert.deepEqual(await tablesOf(sql), ['Users', '_Users_del']);
      assert.equal(await contents(sql, 'Users'), await contents(sql, '_Users_del'));
    });

    test('ids given out and taken back during the run are not given out again', async () => {
      await prepare(sql, 20);
      const insert = `INSERT INTO ${DB}.items (body, hits) VALUES ('short-lived', 0)`;
      let last = 0;
      const run = startRun(lab.primary, {
        atStep: async (step) => {
          if (step !== 'sentry') return;
          // After the counter was carried over, right before the lock.
          await runSql(sql, insert);
          last = Number((await runSql(sql, `SELECT MAX(id) AS id FROM ${DB}.items`))[0]?.id);
          await runSql(sql, `DELETE FROM ${DB}.items WHERE id = ${last}`);
        },
      });
      assert.equal(await run.ended, undefined);
      await runSql(sql, insert);
      const next = Number((await runSql(sql, `SELECT MAX(id) AS id FROM ${DB}.items`))[0]?.id);
      assert.ok(next > last, `id ${next} was given out twice`);
    });
  });
}

test('a MySQL that shows no locks: the RENAME is seen in the queue by who has to wait behind it', async (t) => {
  const lab = await start({ flavor: 'mysql', options: { performance_schema: false } });
  t.after(() => lab.stop());
  const sql = await lab.primary.connect();
  await prepare(sql);
  const ledger = await openLedger(lab.primary);
  const load = ledger.start({ writers: 6, readers: 2, pauseMs: 8 });
  t.after(() => load.stop());
  const run = startRun(lab.primary);
  assert.equal(await run.ended, undefined);
  await load.stop();
  await assertNothingLost(ledger, 'without performance_schema');
  assert.deepEqual(
    run.lines.filter((line) => /late write|stepping back/.test(line)),
    [],
  );
  t.diagnostic(`no write for ${(await ledger.compare()).writeGapMs} ms at the most`);
  await sql.end();
});
